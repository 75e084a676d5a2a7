"""A verdict on a machine as text, as a job summary, and a fleet of them as one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from milepost.core.environment import Environment
from milepost.core.verdict import Answer, Check, Ending, Observed, Verdict
from milepost.views.environment import describe_sizes, describe_versions
from milepost.views.markdown import cell, prose, table
from milepost.views.plain import counted, one_line, shortened

MARKS = {Answer.PASS: "✅", Answer.FAIL: "❌", Answer.UNPROVEN: "❌"}
ENDINGS = {
    Ending.MET: "✅",
    Ending.FAILED: "❌",
    Ending.UNPROVEN: "❔",
    Ending.WAIVED: "🟡",
    Ending.NOT_APPLICABLE: "",
    Ending.NOT_ASKED: "",
}
NAMES = ("python", "torch", "cuda", "cudnn", "nccl", "driver", "torchvision", "triton")
FLEET = ("torch", "cuda", "cudnn", "nccl", "driver", "python")
GIGABYTE = 10**9


def render_verdict_text(verdict: Verdict, reason: str) -> str:
    """The answer in a line, and what was found in the lines below."""
    observed = verdict.observed
    found = [f"{name} {getattr(observed, name)}" for name in NAMES if getattr(observed, name)]
    lines = [
        f"{verdict.answer.value}: environment {one_line(verdict.environment)}, level {verdict.level.value}; {reason}",
        f"  {one_line(', '.join(found)) or 'nothing was found'}",
        f"  {one_line(describe_gpus(observed))}",
    ]
    return "\n".join([*lines, *(f"  {one_line(note)}" for note in _count(verdict))])


def render_verdict_markdown(verdict: Verdict, environment: Environment, reason: str) -> str:
    """What a person reads in ten seconds, then every check."""
    host = f" on `{(verdict.observed.host or 'an unnamed machine')[:19]}`"
    head = f"### {MARKS[verdict.answer]} {verdict.answer.value}: {cell(verdict.environment)}{host}"
    rows = [(name, cell(wanted) if wanted else "", cell(found)) for name, wanted, found in _rows(verdict, environment)]
    parts = [
        head,
        f"{prose(reason)}; level {verdict.level.value}; {prose('; '.join(_count(verdict)))}.",
        table(("", "declared", "found"), rows),
        _render_checks(verdict.checks),
    ]
    return "\n\n".join(part for part in parts if part)


def render_fleet(verdicts: Mapping[str, Verdict]) -> str:
    """A row for each machine; what differs from most of the others is in bold type."""
    common = {name: _most_common(verdicts, name) for name in FLEET}
    models = Counter(describe_gpus(each.observed) for each in verdicts.values()).most_common(1)
    rows = []
    for name, each in verdicts.items():
        first = next((finding.id for finding in each.findings), "")
        values = [_marked(getattr(each.observed, key) or "", common[key]) for key in FLEET]
        gpus = _marked(describe_gpus(each.observed), models[0][0])
        rows.append(
            (cell(name), f"{MARKS[each.answer]} {each.answer.value}", *values, gpus, f"`{first}`" if first else "")
        )
    return table(("machine", "verdict", *FLEET, "gpus", "first finding"), rows)


def render_fleet_text(verdicts: Mapping[str, Verdict]) -> str:
    """A line for each machine, and what is unusual about it."""
    common = {name: _most_common(verdicts, name) for name in FLEET}
    lines = []
    for name, each in verdicts.items():
        first = next((f", {finding.id}" for finding in each.findings), "")
        odd = [f"{key} {getattr(each.observed, key)}" for key in FLEET if getattr(each.observed, key) != common[key]]
        unusual = f"; unlike most: {', '.join(odd)}" if odd else ""
        lines.append(one_line(f"{each.answer.value}: {name}{first}{unusual}"))
    return "\n".join(lines)


def describe_gpus(observed: Observed) -> str:
    """`8 × NVIDIA H100 80GB HBM3, 85.5 GB, 9.0`."""
    counts = Counter(
        ", ".join(
            part
            for part in (
                each.name or "a GPU without a name",
                f"MIG {each.mig}" if each.mig else "",
                f"{each.memory / GIGABYTE:.1f} GB" if each.memory else "",
                each.capability or "",
            )
            if part
        )
        for each in observed.gpus
    )
    return "; ".join(f"{number} × {name}" for name, number in counts.items()) or "no GPU"


def list_outliers(verdicts: Mapping[str, Verdict]) -> list[str]:
    """The machines that have something that most of the others do not have."""
    common = {name: _most_common(verdicts, name) for name in FLEET}
    models = Counter(describe_gpus(each.observed) for each in verdicts.values()).most_common(1)
    return [
        name
        for name, each in verdicts.items()
        if describe_gpus(each.observed) != models[0][0]
        or any(getattr(each.observed, key) != common[key] for key in FLEET)
    ]


def _rows(verdict: Verdict, environment: Environment) -> list[tuple[str, str, str]]:
    observed = verdict.observed
    rows = []
    for name in NAMES:
        wanted, found = getattr(environment, name), getattr(observed, name)
        if wanted is not None or found is not None:
            rows.append((name, wanted.text if wanted else "", found or "?"))
    gpu = environment.gpu
    wanted = "none" if environment.is_cpu else "at least one"
    if gpu is not None and not environment.is_cpu:
        parts = [
            describe_versions(gpu.count, more="more", less="fewer") if gpu.count else "",
            " or ".join(gpu.names),
            describe_sizes(gpu.memory) if gpu.memory else "",
            gpu.capability.text if gpu.capability else "",
            f"MIG {gpu.mig}" if gpu.mig else "",
        ]
        wanted = ", ".join(part for part in parts if part) or wanted
    return [*rows, ("GPUs", wanted, describe_gpus(observed))]


def _count(verdict: Verdict) -> list[str]:
    asked = [each for each in verdict.checks if each.ending not in (Ending.NOT_ASKED, Ending.NOT_APPLICABLE)]
    met = sum(each.ending is Ending.MET for each in asked)
    waived = sum(each.ending is Ending.WAIVED for each in asked)
    notes = [f"{met} of {counted(len(asked), 'check')} met", *([f"{waived} waived"] if waived else [])]
    return [*notes, f"compatibility data of {verdict.data_reviewed}"]


def _render_checks(checks: Sequence[Check]) -> str:
    asked = [each for each in checks if each.ending not in (Ending.NOT_ASKED, Ending.NOT_APPLICABLE)]
    rows = [
        (
            f"{ENDINGS[each.ending]} {each.ending.value}",
            f"`{each.id}`",
            cell(each.gpu) if each.gpu else "",
            prose(shortened(f"because of {each.because}" if each.because else each.found, 160)),
        )
        for each in asked
    ]
    body = table(("outcome", "check", "GPU", ""), rows)
    return f"<details><summary>Every check</summary>\n\n{body}\n</details>"


def _most_common(verdicts: Mapping[str, Verdict], name: str) -> str:
    found = Counter(getattr(each.observed, name) or "" for each in verdicts.values())
    return found.most_common(1)[0][0] if found else ""


def _marked(value: str, common: str) -> str:
    shown = cell(value) if value else ""
    return f"**{shown or '?'}**" if value != common else shown
