"""A plan file as the desired state, or every problem with it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from milepost.core.model import UNMANAGED, DesiredState, PlannedLabel
from milepost.core.points import PLACEHOLDER
from milepost.diagnostics import Diagnostic, Location, Rule, Severity, has_errors, in_file_order
from milepost.planfile.environments import load_environments
from milepost.planfile.issues import load_issues
from milepost.planfile.lint import lint
from milepost.planfile.milestones import load_milestones
from milepost.planfile.progress import load_reporting
from milepost.planfile.pull_requests import read_policy
from milepost.planfile.reading import Reading
from milepost.planfile.relations import judge_relations
from milepost.planfile.release import load_releasing
from milepost.planfile.source import parse_plan
from milepost.planfile.sprints import load_cadences
from milepost.planfile.text import MOST_BYTES
from milepost.planfile.validate import MOST_PROBLEMS, Steps, validate
from milepost.planfile.wording import escape, nearest, quote

MISSING_PLAN = Rule("missing-plan", Severity.ERROR, "There is no plan file where it is looked for.")
BAD_SIZE_LABELS = Rule("bad-size-labels", Severity.ERROR, "The pattern of size labels has no place for the points.")
BAD_TIMEZONE = Rule("bad-timezone", Severity.ERROR, "The time zone is not an IANA name.")
TOO_MANY_PROBLEMS = Rule("too-many-problems", Severity.ERROR, "The plan file has more problems than are worth telling.")
RULES = (MISSING_PLAN, BAD_SIZE_LABELS, BAD_TIMEZONE, TOO_MANY_PROBLEMS)


def load_plan(path: Path, *, workspace: Path) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    """The desired state that the file of the workspace holds; None when it has any error."""
    try:
        with (workspace / path).open("rb") as stream:
            # One more than are allowed: an endless file must not be read whole.
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as trouble:
        reason = f"{escape(str(path))} cannot be read: {getattr(trouble, 'strerror', None) or 'it is not a path'}"
        way_out = "name the file with the input `plan`; in a workflow, check the repository out first"
        return None, (MISSING_PLAN.found(reason, help=way_out),)
    return load_plan_text(data, file=str(path), workspace=workspace)


def load_plan_text(
    data: bytes, *, file: str, workspace: Path | None
) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    """The desired state that the bytes hold; None when they have any error. Never raises."""
    root, problems = parse_plan(data, file=file)
    if root is None:
        return None, _limit(problems)
    checked = validate(root)
    problems += checked.problems
    if checked.value is None:
        return None, _limit(problems)
    reading = Reading(root, checked)
    desired = _read_desired(reading, workspace)
    problems += tuple(reading.problems)
    if not has_errors(problems):
        problems += lint(desired, reading.value.get("lint") or {}, reading.at("lint", "milestone-names"))
    return (None if has_errors(problems) else desired), _limit(problems)


def _limit(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The problems in file order, and no more of them than anybody reads."""
    ordered = in_file_order(problems)
    if len(ordered) <= MOST_PROBLEMS:
        return ordered
    summary, way_out = f"only the first {MOST_PROBLEMS:,} problems are told", "mend these, and look again"
    return (*ordered[:MOST_PROBLEMS], TOO_MANY_PROBLEMS.found(summary, at=ordered[MOST_PROBLEMS].at, help=way_out))


def _read_desired(reading: Reading, workspace: Path | None) -> DesiredState:
    milestones = load_milestones(reading)
    issues = load_issues(reading, milestones, workspace)
    language: Literal["en", "zh"] = reading.value.get("language", "en")
    environments = {each.name: each for each in load_environments(reading)}
    desired = DesiredState(
        repository=reading.value.get("repository"),
        timezone=_read_timezone(reading),
        language=language,
        labels=tuple(_read_labels(reading)),
        milestones=milestones,
        issues=tuple(issue for issue, _ in issues),
        environments=environments,
        cadences=load_cadences(reading),
        size_labels=_read_size_labels(reading),
        has_history=reading.value.get("history") == "branch",
        reporting=load_reporting(reading),
        releasing=load_releasing(reading, milestones, environments),
    )
    places = _Places(reading, tuple(path for _, path in issues))
    read_policy(reading)
    relations = judge_relations(desired, places, has_labels="labels" in reading.value)
    reading.problems += islice(relations, MOST_PROBLEMS + 1)
    return desired


def _read_timezone(reading: Reading) -> str:
    name = str(reading.value.get("timezone", "UTC"))
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        way_out = nearest(name, sorted(available_timezones()), otherwise="write a name like Asia/Shanghai or UTC")
        reading.report(BAD_TIMEZONE, f"{quote(name)} is not a time zone", "timezone", help=way_out)
    return name


def _read_size_labels(reading: Reading) -> str | None:
    pattern: str | None = reading.value.get("size-labels")
    if pattern is not None and pattern.count(PLACEHOLDER) != 1:
        summary, way_out = f"{quote(pattern)} does not hold {PLACEHOLDER} once", f"write it like size/{PLACEHOLDER}"
        reading.report(BAD_SIZE_LABELS, summary, "size-labels", help=way_out)
    return pattern


def _read_labels(reading: Reading) -> Iterator[PlannedLabel]:
    for path, each in reading.members("labels"):
        for name in ("name", "was", "description"):
            # An empty description is one that is cleared.
            if each.get(name):
                reading.judge_line(each[name], *path, name)
        yield PlannedLabel(
            name=reading.name(each, "name", path),
            was=each.get("was"),
            color=each["color"].lstrip("#").lower() if "color" in each else UNMANAGED,
            description=each.get("description", UNMANAGED),
            is_absent=each.get("state") == "absent",
            at=reading.at(*path, "name"),
        )


@dataclass(frozen=True)
class _Places:
    """Finds the parts of planned objects by the order in which those were read."""

    reading: Reading
    issues: tuple[Steps, ...]

    def of_label(self, index: int, part: str) -> Location:
        return self.reading.at("labels", index, part)

    def of_milestone(self, index: int, part: str) -> Location:
        return self.reading.at("milestones", index, part)

    def of_issue(self, index: int, part: str, text: str | None = None) -> Location:
        """The place of the part; of the text in it, when the part is a list."""
        path = (*self.issues[index], part)
        if text is None:
            return self.reading.at(*path)
        value = self.reading.value
        for step in path:
            value = value[step]
        return self.reading.at(*path, value.index(text))

    def hides(self, section: str, *names: str) -> bool:
        return self.reading.hides(section, *names)
