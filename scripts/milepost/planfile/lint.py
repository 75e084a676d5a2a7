"""Warnings about a valid plan: names, and milestones that are too long, too full or too empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from milepost.core.model import DesiredState, PlannedMilestone
from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.pattern import Budget, Pattern, TooCostly, read_pattern
from milepost.planfile.wording import escape, quote

BAD_PATTERN = Rule("bad-pattern", Severity.ERROR, "The regular expression of `lint` cannot be used.")
MILESTONE_NAME = Rule("milestone-name", Severity.WARNING, "A milestone's title does not match the team's pattern.")
LONG_MILESTONE = Rule("long-milestone", Severity.WARNING, "A milestone takes longer than the team wants.")
FULL_MILESTONE = Rule("full-milestone", Severity.WARNING, "A milestone holds more issues than the team wants.")
THIN_MILESTONE = Rule("thin-milestone", Severity.WARNING, "A milestone holds fewer issues than the team wants.")
RULES = (BAD_PATTERN, MILESTONE_NAME, LONG_MILESTONE, FULL_MILESTONE, THIN_MILESTONE)


def lint(desired: DesiredState, settings: Mapping[str, Any], pattern_at: Location) -> tuple[Diagnostic, ...]:
    """What the team's own settings say against the plan."""
    source = settings.get("milestone-names")
    names, reason = read_pattern(source) if source else (None, "")
    if reason:
        summary, way_out = f"{quote(source)} is no pattern: {escape(reason)}", _pattern_help()
        return (BAD_PATTERN.found(summary, at=pattern_at, help=way_out),)
    try:
        return tuple(_lint_milestones(desired, settings, names))
    except TooCostly:
        summary, way_out = f"{quote(source)} takes too many steps to match", "repeat less inside of what repeats"
        return (BAD_PATTERN.found(summary, at=pattern_at, help=way_out),)


def _pattern_help() -> str:
    return r"use characters, `.`, `[…]`, `\d \w \s`, `(…|…)`, `^ $`, and `? * + {2,3}`; a `\` before any other sign"


def _lint_milestones(desired: DesiredState, settings: Mapping[str, Any], names: Pattern | None) -> Iterator[Diagnostic]:
    previous: date | None = None
    counts = Counter(issue.milestone for issue in desired.issues)
    budget = Budget()
    for each in desired.milestones:
        if names and not names.covers(each.title, budget):
            summary = f"milestone {quote(each.title)} does not match {quote(names.source)}"
            yield MILESTONE_NAME.found(summary, at=each.at, help="rename it, with `was:` if it exists already")
        yield from _lint_length(each, previous, settings.get("most-days"))
        yield from _lint_size(each, counts[each.title], settings)
        previous = each.due if isinstance(each.due, date) else previous


def _lint_length(each: PlannedMilestone, previous: date | None, most: int | None) -> Iterator[Diagnostic]:
    start = each.start or previous
    if most is None or start is None or not isinstance(each.due, date):
        return
    days = (each.due - start).days
    if days > most:
        summary = f"milestone {quote(each.title)} takes {days} days, more than {most}"
        yield LONG_MILESTONE.found(summary, at=each.at, help="split it by feature or by sprint")


def _lint_size(each: PlannedMilestone, count: int, settings: Mapping[str, Any]) -> Iterator[Diagnostic]:
    most, fewest = settings.get("most-issues"), settings.get("fewest-issues")
    if most is not None and count > most:
        summary = f"milestone {quote(each.title)} holds {count} issues, more than {most}"
        yield FULL_MILESTONE.found(summary, at=each.at, help="split it by feature or by sprint")
    if fewest is not None and count < fewest:
        summary = f"milestone {quote(each.title)} holds {count} issues, fewer than {fewest}"
        yield THIN_MILESTONE.found(summary, at=each.at, help="join it with another one, or plan its issues")
