"""The frozen record of a release, `milestone.json`: what was released, from which commit, and what the milestone held."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from milepost.core.proof import FILE
from milepost.core.release import ClosedMilestone, Item

SCHEMA = "milepost.release/1"
# The assets of a release that are ours; the checksums are uploaded last.
RECORD, PROOF, PLAN, NOTES, CHECKSUMS = "milestone.json", FILE, "milepost.yml", "notes.md", "SHA256SUMS"

KINDS = {False: "issue", True: "pull request"}
OPEN, MERGED, CLOSED = "open", "merged", "closed"
DROPPED = ("not_planned", "duplicate")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What reading a member that is not there, or is something else, may raise.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, kw_only=True)
class PlanFile:
    """The plan file at the released commit: its path there, and what its bytes hash to."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ReleaseRecord:
    """What is kept of a release; `environment` is the name of the one that was proven, None when none was required.

    Who created the milestone and which authors are bots is not kept, and so not read back.
    """

    repository: str
    server: str
    tag: str
    version: str | None
    is_prerelease: bool
    commit: str
    branch: str
    released_by: str
    plan_file: PlanFile
    environment: str | None
    milestone: ClosedMilestone
    items: tuple[Item, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Issues and pull requests, those of both that were completed, and those that were closed without it."""
        return {
            "issues": sum(not each.is_pull for each in self.items),
            "pull_requests": sum(each.is_pull for each in self.items),
            "completed": sum(is_completed(each) for each in self.items),
            "dropped": sum(not each.is_open and not is_completed(each) for each in self.items),
        }


def is_completed(item: Item) -> bool:
    """True for a pull request that was merged, and for an issue that was not closed because nobody will do it."""
    if item.is_pull:
        return item.is_merged
    return not item.is_open and item.reason not in DROPPED


def name_state(item: Item) -> str:
    """`open`, `merged` or `closed`."""
    return OPEN if item.is_open else MERGED if item.is_merged else CLOSED


def read_record(text: str | bytes) -> ReleaseRecord | None:
    """The record of the file; None when it is not such a file. Keys that are not known are passed over."""
    value = read_object(text)
    if value is None or value.get("schema") != SCHEMA:
        return None
    try:
        return ReleaseRecord(
            repository=_text(value["repository"]),
            server=_text(value["server"]),
            tag=_text(value["tag"]),
            version=_text_or_none(value["version"]),
            is_prerelease=_claim(value["is_prerelease"]),
            commit=_text(value["commit"]),
            branch=_text(value["branch"]),
            released_by=_text(value["released_by"]),
            plan_file=PlanFile(path=_text(value["plan_file"]["path"]), sha256=_text(value["plan_file"]["sha256"])),
            environment=_text_or_none(value["environment"]),
            milestone=_read_milestone(value["milestone"]),
            items=tuple(sorted(map(_read_item, _list(value["items"])), key=lambda each: each.number)),
        )
    except UNREADABLE:
        return None


def read_object(text: str | bytes) -> Mapping[str, Any] | None:
    """The JSON object that the text holds, if it holds one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_milestone(value: Mapping[str, Any]) -> ClosedMilestone:
    return ClosedMilestone(
        number=_count(value["number"]),
        title=_text(value["title"]),
        description=_text(value["description"]),
        is_open=False,
        due=None if value["due"] is None else _day(value["due"]),
        created_at=_text(value["created_at"]),
        closed_at=_text_or_none(value["closed_at"]),
        creator=None,
        url=_text(value["url"]),
    )


def _read_item(value: Mapping[str, Any]) -> Item:
    kind, state = _text(value["kind"]), _text(value["state"])
    if kind not in KINDS.values() or state not in (OPEN, MERGED, CLOSED):
        raise ValueError
    return Item(
        number=_count(value["number"]),
        title=_text(value["title"]),
        url=_text(value["url"]),
        is_pull=kind == KINDS[True],
        is_open=state == OPEN,
        is_merged=state == MERGED,
        author=_text_or_none(value["author"]),
        labels=tuple(_text(each) for each in _list(value["labels"])),
        reason=_text_or_none(value["reason"]),
        closed_at=_text_or_none(value["closed_at"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _claim(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value


def _day(value: Any) -> date:
    if not DAY.fullmatch(_text(value)):
        raise ValueError
    return date.fromisoformat(value)
