"""How a machine compares with the one that a release was verified on, and what of it decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from milepost.core.gpu.observed import count_models
from milepost.core.verdict import Observed
from milepost.diagnostics import Diagnostic, Rule, Severity

NOT_REPRODUCED = Rule("environment-not-reproduced", Severity.ERROR, "This is not the environment that was released.")
MACHINE_DIFFERS = Rule(
    "machine-differs", Severity.WARNING, "The machine is another one than the release was verified on."
)
DRIVER_NEWER = Rule("driver-newer", Severity.NOTICE, "The driver is newer than the one that a release was verified on.")
RULES = (NOT_REPRODUCED, MACHINE_DIFFERS, DRIVER_NEWER)

# What a program computes with: another one of these is another environment.
DECIDING = ("torch", "cuda", "cudnn", "nccl", "python")
# What belongs to the machine, or comes with torch.
TOLD = ("triton", "torchvision", "driver")
NAMES = {"cuda": "CUDA", "cudnn": "cuDNN", "nccl": "NCCL", "python": "Python", "gpus": "GPUs"}
DRIVER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")


class Likeness(str, Enum):
    """How what is found compares with what was recorded; `unknown` when one of them is not told."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One line of the comparison; `severity` is None when nobody needs to look."""

    name: str
    recorded: str | None
    found: str | None
    likeness: Likeness
    severity: Severity | None = None
    note: str = ""


def compare(recorded: Observed, found: Observed) -> tuple[Comparison, ...]:
    """What decides, then what is told, then the GPUs."""
    lines = [_compare_version(name, recorded, found) for name in (*DECIDING, *TOLD)]
    return (*lines, _compare_gpus(recorded, found))


def judge_likeness(comparisons: Iterable[Comparison], *, has_computed: bool) -> tuple[Diagnostic, ...]:
    """What people should read; an error means that the release is not reproduced here."""
    problems = [_diagnose(each) for each in comparisons if each.severity is not None]
    if not has_computed:
        summary = "torch did not compute here: not every matrix product came out right, or none was tried"
        way_out = "run `verify-gpu` with the plan file of the release; it names the cause"
        problems.append(NOT_REPRODUCED.found(summary, help=way_out))
    return tuple(replace(each, order=order) for order, each in enumerate(problems))


def _compare_version(name: str, recorded: Observed, found: Observed) -> Comparison:
    before, now = getattr(recorded, name), getattr(found, name)
    likeness = _liken(before, now)
    severity, note = None, ""
    if before is None or likeness is Likeness.SAME:
        pass  # what was not recorded cannot differ
    elif name in DECIDING:
        severity = Severity.ERROR
    elif name == "driver" and _is_newer(before, now):
        severity, note = Severity.NOTICE, "newer drivers run what older ones ran"
    else:
        severity = Severity.WARNING
    return Comparison(name=name, recorded=before, found=now, likeness=likeness, severity=severity, note=note)


def _compare_gpus(recorded: Observed, found: Observed) -> Comparison:
    """Another model or number of GPUs is told; none at all, where there were some, decides."""
    before, now = count_models(recorded) or None, count_models(found) or None
    is_same = before == now
    severity = None if before is None or is_same else Severity.WARNING if now else Severity.ERROR
    likeness = Likeness.SAME if is_same else Likeness.DIFFERENT
    return Comparison(name="gpus", recorded=before, found=now, likeness=likeness, severity=severity)


def _liken(before: str | None, now: str | None) -> Likeness:
    if before is None or now is None:
        return Likeness.UNKNOWN
    return Likeness.SAME if before == now else Likeness.DIFFERENT


def _is_newer(before: str, now: str | None) -> bool:
    if now is None or not DRIVER.fullmatch(before) or not DRIVER.fullmatch(now):
        return False
    return _numbers(now) > _numbers(before)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _diagnose(each: Comparison) -> Diagnostic:
    rules = {Severity.ERROR: NOT_REPRODUCED, Severity.WARNING: MACHINE_DIFFERS, Severity.NOTICE: DRIVER_NEWER}
    assert each.severity is not None, "only what somebody needs to look at is told"
    absent = "no GPU" if each.name == "gpus" else "not told by the probe"
    summary = f"{NAMES.get(each.name, each.name)}: verified {each.recorded}, here {each.found or absent}"
    return rules[each.severity].found(summary, why=each.note)
