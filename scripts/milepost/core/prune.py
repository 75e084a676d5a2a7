"""What carries our mark and is no longer in the plan file: closed or deleted when `prune` asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from milepost.core.change import Change, Field, Noun, Verb
from milepost.core.identity import split_body
from milepost.core.issues import Match
from milepost.core.milestones import find_milestone, is_marked
from milepost.core.model import DesiredState, Issue, Milestone, Snapshot, State


def prune_issues(snapshot: Snapshot, matches: Iterable[Match]) -> list[Change]:
    """Every open marked issue that stands for no planned one is closed as not planned."""
    planned = {each.number for match in matches for each in (match.live, *match.twins) if each}
    return [_close(each) for each in snapshot.issues if _is_ours(each) and each.number not in planned]


def prune_milestones(desired: DesiredState, snapshot: Snapshot) -> list[Change]:
    """Every marked milestone that is not planned and holds nothing is deleted."""
    planned = {live.number for each in desired.milestones if (live := find_milestone(each, snapshot))}
    return [
        _delete(each)
        for each in snapshot.milestones
        if each.number not in planned and each.items == 0 and is_marked(each)
    ]


def _is_ours(issue: Issue) -> bool:
    marker = split_body(issue.body)[1]
    is_marked_issue = marker is not None and marker.duplicate_of is None
    return is_marked_issue and issue.state is State.OPEN and (issue.is_own or issue.is_trusted)


def _close(issue: Issue) -> Change:
    fields = (Field("state", "open", "closed"), Field("pruned", None, "not planned"))
    return Change(
        verb=Verb.CLOSE,
        noun=Noun.ISSUE,
        name=issue.title,
        number=issue.number,
        fields=fields,
        reason="marked, and no longer in the plan file",
    )


def _delete(milestone: Milestone) -> Change:
    return Change(
        verb=Verb.DELETE,
        noun=Noun.MILESTONE,
        name=milestone.title,
        number=milestone.number,
        reason="marked, empty, and no longer in the plan file",
    )
