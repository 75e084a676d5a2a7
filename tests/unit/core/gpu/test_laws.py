"""What the judge must never do, whatever the facts are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.facts import Reason, read_facts
from milepost.core.verdict import Answer

EVERYTHING: dict[str, Any] = {
    "build": "source",  # what was published is judged elsewhere, and takes longer than all the rest
    "torch": "==2.11.*",
    "torchvision": "==0.26.*",
    "cuda": "13.0",
    "driver": ">=570",
    "cudnn": "9.19",
    "nccl": "2.28",
    "triton": "3.6",
    "python": "3.12",
    "local": "cu130",
    "gpu": {"count": "1", "names": ["H100"], "memory": ">=80 GB", "capability": ">=9.0", "mig": "off", "free": "70 GB"},
    "needs": {"compile": True, "dataloader": {"workers": 2, "shm": 10**9}},
}
# Null is a value there: the variable is not set, there is no error; or nothing hangs on it.
MAY_BE_NULL = ("/host/env/", "/ms", "/detail")
NOT_READ = ("/detail",)


def spoil(machine: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The machine with that leaf gone, null, of another kind, or unread for a reason; as it was in the end."""
    value = machine.get(place)
    *above, key = place.split("/")
    holder = machine.get("/".join(above)) if len(above) > 1 else machine.value
    if isinstance(holder, list):  # a shorter list is another fact, not a missing one
        key = int(key)  # type: ignore[assignment]
    else:
        del holder[key]
        yield "deleted", machine
    holder[key] = ["x"] if not isinstance(value, list) else "x"  # type: ignore[call-overload]
    yield "retyped", machine
    holder[key] = None  # type: ignore[call-overload]
    if value is not None and not any(part in place for part in MAY_BE_NULL):
        yield "nulled", machine
    for reason in (Reason.TIMEOUT,):
        machine.value["unread"] = {place: reason.value}
        yield reason.value, machine
    machine.value["unread"] = {}
    holder[key] = value  # type: ignore[call-overload]


@pytest.mark.parametrize(("level", "needs"), [("quick", {"compile": True}), ("full", EVERYTHING["needs"])])
def test_a_leaf_that_is_gone_null_or_of_another_kind_never_passes(
    level: str, needs: Any, court: Any, new_machine: Callable[..., Any], declare: Callable[..., Any]
) -> None:
    """For every leaf of the facts, with everything declared that can be."""
    machine = new_machine(level=level).got("compile", "ok", gpu=None)
    environment = declare(**{**EVERYTHING, "needs": needs})
    assert Answer.PASS is court.judge(machine, environment, level=level).answer

    passing = [
        (place, name)
        for place in machine.leaves()
        if not place.endswith(NOT_READ)
        for name, changed in spoil(machine, place)
        if court.judge(changed, environment, level=level).answer is Answer.PASS
    ]

    assert [] == passing


@pytest.mark.parametrize("reason", ["not-supported", "no-permission", "not-present"])
def test_what_is_declared_must_be_readable(reason: str, court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """A machine that cannot tell it is fine, until somebody declares it."""
    for place, declared in (
        ("/gpus/0/memory_total", {"gpu": {"memory": ">=80 GB"}}),
        ("/gpus/0/name", {"gpu": {"names": ["H100"]}}),
        ("/gpus/0/is_mig", {"gpu": {"mig": "on"}}),
        ("/torch/nccl", {"nccl": "2.28"}),
        ("/driver/version", {"driver": ">=570"}),
    ):
        unread = machine.unread(place, reason)

        assert Answer.PASS is court.judge(unread).answer, place
        assert Answer.UNPROVEN is court.judge(unread, declare(**declared)).answer, place


def test_a_level_that_was_not_probed_does_not_pass(court: Any, new_machine: Callable[..., Any]) -> None:
    """Facts of `quick` prove nothing at `full`."""
    assert Answer.UNPROVEN is court.judge(new_machine(level="quick"), level="full").answer


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["torch", "gpus", "unread", "results", "host", "driver", "/torch", "status", "uuid"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_breaks_the_reader(value: object) -> None:
    """Whatever a file holds, it becomes facts, and every gap has a reason."""
    facts = read_facts(value)

    assert all(isinstance(each, Reason) for each in facts.unread.values())
    assert facts.unread


def test_hostile_facts_do_not_pass(court: Any) -> None:
    """Nothing, a list, and a million levels of nothing."""
    for value in (None, [], {}, "x", {"gpus": [{}] * 3, "results": [[]]}, json.loads("[" * 500 + "]" * 500)):
        machine = type("Machine", (), {"value": value})()

        verdict = court.judge(machine)

        assert Answer.PASS is not verdict.answer
        assert verdict.findings
