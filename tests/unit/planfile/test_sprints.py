"""The `sprints:` section as cadences."""

from __future__ import annotations

from datetime import date

import pytest
from milepost.core.cadence import Cadence, Settings
from milepost.core.carry import CarryOver, CarryRule, Closing, Progress, Target
from milepost.planfile.dates import read_length
from milepost.planfile.load import load_plan_text


def load(text: str) -> tuple[Cadence, ...]:
    """The cadences of a section that must be valid."""
    desired, problems = load_plan_text(f"version: 1\n{text}".encode(), file="p.yml", workspace=None)
    assert desired is not None, problems
    return desired.cadences


def test_an_entry_has_its_defaults() -> None:
    """Two future sprints, carried to the next, closed when they are due."""
    (cadence,) = load('sprints: [{title: "Sprint {number}", anchor: {number: 1, start: 2027-01-04}, length: 2 weeks}]')

    (entry,) = cadence.entries
    assert ("sprint", 1, date(2027, 1, 4), 14, 0) == (cadence.key, entry.number, entry.start, entry.length, entry.gap)
    assert Settings() == entry.settings
    assert (frozenset(), False) == (entry.skip, entry.is_shortened)


def test_everything_that_is_written_is_read() -> None:
    """Days, rules and names."""
    (cadence,) = load("""
labels: [{name: carried}]
environments: {prod: {torch: "2.9.0"}}
sprints:
  - title: "团队 {number}"
    key: team-a
    anchor: {number: 4, start: 2027-01-04}
    length: 10 days
    gap: 4d
    keep: 0
    skip: [2027-02-08 / 2027-02-09, 2027-05-03]
    skip-mode: shorten
    buffer: 1 day
    carry-over: {default: keep, rules: [{label: x, assignee: any, state: in-progress, to: block}], alert-after: 5}
    close: never
    environment: prod
    labels: [carried]
    then: [report.yml]
""")

    (entry,) = cadence.entries
    rule = CarryRule(to=Target.BLOCK, label="x", assignee="any", state=Progress.IN_PROGRESS)
    assert {date(2027, 2, 8), date(2027, 2, 9), date(2027, 5, 3)} == entry.skip
    assert (10, 4, True) == (entry.length, entry.gap, entry.is_shortened)
    assert (
        Settings(
            keep=0,
            buffer=1,
            carry_over=CarryOver(default=Target.KEEP, rules=(rule,), alert_after=5),
            close=Closing.NEVER,
            environment="prod",
            labels=("carried",),
            then=("report.yml",),
        )
        == entry.settings
    )


def test_entries_of_one_key_are_one_cadence_in_the_order_of_their_anchors() -> None:
    """However the file orders them; the key is the title without its placeholders."""
    found = load("""
sprints:
  - {title: "Vision {number}", anchor: {number: 9, start: 2027-04-26}, length: 3 weeks}
  - {title: "{number}", anchor: {number: 1, start: 2027-01-04}, length: 2 weeks}
  - {title: "Vision  {number}", anchor: {number: 1, start: 2027-01-04}, length: 2 weeks}
""")

    assert [("vision", [1, 9]), ("sprint", [1])] == [(each.key, [one.number for one in each.entries]) for each in found]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2 weeks", 14),
        ("1 week", 7),
        ("10 days", 10),
        ("1 day", 1),
        ("3d", 3),
        ("2w", 14),
        ("two weeks", None),
        ("-1 day", None),
    ],
)
def test_a_length_is_a_number_of_days_or_weeks(text: str, days: int | None) -> None:
    """In words or short."""
    assert days == read_length(text)
