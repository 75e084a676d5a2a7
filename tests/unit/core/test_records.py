"""Records of sprints: what is kept, and what is believed when it is read back."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from milepost.core.cadence import Sprint
from milepost.core.carry import Item, Target
from milepost.core.records import (
    Carried,
    Planned,
    Record,
    freeze,
    path_of,
    plan_set,
    read_planned,
    read_record,
    render_planned,
    render_record,
    say_points,
)

TODAY = date(2027, 1, 18)
SPRINT = Sprint(cadence="sprint", number=1, start=date(2027, 1, 4), due=date(2027, 1, 17), title="Sprint 1")
ITEMS = (
    Item(number=4, title="open", labels=("size/5",)),
    Item(
        number=1, title="done", is_open=False, reason="completed", closed_at="2027-01-09T10:00:00Z", labels=("size/3",)
    ),
    Item(number=2, title="dropped", is_open=False, reason="not_planned"),
    Item(number=3, title="added", is_open=False, closed_at=None),
    Item(number=9, title="pull", is_pull=True),
)
PLANNED = Planned(numbers=(1, 2, 4, 7), points={1: Decimal(2), 7: Decimal("0.5")}, is_reconstructed=False)
CARRIED = (
    Carried(number=4, is_pull=False, to=Target.NEXT, milestone="Sprint 2", carries=2),
    Carried(number=9, is_pull=True, to=Target.BACKLOG, milestone=None, carries=1),
)


def record(**more: Any) -> Record:
    """The record of the sprint above."""
    given = {"today": TODAY, "size_labels": "size/{points}", **more}
    return freeze(PLANNED, ITEMS, CARRIED, **given)


def test_a_planned_set_is_of_issues() -> None:
    """In the order of their numbers, with the points of those that have some."""
    planned = plan_set(ITEMS, "size/{points}")

    assert Planned(numbers=(1, 2, 3, 4), points={1: Decimal(3), 4: Decimal(5)}, is_reconstructed=False) == planned
    assert {} == plan_set(ITEMS, None, is_reconstructed=True).points


def test_a_record_tells_what_became_of_every_issue() -> None:
    """Planned, added, removed, completed, dropped and carried."""
    found = record()

    assert ((3,), (7,), (2,)) == (found.added, found.removed, found.dropped)
    assert ((1, "2027-01-09T10:00:00Z"), (3, "")) == found.completed
    assert (4, 1, 1, 2, 1, 2) == found.counts


def test_points_are_those_that_an_issue_began_with() -> None:
    """A planned issue keeps its size; without any size there is nothing to say."""
    found = record()

    assert {"planned": Decimal("7.5"), "completed": Decimal(3), "carried": Decimal(5)} == found.points
    assert "3/7.5" == say_points(found)
    unsized = Planned(numbers=(1,), points={}, is_reconstructed=False)
    assert say_points(freeze(unsized, ITEMS, (), today=TODAY, size_labels=None)) is None


def test_files_read_back_as_written() -> None:
    """Both of them, at their places."""
    assert "sprints/sprint/1/closed.json" == path_of(SPRINT, "closed")
    assert PLANNED == read_planned(render_planned(SPRINT, PLANNED, TODAY))
    assert record() == read_record(render_record(SPRINT, 5, record()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"schema": "milepost.planned/2"}',
        '{"schema": "milepost.planned/1", "planned": [1]}',
        '{"schema": "milepost.planned/1", "planned": [true], "sizes": {}, "reconstructed": false}',
        '{"schema": "milepost.planned/1", "planned": [-1], "sizes": {}, "reconstructed": false}',
        '{"schema": "milepost.planned/1", "planned": 1, "sizes": {}, "reconstructed": false}',
        '{"schema": "milepost.planned/1", "planned": [1], "sizes": {"1": "much"}, "reconstructed": false}',
        '{"schema": "milepost.planned/1", "planned": [1], "sizes": [], "reconstructed": false}',
        *(
            f'{{"schema": "milepost.planned/1", "planned": [1], "sizes": {{"1": {size}}}, "reconstructed": false}}'
            for size in ("NaN", '"sNaN"', "1e400", '"1e999999"', "-1", '"-Infinity"')
        ),
    ],
)
def test_what_somebody_else_wrote_is_no_planned_set(text: str) -> None:
    """Whatever it is, it does no harm."""
    assert read_planned(text) is None
    assert read_record(text.replace("planned/1", "closed/1")) is None


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("added", None),
        ("completed", [{"number": 1}]),
        ("carried", [{"number": 1, "kind": "issue", "to": "moon", "milestone": None, "carries": 1}]),
        ("points", [1]),
        ("points", {"planned": 1}),
        ("points", {"planned": "NaN?", "completed": 0, "carried": 0}),
        ("points", {"planned": 1, "completed": "NaN", "carried": 0}),
        ("points", {"planned": 1, "completed": "1e999999", "carried": 0}),
        ("frozen", "soon"),
    ],
)
def test_a_record_with_a_broken_member_is_none(member: str, value: Any) -> None:
    """It is not half believed."""
    written = json.loads(render_record(SPRINT, 5, record()))

    assert read_record(json.dumps({**written, member: value})) is None


def test_a_number_counts_once() -> None:
    """However often somebody wrote it."""
    planned = read_planned(
        '{"schema": "milepost.planned/1", "planned": [2, 1, 2], "sizes": {"1": 0.5}, "reconstructed": false}'
    )

    assert Planned(numbers=(1, 2), points={1: Decimal("0.5")}, is_reconstructed=False) == planned
