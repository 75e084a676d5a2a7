"""The `progress:` section of the plan file, and what `lint:` asks of milestones that are there."""

from __future__ import annotations

from collections.abc import Callable

from milepost.core.attention import Concern, Habits
from milepost.core.reporting import Reporting
from milepost.diagnostics import Rule, Severity
from milepost.planfile.pattern import Budget, TooCostly, read_pattern
from milepost.planfile.reading import Reading

REMIND_WITHOUT_REPORT = Rule(
    "remind-without-report", Severity.ERROR, "Reminders are asked for, and there is no report issue to write them on."
)
RULES = (REMIND_WITHOUT_REPORT,)

SECTION = "progress"


def load_reporting(reading: Reading) -> Reporting:
    """What the section asks for; each key has its default."""
    value = reading.value.get(SECTION) or {}
    default = Reporting()
    marks = reading.texts(value, "remind", (SECTION,))
    has_report = bool(value.get("report", default.has_report))
    if marks and not has_report:
        way_out = "set `report: true`, and grant `issues: write`"
        reading.report(
            REMIND_WITHOUT_REPORT, "reminders are comments on the report issue", SECTION, "remind", help=way_out
        )
    return Reporting(
        has_report=has_report,
        marks=marks,
        has_notifications=bool(value.get("notify", default.has_notifications)),
        has_forecast=bool(value.get("forecast", default.has_forecast)),
        has_charts=bool(value.get("charts", default.has_charts)),
        habits=_load_habits(reading),
    )


def _load_habits(reading: Reading) -> Habits:
    value, lint = reading.value.get(SECTION) or {}, reading.value.get("lint") or {}
    default = Habits()
    labels = reading.texts(value, "in-progress", (SECTION,)) if "in-progress" in value else default.in_progress
    return Habits(
        stale_after=value.get("stale-after", default.stale_after),
        in_progress=tuple(each.casefold() for each in labels),
        carried_after=value.get("carried-after", default.carried_after),
        most_issues=lint.get("most-issues"),
        fewest_issues=lint.get("fewest-issues"),
        most_days=lint.get("most-days"),
        ignored=frozenset(map(Concern, reading.texts(value, "ignore", (SECTION,)))),
        is_named_right=_judge_name(lint.get("milestone-names")),
    )


def _judge_name(source: str | None) -> Callable[[str], bool] | None:
    """Whether a title matches the team's pattern; a pattern that cannot be used is reported where plans are linted."""
    pattern, reason = read_pattern(source) if source else (None, "")
    if pattern is None or reason:
        return None
    names = pattern

    def judge(title: str) -> bool:
        try:
            return names.covers(title, Budget())
        except TooCostly:
            return True  # nobody knows

    return judge
