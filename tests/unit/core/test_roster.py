"""Which milestone stands for which sprint."""

from __future__ import annotations

from datetime import date

from milepost.core.cadence import Cadence, Entry, Settings
from milepost.core.model import Milestone, State
from milepost.core.roster import Roster, call_roster
from milepost.diagnostics import Diagnostic

ANCHOR = date(2027, 1, 4)
TODAY = date(2027, 1, 20)


def cadence(key: str = "sprint", title: str = "Sprint {number}", **more: object) -> Cadence:
    """Two weeks from the anchor on, and no future sprint beside the running one."""
    given = {"title": title, "number": 1, "start": ANCHOR, "length": 14, "settings": Settings(keep=0), **more}
    return Cadence(key=key, entries=(Entry(**given),))  # type: ignore[arg-type]


def milestone(number: int, title: str, due: str | None, line: str = "", **more: object) -> Milestone:
    """A milestone, with the line in its block if one is given."""
    description = f"```milepost\nsprint {line}\n```" if line else "Our goal."
    day = date.fromisoformat(due) if due else None
    given = {"state": State.OPEN, "created_at": "", "issues": 0, "items": 0, **more}
    return Milestone(number=number, node_id="", title=title, description=description, due=day, **given)  # type: ignore[arg-type]


FIRST = milestone(1, "Sprint 1", "2027-01-17", "key=sprint/1 start=2027-01-04 due=2027-01-17")
SECOND = milestone(2, "Renamed", "2027-02-07", "key=sprint/2 start=2027-01-18 due=2027-01-31")


def call(*milestones: Milestone, today: date = TODAY, **more: object) -> tuple[Roster, list[Diagnostic]]:
    """The roster of one cadence, and the problems."""
    (roster,), problems = call_roster([cadence(**more)], milestones, today)  # type: ignore[arg-type]
    return roster, list(problems)


def test_sprints_are_known_by_their_lines() -> None:
    """Whatever they are called, and wherever their due date was moved."""
    roster, problems = call(FIRST, SECOND)

    assert [] == problems
    assert [("Sprint 1", 1)] == [(each.title, each.sprint.number) for each in roster.past]
    assert [("Renamed", 2)] == [(each.title, each.sprint.number) for each in roster.wanted]
    assert roster.running(TODAY) is roster.wanted[0]


def test_what_is_missing_is_wanted_and_what_is_over_and_was_never_there_is_not() -> None:
    """Only sprints that are not over are to be opened."""
    roster, problems = call()

    assert [] == problems
    assert () == roster.past
    assert [(2, None)] == [(each.sprint.number, each.milestone) for each in roster.wanted]
    assert "Sprint 2" == roster.wanted[0].title


def test_later_sprints_that_exist_are_known_too() -> None:
    """A run may be told an earlier day than the one before it."""
    third = milestone(3, "Sprint 3", "2027-02-14", "key=sprint/3 start=2027-02-01 due=2027-02-14")

    roster, problems = call(FIRST, SECOND, third, today=date(2027, 1, 5))

    assert [] == problems
    assert ([1], [2, 3]) == (
        [each.sprint.number for each in roster.wanted],
        [each.sprint.number for each in roster.later],
    )


def test_a_later_sprint_that_lost_its_line_is_adopted_when_it_is_wanted() -> None:
    """Not before: whether a still later one exists makes no difference to it."""
    bare = milestone(3, "Sprint 3", "2027-02-14")
    fourth = milestone(4, "Sprint 4", "2027-02-28", "key=sprint/4 start=2027-02-15 due=2027-02-28")

    early, _ = call(FIRST, SECOND, bare, fourth, today=date(2027, 1, 20))
    due, _ = call(FIRST, SECOND, bare, fourth, today=date(2027, 2, 1))

    assert [4] == [each.sprint.number for each in early.later]
    assert due.wanted[0].is_adopted


def test_without_a_line_title_and_due_date_are_enough() -> None:
    """Both of them, and no line of another cadence."""
    adopted, _ = call(milestone(5, "Sprint 2", "2027-01-31"))
    foreign = milestone(5, "Sprint 2", "2027-01-31", "key=other/9 start=2027-01-18 due=2027-01-31")

    assert adopted.wanted[0].is_adopted
    assert ["sprint-title-taken"] == [each.rule for each in call(foreign)[1]]


def test_a_title_that_something_else_has_is_told() -> None:
    """Without case, since GitHub would mix up the two; last year's sprint is not taken for this one."""
    _, problems = call(milestone(5, "sprint 2", "2026-01-31"))

    (problem,) = problems
    assert "sprint-title-taken" == problem.rule
    assert 'milestone "sprint 2" (number 5)' in problem.summary
    assert "2027-01-31" in problem.help


def test_a_title_that_another_cadence_has_is_told_with_its_key() -> None:
    """As when `key:` was changed; a sprint of the cadence itself can only be called something else."""
    renamed = milestone(1, "Sprint 2", "2027-01-17", "key=sprint/1 start=2027-01-04 due=2027-01-17")
    foreign = milestone(2, "Sprint 2", "2027-01-31", "key=team-a/2 start=2027-01-18 due=2027-01-31")

    (own,), (other,) = (call(each)[1] for each in (renamed, foreign))

    assert ["sprint-title-taken"] * 2 == [own.rule, other.rule]
    assert "give it another title" == own.help
    assert other.help.startswith("write `key: team-a` into the entry")


def test_the_entry_to_write_is_yaml_whatever_the_title_holds() -> None:
    """Quotes and backslashes are escaped."""
    moved = milestone(1, "x", "2027-01-20", "key=sprint/1 start=2027-01-04 due=2027-01-20")

    (problem,) = call(moved, title='A "{number}" \\ b')[1]

    assert r'title: "A \"{number}\" \\ b"' in problem.help


def test_two_milestones_with_one_key_are_named() -> None:
    """Both of them."""
    copy = milestone(7, "Copy", None, "key=sprint/1 start=2027-01-04 due=2027-01-17")

    _, problems = call(copy, FIRST, SECOND)

    (problem,) = problems
    assert "sprint-twins" == problem.rule
    assert 'milestone "Sprint 1" (number 1) and milestone "Copy" (number 7)' in problem.summary


def test_a_changed_cadence_is_refused_with_the_entry_to_write() -> None:
    """Sprints that exist keep their dates."""
    _, problems = call(FIRST, SECOND, length=21)

    (problem,) = problems
    assert "sprint-moved" == problem.rule
    assert '`- {title: "Sprint {number}", key: sprint, anchor: {number: 3, start: 2027-02-01}, length: 21 days}`' in (
        problem.help
    )


def test_former_sprints_are_past_ones_while_they_end_before_the_first_anchor() -> None:
    """An entry may be removed when its sprints are over; one that overlaps them is refused."""
    anchored = {"number": 3, "start": date(2027, 2, 1)}
    early, early_problems = call(FIRST, SECOND, today=date(2027, 2, 3), **anchored)
    _, late_problems = call(FIRST, SECOND, today=date(2027, 2, 3), number=3, start=date(2027, 1, 30))

    assert [] == early_problems
    assert [1, 2] == [each.sprint.number for each in early.past]
    assert ["sprint-moved"] == [each.rule for each in late_problems]
    assert "has no number 2" in late_problems[0].summary


def test_a_line_that_claims_a_far_day_is_not_followed() -> None:
    """It is refused as one that the cadence does not make."""
    far = milestone(9, "Far", None, "key=sprint/900 start=2399-01-01 due=2399-01-14")

    _, problems = call(far)

    assert ["sprint-moved"] == [each.rule for each in problems]


def test_a_cadence_beyond_the_calendar_makes_nothing() -> None:
    """And what exists is none of its sprints."""
    roster, problems = call(FIRST, start=date(9999, 12, 30))

    assert () == roster.wanted
    assert [] == problems


def test_two_cadences_with_one_title_are_told() -> None:
    """GitHub has one namespace of titles."""
    teams = [cadence(), cadence("team", "Sprint {week}", start=date(2027, 1, 11))]

    _, problems = call_roster(teams, [], date(2027, 1, 12))
    _, twins = call_roster([cadence(), cadence("team")], [], TODAY)

    assert () == problems
    assert ["sprint-title-taken"] == [each.rule for each in twins]
