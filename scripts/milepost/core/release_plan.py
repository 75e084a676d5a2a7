"""What is still missing of a release, in the order in which it is made: nothing when all is there.

Tag, draft, assets, published: a run that ends anywhere leaves a draft that nobody sees, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from milepost.core.change import Change, Field, Note, Noun, Plan, Verb
from milepost.core.checksums import digest_of
from milepost.core.identity import block_line
from milepost.core.release import Asset, ClosedMilestone, Item, Release, Tag
from milepost.core.release_checks import render_message
from milepost.core.release_record import CHECKSUMS, RECORD
from milepost.core.releasing import OpenIssues, Releasing
from milepost.diagnostics import Diagnostic, Rule, Severity

IMMUTABLE = Rule("release-immutable", Severity.ERROR, "A published release lacks its assets, and can get none.")
ASSET_TAKEN = Rule("asset-taken", Severity.ERROR, "A file of somebody else has the name of an asset of the release.")
RULES = (IMMUTABLE, ASSET_TAKEN)

MARKER = "<!-- milepost:release "
LINE = "release"


@dataclass(frozen=True, kw_only=True)
class Successor:
    """The milestone that follows: `number` is None while it is not there."""

    title: str
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A release as it should be, and what is there of it; `dispatched` are workflows that followed it already."""

    milestone: ClosedMilestone
    settings: Releasing
    tag_name: str
    is_prerelease: bool
    commit: str
    tag: Tag | None
    release: Release | None
    items: Sequence[Item]
    body: str
    contents: Mapping[str, bytes] = field(repr=False)
    successor: Successor | None = None
    opens_successor: bool = False
    dispatched: frozenset[str] = frozenset()


def is_complete(release: Release | None) -> bool:
    """True when the release is public with all of its assets: the checksums go up last, before it is published."""
    found = [_find(release, name) for name in (RECORD, CHECKSUMS)]
    return release is not None and not release.is_draft and all(each and each.is_uploaded for each in found)


def judge_release(case: Case) -> tuple[Diagnostic, ...]:
    """Why the release that is there cannot be completed; nothing when it can, or is whole."""
    release = case.release
    if release is None or is_complete(release):
        return ()
    if release.is_immutable and not release.is_draft:
        summary = f'the release of "{case.tag_name}" was published without {RECORD} or {CHECKSUMS}, and is immutable'
        return (IMMUTABLE.found(summary, help="release under another title: its tag cannot be used again"),)
    taken = [name for name, data in case.contents.items() if _is_taken(release, name, data)]
    if not taken:
        return ()
    summary = f'the release of "{case.tag_name}" has another {", ".join(taken)}, which somebody else uploaded'
    return (ASSET_TAKEN.found(summary, help="give that file another name, or delete it; then run the release again"),)


def plan_release(case: Case) -> Plan:
    """The changes that are missing, and notes on what stays although it differs."""
    if is_complete(case.release):
        return Plan(changes=(*_open_successor(case), *_follow(case)), unchanged=1)
    notes = tuple(_list_notes(case))
    changes = (*_open_successor(case), *_move(case), *_tag(case), *_draft(case), *_upload(case), *_publish(case))
    return Plan(changes=(*changes, *_follow(case)), notes=notes)


def plan_reopening(milestone: ClosedMilestone) -> Plan:
    """The milestone is open again, since it is not done."""
    change = Change(
        verb=Verb.REOPEN,
        noun=Noun.MILESTONE,
        name=milestone.title,
        number=milestone.number,
        fields=(Field("state", "closed", "open"),),
    )
    return Plan(changes=() if milestone.is_open else (change,))


def _open_successor(case: Case) -> list[Change]:
    """First of all, since open items move into it."""
    if case.successor is None or case.successor.number is not None or not case.opens_successor:
        return []
    line = block_line(after=case.milestone.title)
    return [
        Change(
            verb=Verb.CREATE,
            noun=Noun.MILESTONE,
            name=case.successor.title,
            line=LINE,
            fields=(Field("block", None, line),),
            reason=f"follows {case.tag_name}",
        )
    ]


def _move(case: Case) -> list[Change]:
    if case.settings.open_issues is not OpenIssues.MOVE or case.successor is None:
        return []
    return [
        Change(
            verb=Verb.MOVE,
            noun=Noun.PULL_REQUEST if each.is_pull else Noun.ISSUE,
            name=each.title,
            number=each.number,
            milestone=case.milestone.number,
            fields=(Field("milestone", case.milestone.title, case.successor.title),),
        )
        for each in sorted(case.items, key=lambda each: each.number)
        if each.is_open
    ]


def _tag(case: Case) -> list[Change]:
    if case.tag is not None:
        return []
    fields = (
        Field("commit", None, case.commit),
        Field("message", None, render_message(case.tag_name, case.milestone)),
        Field("date", None, case.milestone.closed_at),
    )
    return [Change(verb=Verb.CREATE, noun=Noun.TAG, name=case.tag_name, fields=fields)]


def _draft(case: Case) -> list[Change]:
    if case.release is not None:
        return []
    fields = (
        Field("title", None, case.milestone.title),
        Field("body", None, case.body),
        Field("prerelease", None, _text(case.is_prerelease)),
    )
    return [Change(verb=Verb.CREATE, noun=Noun.RELEASE, name=case.tag_name, fields=fields, reason="as a draft")]


def _upload(case: Case) -> list[Change]:
    """What is missing goes up; what an earlier run left, and is not as it should be, is replaced."""
    changes = []
    for name, data in case.contents.items():
        present = _find(case.release, name)
        if present is not None and _is_right(present, data):
            continue
        if present is not None:
            changes.append(_delete(case, present))
        fields = (
            Field("release", None, case.tag_name),
            Field("size", None, len(data)),
            Field("digest", None, digest_of(data)),
        )
        number = case.release.id if case.release else None
        changes.append(Change(verb=Verb.CREATE, noun=Noun.ASSET, name=name, number=number, fields=fields))
    return changes


def _delete(case: Case, present: Asset) -> Change:
    fields = (Field("release", case.tag_name, None), Field("digest", present.digest, None))
    reason = "of an earlier run, and not as it should be"
    return Change(verb=Verb.DELETE, noun=Noun.ASSET, name=present.name, number=present.id, fields=fields, reason=reason)


def _publish(case: Case) -> list[Change]:
    """Our own draft gets the notes of this run with it; whoever wrote another one wrote its notes.

    A pre-release is published as one, since it would be the latest release else.
    """
    if case.release is not None and not case.release.is_draft:
        return []
    fields = [Field("draft", "true", "false")]
    if case.release is not None and _has_our_notes(case.release) and case.release.body != case.body:
        fields.append(Field("body", case.release.body, case.body))
    if case.release is not None and case.is_prerelease and not case.release.is_prerelease:
        fields.append(Field("prerelease", "false", "true"))
    return [
        Change(
            verb=Verb.UPDATE,
            noun=Noun.RELEASE,
            name=case.tag_name,
            number=case.release.id if case.release else None,
            fields=tuple(fields),
            reason="published",
        )
    ]


def _follow(case: Case) -> list[Change]:
    workflows = tuple(each for each in case.settings.then if each not in case.dispatched)
    if not workflows:
        return []
    number = case.release.id if case.release else None
    fields = (Field("workflows", None, workflows), Field("ref", None, case.tag_name))
    return [Change(verb=Verb.DISPATCH, noun=Noun.WORKFLOW, name=case.tag_name, number=number, fields=fields)]


def _list_notes(case: Case) -> list[Note]:
    if case.release is None or not case.release.is_draft or _has_our_notes(case.release):
        return []
    return [Note(address=f'release["{case.tag_name}"]', text="a draft with notes that somebody else wrote; they stay")]


def _is_taken(release: Release, name: str, data: bytes) -> bool:
    """True for a file that no run of ours uploaded: our login did not, and the draft is none of ours."""
    present = _find(release, name)
    is_ours = present is not None and (present.is_own or (release.is_draft and MARKER in release.body))
    return present is not None and not is_ours and not _is_right(present, data)


def _has_our_notes(release: Release) -> bool:
    return not release.body.strip() or MARKER in release.body


def _find(release: Release | None, name: str) -> Asset | None:
    return next((each for each in release.assets if each.name == name), None) if release else None


def _is_right(asset: Asset, data: bytes) -> bool:
    return asset.is_uploaded and asset.holds(data)


def _text(claim: bool) -> str:
    return str(claim).lower()
