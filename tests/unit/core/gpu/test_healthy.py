"""Machines of public reports, all of them healthy: none is accused.

`machines.json` says of each leaf which page it is from, or that it is assumed; the rest is that of the healthy machine
of `conftest.py`, so the results of the probes are ours: these people were not asked to run them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from milepost.core.facts import Level, read_facts
from milepost.core.gpu.capture import capture
from milepost.core.verdict import Answer
from milepost.planfile.load import load_plan_text
from milepost.views.planned import render_entry

KINDS = (
    *("GeForce", "MIG", "vGPU", "WSL", "GH200", "Eight H100", "One of eight", "Time-sliced", "NGC", "conda", "Open"),
    *("B200", "GB10", "forward-compatible", "Jetson"),
)
# Some of them have such a release, or such a driver, and are told so.
TRUE = ("known-bad", "driver-works-below-floor")


def rebuild(described: dict[str, Any], new_machine: Callable[..., Any]) -> Any:
    """The machine that the report describes."""
    machine = new_machine(gpus=described["gpus"], level=described["level"])
    values = list_values(described)
    for place, value in values.items():
        for each in spread(place, described["gpus"]):
            machine = machine.put(each, value)
    for place, reason in list_reasons(described).items():
        for each in spread(place, described["gpus"]):
            machine = machine.unread(each, reason)
    site = machine.get("/torch/path").rpartition("/torch/")[0]
    if "/loaded" not in values:
        machine = machine.put("/loaded", [{"family": "cudnn", "path": f"{site}/nvidia/cudnn/lib/libcudnn.so.9"}])
    return without_hidden(machine)


def without_hidden(machine: Any) -> Any:
    """The machine on which nothing was tried on the GPUs that CUDA does not show."""
    hidden = {gpu["uuid"] for gpu in machine.get("/gpus") if gpu["cuda_index"] is None}
    return machine.put("/results", [each for each in machine.get("/results") if each["gpu"] not in hidden])


def list_values(described: dict[str, Any]) -> dict[str, Any]:
    """Every leaf that the report or an assumption gives."""
    told = (part["values"] for part in (*described["leaves"], described["assumed"]))
    return {place: value for values in told for place, value in values.items()}


def list_reasons(described: dict[str, Any]) -> dict[str, str]:
    """Every leaf that cannot be read on such a machine, with its reason."""
    told: dict[str, str] = (described["unread"] or {"reasons": {}})["reasons"]
    return {**told, **described["assumed"]["reasons"]}


def spread(place: str, gpus: int) -> Iterator[str]:
    """The place, on each GPU when it has a star."""
    yield from (place.replace("*", str(index)) for index in range(gpus)) if "*" in place else (place,)


def test_no_healthy_machine_is_accused(
    published: list[dict[str, Any]], court: Any, new_machine: Callable[..., Any], declare: Callable[..., Any]
) -> None:
    """Each passes against its true declaration, without an error, and is warned of nothing that is not so."""
    found = {}
    for each in published:
        verdict = court.judge(rebuild(each, new_machine), declare(**each["environment"]), level=each["level"])
        found[each["name"]] = (verdict.answer, [one.id for one in verdict.findings if one.id not in TRUE])

    assert len(published) >= 12
    assert {name: (Answer.PASS, []) for name in found} == found


def test_every_kind_of_machine_is_there(published: list[dict[str, Any]]) -> None:
    """And each has a page that tells of it."""
    names = " ".join(each["name"] for each in published)

    assert [] == [kind for kind in KINDS if kind not in names]
    assert {True, False} == {
        list_values(each)["/driver/has_open_module"]
        for each in published
        if "/driver/has_open_module" in list_values(each)
    }


def test_every_leaf_has_a_page_or_is_said_to_be_assumed(
    published: list[dict[str, Any]], new_machine: Callable[..., Any]
) -> None:
    """Each machine has a page, nothing has both, and each is a leaf that machines have."""
    for each in published:
        pages = [*each["leaves"], *([each["unread"]] if each["unread"] else [])]
        found = {place for page in pages for place in (*page.get("values", ()), *page.get("reasons", ()))}
        assumed = {*each["assumed"]["values"], *each["assumed"]["reasons"]}

        assert each["leaves"], each["name"]
        assert [] == [page["source"] for page in pages if not page["source"].startswith("https://")]
        assert set() == found & assumed, each["name"]
        for place in found | assumed:
            for leaf in spread(place, each["gpus"]):
                new_machine(gpus=each["gpus"]).without(leaf)  # raises where there is no such leaf


def test_a_captured_machine_passes_against_its_own_entry(
    published: list[dict[str, Any]], court: Any, new_machine: Callable[..., Any]
) -> None:
    """For every one of them: the entry is a valid plan file, and the machine meets it."""
    for each in published:
        machine = rebuild(each, new_machine)
        entry = render_entry("here", capture(read_facts(machine.value)))
        desired, problems = load_plan_text(f"version: 1\n{entry}".encode(), file="captured", workspace=None)
        assert desired is not None, (each["name"], entry, problems)

        verdict = court.judge(machine, desired.environments["here"], level=each["level"])

        assert Answer.PASS is verdict.answer, (each["name"], entry, verdict.findings)


@pytest.mark.parametrize("spoiled", ["/gpus/0/name", "/torch/version", "/driver/version", "/gpus/0/capability"])
def test_a_capture_holds_on_to_what_it_saw(spoiled: str, court: Any, machine: Any) -> None:
    """Another machine does not meet the entry."""
    others = {
        "/gpus/0/name": "NVIDIA A100-SXM4-80GB",
        "/torch/version": "2.10.0+cu130",
        "/driver/version": "575.57.08",
        "/gpus/0/capability": "8.0",
    }
    entry = render_entry("here", capture(read_facts(machine.value)))
    desired, _ = load_plan_text(f"version: 1\n{entry}".encode(), file="captured", workspace=None)
    assert desired is not None

    verdict = court.judge(machine.put(spoiled, others[spoiled]), desired.environments["here"])

    assert Answer.FAIL is verdict.answer
    assert Level.FULL is verdict.level
