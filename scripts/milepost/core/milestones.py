"""Planned milestones, and their branches, against those on GitHub."""

from __future__ import annotations

from milepost.core.change import Change, Field, Findings, Noun, Verb
from milepost.core.identity import block_line, block_values, milestone_key, normal, split_description
from milepost.core.model import (
    UNMANAGED,
    DesiredState,
    Milestone,
    PlannedMilestone,
    Snapshot,
    State,
)
from milepost.diagnostics import Diagnostic, Rule, Severity

CASE_TWIN = Rule(
    "case-twin",
    Severity.ERROR,
    "GitHub has a milestone whose title differs from the planned one in case only.",
)
RENAMED_MILESTONE = Rule(
    "renamed-milestone", Severity.WARNING, "A planned milestone is missing, and another one carries its key."
)
RULES = (CASE_TWIN, RENAMED_MILESTONE)

# Our line in the machine block.
LINE = "sync"


def find_milestone(planned: PlannedMilestone, snapshot: Snapshot) -> Milestone | None:
    """The milestone with the title, else the one with the former title."""
    titles = {each.title: each for each in snapshot.milestones}
    return titles.get(planned.title) or (titles.get(planned.was) if planned.was else None)


def diff_milestones(desired: DesiredState, snapshot: Snapshot) -> tuple[Findings, tuple[Diagnostic, ...]]:
    """The changes that make the planned milestones true, and what cannot be made true."""
    findings, problems, unchanged = Findings(), [], 0
    for planned in desired.milestones:
        live = find_milestone(planned, snapshot)
        problems += _judge_missing(planned, snapshot) if live is None else []
        changes = [*_diff_branch(planned, snapshot), *_diff(planned, live, desired)]
        findings.changes.extend(changes)
        unchanged += not changes
    return Findings(changes=findings.changes, unchanged=unchanged), tuple(problems)


def wanted_line(planned: PlannedMilestone, desired: DesiredState) -> str:
    """Our line of the machine block: a copy of what the plan file says, for people and as a cache."""
    environment = desired.environments.get(planned.environment or "")
    return block_line(
        key=milestone_key(planned.title),
        start=planned.start.isoformat() if planned.start else None,
        environment=planned.environment,
        image=environment.image[:300] if environment and environment.image else None,
    )


def is_marked(milestone: Milestone) -> bool:
    """True when our line stands in its block and agrees with its title: a copied block does not."""
    _, block = split_description(milestone.description)
    line = block.get(LINE) if block else None
    return line is not None and block_values(line).get("key") == milestone_key(milestone.title)


def _judge_missing(planned: PlannedMilestone, snapshot: Snapshot) -> list[Diagnostic]:
    for live in snapshot.milestones:
        if live.title.casefold() == planned.title.casefold():
            return [_case_twin(planned, live)]
    wanted = milestone_key(planned.title)
    for live in snapshot.milestones:
        _, block = split_description(live.description)
        if block and block_values(block.get(LINE) or "").get("key") == wanted:
            return [_renamed(planned, live)]
    return []


def _case_twin(planned: PlannedMilestone, live: Milestone) -> Diagnostic:
    return CASE_TWIN.found(
        f'milestone "{planned.title}" would stand beside "{live.title}" (number {live.number})',
        at=planned.at,
        why="GitHub would allow both, and mixes up their issues when it filters by milestone.",
        help=f'write the title as "{live.title}", or add `was: {live.title}` to rename it',
    )


def _renamed(planned: PlannedMilestone, live: Milestone) -> Diagnostic:
    return RENAMED_MILESTONE.found(
        f'milestone "{planned.title}" is missing; "{live.title}" (number {live.number}) carries its key',
        at=planned.at,
        why="Somebody renamed it on GitHub, so a new one will be created.",
        help=f'to keep it, write the title "{live.title}" with `was: {planned.title}`,'
        f" or keep this title with `was: {live.title}`",
    )


def _diff_branch(planned: PlannedMilestone, snapshot: Snapshot) -> list[Change]:
    if planned.branch is None or planned.branch in snapshot.branches:
        return []
    source = Field("from", None, snapshot.default_branch)
    return [Change(verb=Verb.CREATE, noun=Noun.BRANCH, name=planned.branch, fields=(source,), at=planned.at)]


def _diff(planned: PlannedMilestone, live: Milestone | None, desired: DesiredState) -> list[Change]:
    if live is None:
        fields = (*_planned_fields(planned, None), Field("block", None, wanted_line(planned, desired)))
        return [_change(planned, Verb.CREATE, None, fields)]
    fields = (*_planned_fields(planned, live), *_block_field(planned, live, desired))
    closing = tuple(each for each in fields if each == Field("state", "open", "closed"))
    others = tuple(each for each in fields if each not in closing)
    verb = Verb.REOPEN if any(each.name == "state" for each in others) else Verb.UPDATE
    # A milestone is closed last, so that what the plan puts into it is not put into a closed one.
    changes = [_change(planned, verb, live, others)] if others else []
    return changes + ([_change(planned, Verb.CLOSE, live, closing)] if closing else [])


def _planned_fields(planned: PlannedMilestone, live: Milestone | None) -> tuple[Field, ...]:
    text = split_description(live.description)[0] if live else None
    fields = [Field("title", live.title, planned.title)] if live else []
    if planned.due is not UNMANAGED:
        fields.append(Field("due", live.due if live else None, planned.due))
    if planned.description is not UNMANAGED:
        fields.append(Field("description", text or None, normal(planned.description) or None))
    if planned.state is not UNMANAGED:
        fields.append(Field("state", live.state.value if live else State.OPEN.value, planned.state.value))
    return tuple(each for each in fields if each.before != each.after)


def _block_field(planned: PlannedMilestone, live: Milestone, desired: DesiredState) -> tuple[Field, ...]:
    """Our line where there is one to keep right, or something to tell; none is forced on others' milestones."""
    _, block = split_description(live.description)
    present, wanted = block.get(LINE) if block else None, wanted_line(planned, desired)
    if present == wanted or (present is None and not (planned.start or planned.environment)):
        return ()
    return (Field("block", present, wanted),)


def _change(planned: PlannedMilestone, verb: Verb, live: Milestone | None, fields: tuple[Field, ...]) -> Change:
    # The number is the address; people know the milestone by the title that the plan gives it.
    number = live.number if live else None
    return Change(verb=verb, noun=Noun.MILESTONE, name=planned.title, number=number, fields=fields, at=planned.at)
