"""The `progress:` section, and what `lint:` asks of milestones that are there."""

from __future__ import annotations

from pathlib import Path

from milepost.core.attention import Concern, Habits
from milepost.core.reporting import Reporting
from milepost.planfile.load import load_plan_text

PLANS = Path(__file__).parents[2] / "plans" / "valid"


def load(text: str) -> Reporting:
    """What the plan asks for; it has no errors."""
    desired, problems = load_plan_text(text.encode(), file="plan.yml", workspace=None)
    assert desired is not None, problems
    return desired.reporting


def test_without_a_section_the_defaults_count() -> None:
    """Nothing is written; everything is told."""
    assert Reporting() == load("version: 1\n")
    assert (False, (), 14) == (Reporting().has_report, Reporting().marks, Reporting().habits.stale_after)


def test_every_key_is_read() -> None:
    """Each other than its default."""
    found = load((PLANS / "progress.yml").read_text(encoding="utf-8"))

    assert (True, ("7d", "1d", "due")) == (found.has_report, found.marks)
    assert (False, False, False) == (found.has_notifications, found.has_forecast, found.has_charts)
    habits = found.habits
    assert (0, ("进行中",), 3) == (habits.stale_after, habits.in_progress, habits.carried_after)
    assert (50, None, 60) == (habits.most_issues, habits.fewest_issues, habits.most_days)
    assert frozenset({Concern.HOMELESS}) == habits.ignored


def test_titles_are_judged_by_the_pattern_of_plans() -> None:
    """A pattern that takes too long judges nothing."""
    judge = load('version: 1\nlint: {milestone-names: "v[0-9.]+"}\n').habits.is_named_right
    costly = load('version: 1\nlint: {milestone-names: "((((a*c|a)*d|a)*e|a)*f|a)*x"}\n').habits.is_named_right

    assert judge is not None
    assert costly is not None
    assert [True, False] == [judge("v2.9"), judge("Backlog")]
    assert costly("a" * 255)
    assert None is Habits().is_named_right
