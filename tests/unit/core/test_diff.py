"""Laws of the diff over generated plans and repositories, against a plain model of what GitHub would then hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.core.change import Noun, Plan, Verb, describe
from milepost.core.diff import diff
from milepost.core.identity import Block, Marker, issue_key, join_body, join_description, split_body, split_description
from milepost.core.model import (
    UNMANAGED,
    DesiredState,
    Issue,
    Label,
    Milestone,
    PlannedIssue,
    PlannedLabel,
    PlannedMilestone,
    Snapshot,
    State,
)
from milepost.core.pace import DEFAULT_PACE
from milepost.diagnostics import Location
from milepost.views.plan import render_forecast, render_plan_markdown, render_plan_text

AT = Location(file="p.yml", line=1, column=1)
TITLES = ["A", "B", "C c", "实现"]
DAYS = st.dates(date(2026, 1, 1), date(2027, 1, 1))
STATES = st.sampled_from([UNMANAGED, State.OPEN, State.CLOSED])

LABELS = st.lists(
    st.builds(
        PlannedLabel,
        name=st.sampled_from(["Bug", "data", "x"]),
        color=st.sampled_from([UNMANAGED, "ff0000"]),
        description=st.sampled_from([UNMANAGED, "", "d"]),
        is_absent=st.booleans(),
        at=st.just(AT),
    ),
    unique_by=lambda each: each.name.casefold(),
)
MILESTONES = st.lists(
    st.builds(
        PlannedMilestone,
        title=st.sampled_from(TITLES),
        start=st.none() | DAYS,
        due=st.sampled_from([UNMANAGED, None]) | DAYS,
        description=st.sampled_from([UNMANAGED, "", "text", "a\r\nb"]),
        state=STATES,
        branch=st.sampled_from([None, "main", "next"]),
        at=st.just(AT),
    ),
    unique_by=lambda each: each.title,
)
LIVE_MILESTONES = st.lists(
    st.builds(
        Milestone,
        number=st.integers(1, 9),
        node_id=st.just("m"),
        title=st.sampled_from(TITLES),
        description=st.sampled_from(["", "text", "text\n\n```milepost\nsprint n=1\nsync key=a\n```"]),
        state=st.sampled_from(State),
        due=st.none() | DAYS,
        created_at=st.just(""),
        issues=st.just(0),
        items=st.just(0),
    ),
    unique_by=(lambda each: each.number, lambda each: each.title),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[DesiredState, Snapshot]:
    """A plan, and a repository that knows some of what it speaks of."""
    milestones, live = draw(MILESTONES), draw(LIVE_MILESTONES)
    issues = []
    for title in draw(st.lists(st.sampled_from(["i", "j", "k", "l"]), unique=True)):
        place = draw(st.sampled_from([None, *[each.title for each in milestones]]))
        parents = [each.key for each in issues]
        issues.append(
            PlannedIssue(
                key=issue_key(None, title),
                title=title,
                body=draw(st.sampled_from([UNMANAGED, "", "body"])),
                labels=tuple(draw(st.lists(st.sampled_from(["bug", "data"]), unique=True))),
                state=draw(STATES),
                milestone=place,
                parent=draw(st.sampled_from([None, *parents])),
                at=AT,
            )
        )
    held = [_live_issue(draw, number, live) for number in range(1, draw(st.integers(0, 5)) + 1)]
    snapshot = Snapshot(
        repository="o/r",
        default_branch="main",
        is_fork=False,
        login="bot",
        labels=tuple(draw(st.sampled_from([(), (Label(name="BUG", color="00ff00", description=""),)]))),
        milestones=tuple(live),
        issues=tuple(held),
        branches=("main",),
    )
    return DesiredState(labels=tuple(draw(LABELS)), milestones=tuple(milestones), issues=tuple(issues)), snapshot


def _live_issue(draw: st.DrawFn, number: int, live: list[Milestone]) -> Issue:
    numbers = [None, *[each.number for each in live]]
    now, last = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
    key = draw(st.sampled_from([None, "i", "j", f"other-{number}"]))
    text = draw(st.sampled_from(["", "body"]))
    return Issue(
        number=number,
        title=draw(st.sampled_from(["i", "k", "zzz"])),
        body=join_body(text, Marker(key=key, milestone=last)) if key else text,
        state=draw(st.sampled_from(State)),
        state_reason=None,
        author="bot",
        is_own=draw(st.booleans()),
        is_trusted=draw(st.booleans()),
        labels=tuple(draw(st.sampled_from([(), ("Bug",)]))),
        assignees=(),
        milestone=now,
        comments=draw(st.sampled_from([0, 1])),
    )


@settings(max_examples=400)
@given(story=stories())
def test_after_the_plan_there_is_nothing_left_to_plan(story: tuple[DesiredState, Snapshot]) -> None:
    """diff ∘ apply is empty, whatever the repository was, unless the diff itself refused."""
    desired, snapshot = story
    plan, problems = diff(desired, snapshot)
    if any(each.rule in ("ambiguous-issue", "case-twin") for each in problems):
        return

    again, _ = diff(desired, apply(plan, snapshot))

    assert [] == describe(again.changes)


@settings(max_examples=200)
@given(story=stories(), data=st.data())
def test_the_order_of_the_plan_file_does_not_change_the_plan(
    story: tuple[DesiredState, Snapshot], data: st.DataObject
) -> None:
    """Shuffled milestones and labels: the same changes, though in another order."""
    desired, snapshot = story
    shuffled = replace(
        desired,
        labels=tuple(data.draw(st.permutations(desired.labels))),
        milestones=tuple(data.draw(st.permutations(desired.milestones))),
    )

    first, second = diff(desired, snapshot)[0], diff(shuffled, snapshot)[0]

    assert sorted(map(str, describe(first.changes))) == sorted(map(str, describe(second.changes)))
    assert first.unchanged == second.unchanged


@settings(max_examples=200)
@given(story=stories())
def test_every_plan_can_be_shown_and_has_an_order(story: tuple[DesiredState, Snapshot]) -> None:
    """Rendering is total; labels come before milestones, these before issues, and closing comes last."""
    plan, _ = diff(*story, prune=True)

    assert render_plan_text(plan).endswith(".")
    assert plan.notes or not plan.changes or render_plan_markdown(plan)
    assert "write" in render_forecast(plan, DEFAULT_PACE)
    assert 16 == len(plan.fingerprint)
    nouns = [each.noun for each in plan.changes if each.verb in (Verb.CREATE, Verb.UPDATE)]
    assert nouns == sorted(nouns, key=list(Noun).index)


def test_parents_are_created_before_their_children() -> None:
    """Also when the plan file names the child first."""
    child = PlannedIssue(key="c", title="child", parent="p", at=AT)
    parent = PlannedIssue(key="p", title="parent", at=AT)
    empty = Snapshot(
        repository="o/r", default_branch="main", is_fork=False, login="b", labels=(), milestones=(), issues=()
    )

    plan, _ = diff(DesiredState(issues=(child, parent)), empty)

    assert ["parent", "child"] == [each.name for each in plan.changes]


def apply(plan: Plan, snapshot: Snapshot) -> Snapshot:
    """What the repository holds after the plan: the plainest reading of each change."""
    state = _Model(snapshot)
    for change in plan.changes:
        state.carry_out(change)
    return state.snapshot()


class _Model:
    def __init__(self, snapshot: Snapshot) -> None:
        self.base = snapshot
        self.labels = {each.name: each for each in snapshot.labels}
        self.milestones = {each.number: each for each in snapshot.milestones}
        self.issues = {each.number: each for each in snapshot.issues}
        self.branches = set(snapshot.branches)
        self.keys: dict[str, int] = {}

    def snapshot(self) -> Snapshot:
        return replace(
            self.base,
            labels=tuple(self.labels.values()),
            milestones=tuple(self.milestones.values()),
            issues=tuple(self.issues.values()),
            branches=tuple(sorted(self.branches)),
        )

    def carry_out(self, change: Any) -> None:
        {Noun.LABEL: self._label, Noun.BRANCH: self._branch, Noun.MILESTONE: self._milestone, Noun.ISSUE: self._issue}[
            change.noun
        ](change)

    def _label(self, change: Any) -> None:
        old = self.labels.pop(change.name, None) or Label(name=change.name, color="ededed", description="")
        if change.verb is Verb.DELETE:
            return
        values = {each.name: each.after for each in change.fields}
        label = replace(old, **values)
        self.labels[label.name] = label

    def _branch(self, change: Any) -> None:
        self.branches.add(change.name)

    def _milestone(self, change: Any) -> None:
        number = change.number or max(self.milestones, default=0) + 1
        old = self.milestones.get(number) or Milestone(
            number=number,
            node_id="m",
            title=change.name,
            description="",
            state=State.OPEN,
            due=None,
            created_at="",
            issues=0,
            items=0,
        )
        text, block = split_description(old.description)
        if change.touches("description"):
            text = change.after("description") or ""
        if change.touches("block"):
            block = (block or Block()).with_line("sync", change.after("block"))
        changed = replace(old, description=join_description(text, block))
        if change.touches("title"):
            changed = replace(changed, title=change.after("title"))
        if change.touches("due"):
            changed = replace(changed, due=change.after("due"))
        if change.touches("state"):
            changed = replace(changed, state=State(change.after("state")))
        self.milestones[number] = changed

    def _issue(self, change: Any) -> None:
        titles = {each.title: each.number for each in self.milestones.values()}
        number = change.number or max(self.issues, default=0) + 1
        old = self.issues.get(number) or Issue(
            number=number,
            title=change.name,
            body="",
            state=State.OPEN,
            state_reason=None,
            author="bot",
            is_own=True,
            is_trusted=True,
            labels=(),
            assignees=(),
            milestone=None,
        )
        text, marker = split_body(old.body)
        place = titles[change.after("milestone")] if change.touches("milestone") else old.milestone
        if change.touches("body"):
            text = change.after("body") or ""
        if change.verb is Verb.CREATE or change.touches("milestone") or change.touches("marker"):
            marker = Marker(key=change.key, milestone=place)
        if change.touches("duplicate-of"):
            marker, place = Marker(key=change.key, duplicate_of=change.after("duplicate-of")), None
        parent = change.after("parent")
        changed = replace(
            old,
            title=change.after("title") or old.title,
            body=join_body(text, marker) if marker else text,
            milestone=place,
            labels=change.after("labels") or old.labels,
            parent=self.keys[parent] if isinstance(parent, str) else parent or old.parent,
            state=State(change.after("state")) if change.touches("state") else old.state,
        )
        self.issues[number] = changed
        self.keys[change.key] = number
