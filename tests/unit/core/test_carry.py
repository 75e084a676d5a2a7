"""Carry-over rules: what becomes of an open item."""

from __future__ import annotations

import pytest
from milepost.core.carry import CarryOver, CarryRule, Item, Progress, Target, choose_target

ISSUE = Item(number=1, title="Fix loader", labels=("Backlog",), assignees=("Mona",))
PULL = Item(number=2, title="Faster", is_pull=True)
DRAFT = Item(number=3, title="Sketch", is_pull=True, is_draft=True)
CLAIMED = Item(number=4, title="In work", has_pull=True)
REOPENED = Item(number=5, title="Again", reason="reopened")


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (CarryRule(to=Target.KEEP), {1, 2, 3, 4, 5}),
        (CarryRule(to=Target.KEEP, label="backlog"), {1}),
        (CarryRule(to=Target.KEEP, assignee="mona"), {1}),
        (CarryRule(to=Target.KEEP, assignee="any"), {1}),
        (CarryRule(to=Target.KEEP, assignee="none"), {2, 3, 4, 5}),
        (CarryRule(to=Target.KEEP, state=Progress.IN_PROGRESS), {2, 4}),
        (CarryRule(to=Target.KEEP, state=Progress.DRAFT), {3}),
        (CarryRule(to=Target.KEEP, state=Progress.UNSTARTED), {1, 5}),
        (CarryRule(to=Target.KEEP, state=Progress.REOPENED), {5}),
        (CarryRule(to=Target.KEEP, state=Progress.UNSTARTED, assignee="none"), {5}),
    ],
)
def test_a_rule_covers_what_meets_all_its_conditions(rule: CarryRule, covered: set[int]) -> None:
    """Labels and logins without case."""
    items = (ISSUE, PULL, DRAFT, CLAIMED, REOPENED)

    assert covered == {each.number for each in items if rule.covers(each)}


def test_the_first_rule_that_covers_an_item_decides() -> None:
    """Without one the default does."""
    rules = (CarryRule(to=Target.BLOCK, assignee="mona"), CarryRule(to=Target.BACKLOG, label="backlog"))
    carry_over = CarryOver(default=Target.NEXT, rules=rules)

    assert [Target.BLOCK, Target.NEXT] == [choose_target(each, carry_over) for each in (ISSUE, PULL)]


@pytest.mark.parametrize(
    ("reason", "is_completed"), [("completed", True), (None, True), ("not_planned", False), ("duplicate", False)]
)
def test_an_item_is_completed_when_it_was_closed_as_done(reason: str | None, is_completed: bool) -> None:
    """What nobody will do is not."""
    closed = Item(number=1, title="x", is_open=False, reason=reason)

    assert is_completed == closed.is_completed
    assert not ISSUE.is_completed
