"""A verdict as the published JSON, `milepost.verdict/1`, and read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from milepost.core.facts import Level
from milepost.core.verdict import SCHEMA, Answer, Check, Device, Ending, Observed, PastVerdict, Verdict
from milepost.diagnostics import Severity

TEXTS = ("python", "torch", "cuda", "cudnn", "nccl", "triton", "torchvision", "driver", "host", "boot_id")


def render_verdict(verdict: Verdict, *, at: str, image: str | None, run: str = "") -> dict[str, Any]:
    """The verdict as plain values; `verdict.schema.json` beside this file has its shape."""
    return {
        "schema": SCHEMA,
        "verdict": verdict.answer.value,
        "at": at,
        "run": run,
        "environment": verdict.environment,
        "image": image,
        "requirements": verdict.requirements,
        "level": verdict.level.value,
        "data": {"version": verdict.data_version, "reviewed": verdict.data_reviewed},
        "host": verdict.observed.host,
        "observed": asdict(verdict.observed) | {"gpus": [asdict(each) for each in verdict.observed.gpus]},
        "checks": [_check(each) for each in verdict.checks],
        "findings": [_finding(each) for each in verdict.findings],
    }


def read_observed(value: object) -> Observed | None:
    """The environment that a verdict of before tells; None when it is no verdict."""
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        return None
    observed = value.get("observed")
    if not isinstance(observed, Mapping):
        return None
    gpus = observed.get("gpus")
    devices = [each for each in gpus if isinstance(each, Mapping)] if isinstance(gpus, list) else []
    return Observed(
        **{name: _text(observed.get(name)) for name in TEXTS},
        gpus=tuple(_device(each) for each in devices),
    )


def read_verdict(value: object) -> PastVerdict | None:
    """A verdict of before, as far as it proves something; None when it is no verdict."""
    observed = read_observed(value)
    if observed is None or not isinstance(value, Mapping):
        return None
    answers = [each for each in Answer if each.value == value.get("verdict")]
    levels = [each for each in Level if each.value == value.get("level")]
    environment, image = _text(value.get("environment")), value.get("image")
    if not answers or not levels or environment is None or not isinstance(image, str | None):
        return None
    return PastVerdict(
        answer=answers[0],
        environment=environment,
        image=image,
        level=levels[0],
        at=_text(value.get("at")) or "",
        observed=observed,
    )


def _device(value: Mapping[str, Any]) -> Device:
    memory = value.get("memory")
    return Device(
        uuid=_text(value.get("uuid")),
        name=_text(value.get("name")),
        capability=_text(value.get("capability")),
        memory=memory if isinstance(memory, int) else None,
        mig=_text(value.get("mig")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _check(check: Check) -> dict[str, Any]:
    return {"id": check.id, "outcome": check.ending.value, "gpu": check.gpu, "because": check.because or None}


def _finding(check: Check) -> dict[str, Any]:
    severity = Severity.NOTICE if check.ending is Ending.WAIVED else check.severity
    return {
        "id": check.id,
        "severity": severity.value,
        "outcome": check.ending.value,
        "gpu": check.gpu,
        "expected": check.expected,
        "found": check.found,
        "why": check.why,
        "help": check.help,
    }
