"""The self-test's own judgement, on the facts of a healthy machine: it knows the truth, each lie, and a missed fault."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import gpu_selftest
import pytest
from gpu_selftest import Bench, declare, judge_facts, list_wrong


class Told(Bench):
    """A bench whose probes tell what a machine with that fault would tell; no process is started."""

    def __init__(self, facts: dict[str, Any], out: Path, *, is_blind: bool = False) -> None:
        super().__init__(sys.executable, out, 1)
        self.facts, self.is_blind = facts, is_blind

    def probe(self, level: str, needs: Any = None, **options: Any) -> dict[str, Any]:
        facts = copy.deepcopy(self.facts)
        environment, extra = options.get("environment", {}), options.get("extra")
        if self.is_blind:
            return facts
        if "CUDA_VISIBLE_DEVICES" in environment:
            facts["gpus"][0]["cuda_index"] = None
            facts["unread"]["/gpus/0/cuda_index"] = "not-present"
        if "CC" in environment:
            facts["host"]["cc"] = None
        if "LD_LIBRARY_PATH" in environment:
            facts["torch"]["cudnn_runtime"] = 91300
        if self.is_hogged:
            facts["gpus"][0]["memory_used_before"] = 8 << 30
        if extra:
            self._add(facts, Path(extra).read_text(encoding="utf-8"))
        return facts

    is_hogged = False

    def hold(self, python: str, size: int) -> Any:
        self.is_hogged = True
        return nullcontext()

    def _add(self, facts: dict[str, Any], text: str) -> None:
        self.is_hogged = False
        status = next(
            status
            for word, status in (("_sleep", "hung"), ("string_at", "crashed"), ("99", "error"), ("600", "error"))
            if word in text
        )
        uuid = facts["gpus"][0]["uuid"]
        for probe, each in (("alloc.broken", status), ("alloc.after", "ok")):
            row = {"probe": probe, "gpu": uuid, "status": each, "ms": 5, "detail": {}, "error": None, "signal": None}
            facts["results"].append(row)

    def _measure(self) -> Any:
        return {}


def test_the_truth_passes_and_each_lie_is_told(machine: Any) -> None:
    """Every wrong declaration is found by the check that it is meant for."""
    truth = declare(machine.value)

    assert "pass" == judge_facts(machine.value, truth, "full").answer.value
    for name, rule, wrong in list_wrong(truth):
        verdict = judge_facts(machine.value, wrong, "full")
        assert "fail" == verdict.answer.value, name
        assert rule == verdict.findings[0].id, name


@pytest.fixture
def bench(machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Makes a bench on the machine, where nothing is really held and nothing really started."""

    def make(**options: Any) -> Told:
        found = Told(machine.value, tmp_path / "out", **options)
        monkeypatch.setattr(gpu_selftest, "hog", found.hold)
        monkeypatch.setattr(gpu_selftest, "BARE", "pass")
        return found

    return make


def test_every_fault_is_counted(bench: Callable[..., Told], tmp_path: Path) -> None:
    """On a machine that tells all of them every row is right, and the table says so."""
    found = bench()

    rows = list(found.run([tmp_path / "older"]))

    assert [] == [(each.name, each.findings) for each in rows if not each.is_right]
    faults = sum(each.expected is not None for each in rows)
    assert f"{faults} of {faults} faults seen, 0 false alarms in 9 healthy runs." in gpu_selftest.render(rows, {})
    assert {"hung", "crashed", "error"} == {
        found.numbers[f"broken by {name}"]["status"] for name in gpu_selftest.PROBES
    }
    json.dumps(found.numbers)


def test_a_fault_that_is_not_seen_fails_the_self_test(bench: Callable[..., Told], monkeypatch: Any) -> None:
    """A probe that tells of a healthy machine whatever is done to it is found out."""
    found = bench(is_blind=True)
    monkeypatch.setattr(found, "_blame", lambda name, row: row)

    rows = list(found.run([]))

    missed = {each.name for each in rows if not each.is_right}
    assert {"hidden GPU", "hidden compiler", "8 GiB held by another process", "a probe has to hang"} <= missed
    assert "**NO**" in gpu_selftest.render(rows, {})


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    """With status 2, in torch's own words, and nothing was tried."""
    script = Path(gpu_selftest.__file__)
    command = [sys.executable, "-I", str(script), "--python", sys.executable, "--out", str(tmp_path / "out")]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 2 == found.returncode
    assert "there is no GPU that torch in" in found.stderr
    assert "nothing was tried" in found.stderr
    assert not (tmp_path / "out").exists()
