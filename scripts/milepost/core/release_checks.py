"""What may stop a release: who closed the milestone, what is still open, what is not proven, a tag that is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from milepost.core.ref_name import judge_tag
from milepost.core.release import ClosedMilestone, Item, Status, Tag
from milepost.core.releasing import OpenIssues, Releasing
from milepost.diagnostics import Diagnostic, Rule, Severity

NOT_ALLOWED = Rule("not-allowed", Severity.ERROR, "Somebody without write permission closed or made the milestone.")
BAD_TAG = Rule("bad-tag", Severity.ERROR, "A milestone that is to be released cannot have the tag that it would get.")
STILL_OPEN = Rule("still-open", Severity.ERROR, "The milestone still has open issues or pull requests.")
STATUS_MISSING = Rule("status-missing", Severity.ERROR, "A required status of the commit is not successful.")
TAG_ELSEWHERE = Rule("tag-elsewhere", Severity.ERROR, "The tag is there already, on another commit.")
RULES = (NOT_ALLOWED, BAD_TAG, STILL_OPEN, STATUS_MISSING, TAG_ELSEWHERE)

WRITERS = ("admin", "maintain", "write")
# What GitHub takes for a required check that has passed.
GOOD = ("success", "neutral", "skipped")
MOST_NAMED = 20
MILESTONE, CLOSED = "Milepost-Milestone", "Milepost-Closed"


def judge_sender(login: str, permission: str, settings: Releasing) -> tuple[Diagnostic, ...]:
    """Whether the one whose event this is may release."""
    if permission in WRITERS or _is_listed(login, settings):
        return ()
    summary = f'"{login}" caused this run, and has the permission `{permission}`: that makes no release'
    way_out = (
        "have somebody with write permission close the milestone, or add the login to `release.allow` of the plan file"
    )
    return (NOT_ALLOWED.found(summary, help=way_out),)


def judge_creator(milestone: ClosedMilestone, permission: str, settings: Releasing) -> tuple[Diagnostic, ...]:
    """Whether a milestone that the plan file does not name was made by somebody who may release."""
    creator = milestone.creator or "ghost"
    if permission in WRITERS or _is_listed(creator, settings):
        return ()
    summary = (
        f'milestone "{milestone.title}" is not in the plan file, and was made by "{creator}",'
        f" who has the permission `{permission}`"
    )
    way_out = "add the milestone to `milestones:` of the plan file, or the login to `release.allow`"
    return (NOT_ALLOWED.found(summary, help=way_out),)


def judge_name(title: str, tag: str) -> tuple[Diagnostic, ...]:
    """Whether the tag that the title makes is one."""
    reason = judge_tag(tag)
    if not reason:
        return ()
    way_out = "rename the milestone, or change `tag` in `release:` of the plan file"
    return (BAD_TAG.found(f'milestone "{title}" cannot be tagged "{tag}"', why=reason, help=way_out),)


def judge_open(milestone: ClosedMilestone, items: Iterable[Item], settings: Releasing) -> tuple[Diagnostic, ...]:
    """Whether what is still open stops the release; all of it is named, as far as anybody reads."""
    opened = [each for each in items if each.is_open]
    if settings.open_issues is not OpenIssues.BLOCK or not opened:
        return ()
    named = ", ".join(f"#{each.number}" for each in opened[:MOST_NAMED])
    more = f" and {len(opened) - MOST_NAMED:,} more" if len(opened) > MOST_NAMED else ""
    summary = f'milestone "{milestone.title}" still has {len(opened):,} open: {named}{more}'
    way_out = "close them or take them out of the milestone, then close it again; or set `open-issues: move`"
    return (STILL_OPEN.found(summary, help=way_out),)


def judge_statuses(required: Sequence[str], found: Iterable[Status], commit: str) -> tuple[Diagnostic, ...]:
    """Which required statuses are not successful on the commit; where several have the name, all must be.

    So does GitHub itself with required checks: one workflow's job must not hide another's of the same name.
    """
    states: dict[str, list[str]] = {}
    for each in found:
        states.setdefault(each.name, []).append(each.state)
    way_out = "wait for it or mend it, then run the release again; or take it out of `release.require.statuses`"
    bad = {name: next((state for state in states.get(name, ["not"]) if state not in GOOD), None) for name in required}
    return tuple(
        STATUS_MISSING.found(f'"{name}" is {f"`{state}`" if name in states else state} on {commit[:12]}', help=way_out)
        for name, state in bad.items()
        if state is not None
    )


def judge_place(tag: Tag | None, commit: str, milestone: ClosedMilestone) -> tuple[Diagnostic, ...]:
    """Whether the tag may be made, is there already, or is elsewhere."""
    if tag is None or tag.commit == commit or is_of_this_closing(tag, milestone):
        return ()
    summary = f'tag "{tag.name}" is on {tag.commit}, and the release would be of {commit}'
    way_out = "release under another title; or delete the tag, if nobody uses it, and run the release again"
    return (TAG_ELSEWHERE.found(summary, help=way_out),)


def render_message(tag: str, milestone: ClosedMilestone) -> str:
    """The message of the annotated tag; its trailers tell a later run which closing it belongs to."""
    return f"{tag}\n\n{MILESTONE}: {milestone.number}\n{CLOSED}: {milestone.closed_at}\n"


def is_of_this_closing(tag: Tag, milestone: ClosedMilestone) -> bool:
    """True when an earlier run made the tag for this very closing; its commit is then the one that is released."""
    trailers = render_message(tag.name, milestone).splitlines()[2:]
    lines = (tag.message or "").rstrip().splitlines()
    return bool(milestone.closed_at) and lines[-len(trailers) :] == trailers


def _is_listed(login: str, settings: Releasing) -> bool:
    return login.casefold() in {each.casefold() for each in settings.allow}
