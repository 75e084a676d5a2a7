"""What a day asks of the sprints, decided from values alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from milepost.core.cadence import Cadence, Entry, Settings
from milepost.core.carry import CarryOver, CarryRule, Closing, Item, Target
from milepost.core.change import Change, Noun, Verb
from milepost.core.model import Milestone, State
from milepost.core.roster import call_roster
from milepost.core.sprint_needs import Findings, Needs, Rebuild, Terms, list_needs
from milepost.core.sprints import Decision, decide

ANCHOR = date(2027, 1, 4)
START = date(2027, 1, 18)
LINES = {
    1: "key=sprint/1 start=2027-01-04 due=2027-01-17",
    2: "key=sprint/2 start=2027-01-18 due=2027-01-31",
    3: "key=sprint/3 start=2027-02-01 due=2027-02-14",
}
DUE = {1: date(2027, 1, 17), 2: date(2027, 1, 31), 3: date(2027, 2, 14)}
ISSUE = Item(number=11, title="Fix loader")
PULL = Item(number=12, title="Faster", is_pull=True, labels=("backlog",))


def cadence(**settings: Any) -> Cadence:
    """Two weeks, and no future sprint beside the running one."""
    made = Settings(**{"keep": 0, **settings})
    return Cadence(
        key="sprint",
        entries=(Entry(title="Sprint {number}", number=1, start=ANCHOR, length=14, settings=made),),
    )


def milestone(number: int, **more: Any) -> Milestone:
    """The milestone of that sprint, as the run that opened it left it."""
    more = {"state": State.OPEN, "line": LINES[number], "due": DUE[number], **more}
    line = more.pop("line")
    description = f"```milepost\nsprint {line}\n```" if line else ""
    return Milestone(
        number=number,
        node_id="",
        title=f"Sprint {number}",
        description=description,
        created_at="",
        issues=0,
        items=0,
        **more,
    )


def day(*milestones: Milestone, today: date = START, findings: Findings | None = None, **more: Any) -> Decision:
    """What that day asks for, when this is what was read."""
    terms = {name: more.pop(name) for name in ("has_history", "size_labels", "record_url") if name in more}
    rosters, problems = call_roster([cadence(**more)], milestones, today)
    assert () == problems
    return decide(rosters, findings or Findings(), Terms(today=today, **terms))


def needs(
    *milestones: Milestone, recorded: frozenset[str] = frozenset(), today: date = START, has_history: bool = False
) -> Needs:
    """What that day must read."""
    rosters, _ = call_roster([cadence()], milestones, today)
    return list_needs(rosters, recorded, Terms(today=today, has_history=has_history))


def told(decision: Decision) -> list[tuple[Verb, str]]:
    """The changes, each as verb and name."""
    return [(each.verb, each.name) for each in decision.plan.changes]


def block(change: Change) -> str:
    """The line that the change writes."""
    return str(change.after("block"))


def test_an_empty_repository_gets_its_sprints() -> None:
    """With due date and line."""
    decision = day(today=date(2027, 1, 5), keep=2, environment="prod")

    assert [(Verb.CREATE, f"Sprint {number}") for number in (1, 2, 3)] == told(decision)
    first = decision.plan.changes[0]
    assert (DUE[1], f"{LINES[1]} environment=prod") == (first.after("due"), block(first))
    assert Needs() == needs(today=date(2027, 1, 5))


def test_an_unchanged_day_asks_for_nothing() -> None:
    """And nothing is read for it."""
    decision = day(milestone(1), today=date(2027, 1, 6))

    assert [] == told(decision)
    assert 1 == decision.plan.unchanged
    assert Needs() == needs(milestone(1), today=date(2027, 1, 6))


def test_a_running_sprint_is_put_right() -> None:
    """Its due date, a lost line, and an environment that the plan file has changed."""
    moved = day(milestone(2, due=date(2027, 3, 1)))
    adopted = day(milestone(2, line=""))
    renamed = day(milestone(2, line=f"{LINES[2]} environment=old"), environment="new")
    kept = day(milestone(2, line=f"{LINES[2]} environment=old"))

    assert [("due", DUE[2])] == [(each.name, each.after) for each in moved.plan.changes[0].fields]
    assert ("adopted: title and due date", LINES[2]) == (
        adopted.plan.changes[0].reason,
        block(adopted.plan.changes[0]),
    )
    assert f"{LINES[2]} environment=new" == block(renamed.plan.changes[0])
    assert [] == told(kept)


def test_a_past_sprint_is_frozen_emptied_and_closed() -> None:
    """In this order; the counts are in its line before anything moves."""
    findings = Findings(items={1: (ISSUE, PULL)}, members={1: (11,)})
    rule = CarryRule(to=Target.BACKLOG, label="backlog")

    decision = day(milestone(1), milestone(2), findings=findings, carry_over=CarryOver(rules=(rule,)))

    assert [
        (Verb.UPDATE, "Sprint 1"),
        (Verb.MOVE, "Fix loader"),
        (Verb.MOVE, "Faster"),
        (Verb.CLOSE, "Sprint 1"),
    ] == told(decision)
    frozen, issue, pull, closed = decision.plan.changes
    counts = "planned=1 added=0 removed=0 completed=0 dropped=0 carried=2"
    assert f"{LINES[1]} frozen=2027-01-18 {counts}" == block(frozen)
    assert (Noun.ISSUE, "Sprint 2", 1) == (issue.noun, issue.after("milestone"), issue.milestone)
    assert (Noun.PULL_REQUEST, None) == (pull.noun, pull.after("milestone"))
    assert ["state"] == [each.name for each in closed.fields]
    assert needs(milestone(1), milestone(2)) == Needs(
        whole=(1,), rebuilt=(Rebuild(milestone=1, titles=("Sprint 1",), start=ANCHOR),)
    )


def test_nothing_to_move_is_one_write() -> None:
    """Frozen and closed at once."""
    done = replace(ISSUE, is_open=False)

    decision = day(milestone(1), milestone(2), findings=Findings(items={1: (done,)}))

    (change,) = decision.plan.changes
    assert Verb.CLOSE is change.verb
    assert "added=1" in block(change)


def test_history_is_written_before_anything_moves() -> None:
    """One commit with how the old sprint ended and what the new one begins with; the line links it."""
    findings = Findings(
        items={1: (ISSUE, PULL), 2: (Item(number=20, title="New"),)},
        recorded=frozenset({"sprints/sprint/1/planned.json"}),
        files={
            "sprints/sprint/1/planned.json": '{"schema": "milepost.planned/1", "planned": [11, 13], "sizes": {}, "reconstructed": false}'
        },
        carries={11: 1},
    )

    decision = day(milestone(1), milestone(2), findings=findings, has_history=True, record_url="https://g/o/r/blob/d")

    record, issue, _, closed = decision.plan.changes
    texts = {each.name: json.loads(str(each.after)) for each in record.fields}
    assert (Noun.RECORD, "carried twice") == (record.noun, issue.reason)
    assert ["sprints/sprint/1/closed.json", "sprints/sprint/2/planned.json"] == list(texts)
    ended, begun = texts.values()
    assert ([11, 13], [13], [2, 1]) == (
        ended["planned"],
        ended["removed"],
        [each["carries"] for each in ended["carried"]],
    )
    assert ([11, 20], False) == (begun["planned"], begun["reconstructed"])
    assert block(closed).endswith("carried=2 record=https://g/o/r/blob/d/sprints/sprint/1/closed.json")
    assert ["carried-often"] == [each.rule for each in decision.problems]
    assert 'issue 11 "Fix loader" (twice)' in decision.problems[0].summary


def test_a_record_that_is_there_is_believed_and_not_written_again() -> None:
    """The run that wrote it ended before it closed the sprint."""
    written = day(milestone(1), milestone(2), findings=Findings(items={1: (ISSUE,)}), has_history=True)
    texts = {each.name: str(each.after) for each in written.plan.changes[0].fields}
    found = Findings(items={1: (ISSUE,)}, recorded=frozenset(texts), files=texts)
    tomorrow = date(2027, 1, 19)

    again = day(milestone(1), milestone(2), today=tomorrow, findings=found, has_history=True)

    assert [(Verb.MOVE, "Fix loader"), (Verb.CLOSE, "Sprint 1")] == told(again)
    assert "frozen=2027-01-18 planned=0 added=1" in block(again.plan.changes[1])
    assert needs(milestone(1), milestone(2), recorded=frozenset(texts), has_history=True).cadences == ("sprint",)


@pytest.mark.parametrize("name", ["closed", "planned"])
def test_a_record_that_is_none_is_told(name: str) -> None:
    """It is never written over; the rest goes on."""
    path = f"sprints/sprint/1/{name}.json"
    found = Findings(items={1: (ISSUE,)}, recorded=frozenset({path}), files={path: "boo"})

    decision = day(milestone(1), milestone(2), findings=found, has_history=True)

    assert "bad-record" in [each.rule for each in decision.problems]
    assert path not in [each.name for change in decision.plan.changes for each in change.fields]
    assert (Verb.CLOSE, "Sprint 1") == told(decision)[-1]


def test_a_planned_set_that_was_missed_is_rebuilt() -> None:
    """From what was in the sprint when its first day ended, and from what is carried into it now."""
    items = {1: (ISSUE,), 2: (Item(number=20, title="Late"), Item(number=21, title="Early"))}
    findings = Findings(items=items, members={2: (21, 22)})
    tomorrow = date(2027, 1, 19)

    decision = day(milestone(1), milestone(2), today=tomorrow, findings=findings, has_history=True)

    (begun,) = [each for each in decision.plan.changes[0].fields if each.name.endswith("2/planned.json")]
    value = json.loads(str(begun.after))
    assert ([11, 21, 22], True) == (value["planned"], value["reconstructed"])
    assert (1, 2) == needs(milestone(1), milestone(2), today=tomorrow, has_history=True).whole
    assert 2 == len(needs(milestone(1), milestone(2), today=tomorrow, has_history=True).rebuilt)


def test_a_recorded_start_is_not_read_again() -> None:
    """Neither rebuilt nor written."""
    recorded = frozenset({"sprints/sprint/1/planned.json", "sprints/sprint/2/planned.json"})

    found = needs(milestone(1), milestone(2), recorded=recorded, has_history=True)

    assert ((1,), ()) == (found.whole, found.rebuilt)


def test_open_items_of_sprints_long_frozen_are_carried_too() -> None:
    """Somebody reopened one; the record stays as it is."""
    line = f"{LINES[1]} frozen=2027-01-18 planned=1 added=0 removed=0 completed=1 dropped=0 carried=0"
    old = milestone(1, line=line, state=State.CLOSED, open_items=1)
    running = milestone(2)
    today = date(2027, 1, 25)

    decision = day(old, running, today=today, findings=Findings(items={1: (ISSUE,)}))

    assert [(Verb.MOVE, "Fix loader")] == told(decision)
    assert Needs(open=(1,)) == needs(old, running, today=today)


def test_a_sprint_closed_by_hand_is_frozen_all_the_same() -> None:
    """Its line tells the counts; its open items move."""
    decision = day(milestone(1, state=State.CLOSED), milestone(2), findings=Findings(items={1: (ISSUE,)}))
    quiet = day(milestone(1, state=State.CLOSED), milestone(2), has_history=True)

    assert [(Verb.UPDATE, "Sprint 1"), (Verb.MOVE, "Fix loader")] == told(decision)
    assert [
        (Verb.CREATE, "sprints/sprint/1/closed.json, sprints/sprint/2/planned.json"),
        (Verb.UPDATE, "Sprint 1"),
    ] == told(quiet)


@pytest.mark.parametrize(
    ("close", "target", "is_closed"),
    [
        (Closing.DUE, Target.KEEP, True),
        (Closing.DUE, Target.BLOCK, False),
        (Closing.FINISHED, Target.KEEP, False),
        (Closing.FINISHED, Target.NEXT, True),
        (Closing.NEVER, Target.NEXT, False),
    ],
)
def test_when_a_sprint_is_closed_is_the_teams_choice(close: Closing, target: Target, is_closed: bool) -> None:
    """`block` holds it open in any case, and says so."""
    findings = Findings(items={1: (ISSUE,)})

    decision = day(milestone(1), milestone(2), findings=findings, close=close, carry_over=CarryOver(default=target))

    assert is_closed == ((Verb.CLOSE, "Sprint 1") in told(decision))
    assert (target is Target.BLOCK) == ("sprint-blocked" in [each.rule for each in decision.problems])


def test_without_an_open_sprint_an_item_stays() -> None:
    """Nothing is moved into a closed milestone."""
    findings = Findings(items={1: (ISSUE,)})

    decision = day(milestone(1), milestone(2, state=State.CLOSED), findings=findings)
    later = day(milestone(1), milestone(2, state=State.CLOSED), findings=findings, keep=1)

    assert ["no-open-sprint"] == [each.rule for each in decision.problems]
    assert 'no sprint is open to carry into: issue 11 "Fix loader"' == decision.problems[0].summary
    assert [(Verb.CLOSE, "Sprint 1")] == told(decision)
    assert "Sprint 3" == later.plan.changes[2].after("milestone")


def test_carried_items_get_the_labels_of_the_cadence() -> None:
    """Those that they lack; one write more."""
    tagged = replace(ISSUE, labels=("Carried",))

    decision = day(milestone(1), milestone(2), findings=Findings(items={1: (tagged, PULL)}), labels=("carried",))

    first, second = (each for each in decision.plan.changes if each.verb is Verb.MOVE)
    assert not first.touches("labels")
    assert ("backlog", "carried") == second.after("labels")
    assert (1, 2) == (first.writes, second.writes)


def test_what_follows_is_dispatched_and_noted() -> None:
    """The line says that it is due until it is done; a later run makes up for it."""
    closing = day(milestone(1), milestone(2), then=("report.yml",))
    line = f"{LINES[1]} frozen=2027-01-18 planned=0 added=0 removed=0 completed=0 dropped=0 carried=0 then=due"
    waiting = milestone(1, line=line, state=State.CLOSED)
    again = day(waiting, milestone(2), today=date(2027, 1, 19), then=("report.yml",))

    close, dispatch = closing.plan.changes
    assert block(close).endswith("then=due")
    assert (Noun.WORKFLOW, ("report.yml",), 2) == (dispatch.noun, dispatch.after("workflows"), dispatch.writes)
    assert not block(dispatch).endswith("then=due")
    (late,) = again.plan.changes
    assert (Verb.DISPATCH, 1) == (late.verb, late.number)


@pytest.mark.parametrize(("today", "words"), [(29, "in 2 days"), (30, "tomorrow"), (31, "today")])
def test_a_sprint_that_ends_soon_is_told(today: int, words: str) -> None:
    """From the buffer on, while it holds open items."""
    open_items, done = milestone(2, open_items=3), milestone(2)

    told_of = day(open_items, today=date(2027, 1, today), buffer=2)
    quiet = [
        day(done, today=date(2027, 1, today), buffer=2),
        day(open_items, today=date(2027, 1, 28), buffer=2),
        day(open_items, today=date(2027, 1, today)),
        day(today=date(2027, 1, today), buffer=2),
        day(today=date(2026, 12, 31), buffer=2),
    ]

    assert ["sprint-ends-soon"] == [each.rule for each in told_of.problems]
    assert [f'"Sprint 2" ends {words}; open items: 3'] == [each.summary for each in told_of.problems]
    assert [[]] * 5 == [[each.rule for each in one.problems] for one in quiet]


def test_a_long_list_is_cut() -> None:
    """Ten are named, and the rest is counted."""
    items = tuple(Item(number=number, title="x") for number in range(100, 115))

    decision = day(
        milestone(1), milestone(2), findings=Findings(items={1: items}, carries=dict.fromkeys(range(100, 115), 2))
    )

    assert "and 5 more" in decision.problems[0].summary
    assert "(3 times)" in decision.problems[0].summary


def test_a_sprint_that_a_later_day_has_frozen_begins_no_more() -> None:
    """A run for an earlier day writes no planned set beside the record."""
    frozen = milestone(1, line=f"{LINES[1]} frozen=2027-01-18", state=State.CLOSED)

    assert Needs() == needs(frozen, today=date(2027, 1, 6), has_history=True)
    assert [] == told(day(frozen, today=date(2027, 1, 6), has_history=True))
