"""Cadences: sprints counted from an anchor."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from milepost.core.cadence import Cadence, Entry, Settings, Sprint, compute, render_title, walk

ANCHOR = date(2027, 1, 4)


def entry(**more: object) -> Entry:
    """Two weeks from the anchor on."""
    return Entry(**{"title": "Sprint {number}", "number": 1, "start": ANCHOR, "length": 14, **more})  # type: ignore[arg-type]


def spans(*entries: Entry, count: int = 3) -> list[tuple[int, str, str]]:
    """Number, start and due day of the first sprints."""
    found = islice(walk(Cadence(key="sprint", entries=entries)), count)
    return [(each.number, str(each.start), str(each.due)) for each in found]


def days(text: str) -> frozenset[date]:
    """The days of `2027-02-08/2027-02-14`."""
    first, last = map(date.fromisoformat, text.split("/"))
    return frozenset(first + timedelta(days=number) for number in range((last - first).days + 1))


def test_sprints_follow_each_other_from_the_anchor() -> None:
    """Number, first and last day of each."""
    assert [
        (1, "2027-01-04", "2027-01-17"),
        (2, "2027-01-18", "2027-01-31"),
        (3, "2027-02-01", "2027-02-14"),
    ] == spans(entry())


def test_a_gap_lies_between_two_sprints() -> None:
    """Its days belong to none."""
    assert [(7, "2027-01-04", "2027-01-08"), (8, "2027-01-11", "2027-01-15")] == spans(
        entry(number=7, length=5, gap=2), count=2
    )


def test_skipped_days_shift_what_follows() -> None:
    """The sprint that holds them ends later; one that would begin in them begins after them."""
    inside = entry(skip=days("2027-01-06/2027-01-07"))
    between = entry(skip=days("2027-01-18/2027-01-24"))

    assert [(1, "2027-01-04", "2027-01-19"), (2, "2027-01-20", "2027-02-02")] == spans(inside, count=2)
    assert [(1, "2027-01-04", "2027-01-17"), (2, "2027-01-25", "2027-02-07")] == spans(between, count=2)


def test_skipped_days_shorten_the_sprint_at_whose_edge_they_are() -> None:
    """The grid stays, a skip inside changes nothing, and a sprint without a day takes no number."""
    edges = entry(is_shortened=True, skip=days("2027-01-17/2027-01-20"))
    inside = entry(is_shortened=True, skip=days("2027-01-06/2027-01-07"))
    whole = entry(is_shortened=True, skip=days("2027-01-18/2027-01-31"))

    assert [(1, "2027-01-04", "2027-01-16"), (2, "2027-01-21", "2027-01-31")] == spans(edges, count=2)
    assert spans(entry()) == spans(inside)
    assert [(1, "2027-01-04", "2027-01-17"), (2, "2027-02-01", "2027-02-14")] == spans(whole, count=2)


def test_an_entry_takes_over_at_its_anchor() -> None:
    """The one before yields nothing from that day on."""
    later = entry(number=3, start=date(2027, 2, 1), length=7)

    assert [
        (1, "2027-01-04", "2027-01-17"),
        (2, "2027-01-18", "2027-01-31"),
        (3, "2027-02-01", "2027-02-07"),
        (4, "2027-02-08", "2027-02-14"),
    ] == spans(entry(), later, count=4)


def test_the_entry_in_force_is_the_last_one_that_has_begun() -> None:
    """Before all anchors the first."""
    first, later = entry(), entry(number=3, start=date(2027, 2, 1))
    cadence = Cadence(key="sprint", entries=(first, later))

    assert first is cadence.entry_on(date(2026, 12, 1))
    assert first is cadence.entry_on(date(2027, 1, 31))
    assert later is cadence.entry_on(date(2027, 2, 1))


def test_compute_ends_with_the_last_sprint_that_has_begun() -> None:
    """By the day asked for."""
    cadence = Cadence(key="sprint", entries=(entry(),))

    assert [1, 2] == [each.number for each in compute(cadence, date(2027, 1, 31))]
    assert [1, 2, 3] == [each.number for each in compute(cadence, date(2027, 2, 1))]
    assert () == compute(cadence, date(2027, 1, 3))


def test_a_sprint_knows_its_key_its_environment_and_when_it_is_over() -> None:
    """Only after its last day."""
    settings = Settings(environment="prod")
    sprint = next(walk(Cadence(key="team-a", entries=(entry(settings=settings),))))

    assert ("team-a/1", "prod", "Sprint 1") == (sprint.key, sprint.environment, sprint.title)
    assert not sprint.is_past(date(2027, 1, 17))
    assert sprint.is_past(date(2027, 1, 18))


def test_titles_tell_number_days_and_the_week_of_the_start() -> None:
    """Year and week are those of the ISO calendar."""
    found = render_title("{year}-W{week}: {number} ({start} to {end})", 4, date(2027, 1, 1), date(2027, 1, 7))

    assert "2026-W53: 4 (2027-01-01 to 2027-01-07)" == found


@pytest.mark.parametrize("is_shortened", [False, True])
def test_sprints_end_with_the_calendar(is_shortened: bool) -> None:
    """No date beyond it is made."""
    late = entry(start=date(9999, 12, 1), length=10, is_shortened=is_shortened)

    assert 3 == len(spans(late, count=9))


def test_without_gaps_every_day_has_one_sprint() -> None:
    """Over ten years, whatever the length."""
    for length in range(1, 43):
        sprints = compute(Cadence(key="s", entries=(entry(length=length),)), date(2037, 1, 1))

        assert all(after.start - before.due == timedelta(days=1) for before, after in pairwise(sprints))
        assert {length} == {(each.due - each.start).days + 1 for each in sprints}
        assert isinstance(sprints[0], Sprint)
