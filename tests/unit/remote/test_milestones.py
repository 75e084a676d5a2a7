"""How a due date travels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.change import Change, Field, Noun, Verb
from milepost.remote.milestones import due_from_wire, due_to_wire, update_milestone
from milepost.simulator import Fault


@given(day=st.dates(date(2015, 1, 1), date(2045, 12, 31)))
def test_noon_in_utc_is_that_day_in_california_all_year(day: date) -> None:
    """Whatever summer time does."""
    assert day == due_from_wire(due_to_wire(day))


def test_no_day_is_no_day() -> None:
    """In both directions."""
    assert (None, None) == (due_to_wire(None), due_from_wire(None))


@pytest.mark.parametrize(
    ("stored", "day"),
    [
        ("2026-01-15T08:00:00Z", date(2026, 1, 15)),
        ("2026-07-15T07:00:00Z", date(2026, 7, 15)),
        ("2019-05-23T07:00:00Z", date(2019, 5, 23)),
    ],
)
def test_what_github_stores_is_read_as_the_day_it_shows(stored: str, day: date) -> None:
    """Midnight in California, in winter and in summer."""
    assert day == due_from_wire(stored)


def test_a_day_that_github_moves_is_reported(new_bench: Callable[..., Any]) -> None:
    """Read back after the write: another day than the one sent is a warning."""
    bench = new_bench({"milestones": [{"title": "M"}]})
    change = Change(
        verb=Verb.UPDATE, noun=Noun.MILESTONE, name="M", number=1, fields=(Field("due", None, date(2026, 3, 1)),)
    )
    moved = {"number": 1, "due_on": "2026-03-02T08:00:00Z"}
    bench.github.faults.add(Fault(do="status", status=200, method="PATCH", after=True, body=moved))

    found = update_milestone(bench.client(), change, 1)

    assert ["due-date-moved"] == [each.rule for each in found]


def test_a_description_that_somebody_keeps_changing_is_reported(new_bench: Callable[..., Any]) -> None:
    """After three rewrites it is left, with a warning, and the run goes on."""
    bench = new_bench({"milestones": [{"title": "M"}]})
    request = {
        "method": "PATCH",
        "path": "/repos/octo/widgets/milestones/1",
        "body": {"description": "mine"},
        "token": "admin-token",
    }
    bench.github.faults.add(Fault(do="edit", method="PATCH", times=9, after=True, request=request))
    change = Change(
        verb=Verb.UPDATE, noun=Noun.MILESTONE, name="M", number=1, fields=(Field("description", None, "ours"),)
    )

    found = update_milestone(bench.client(), change, 1)

    assert ["description-lost"] == [each.rule for each in found]
    assert 3 == len([each for each in bench.github.journal if each.method == "PATCH"])
