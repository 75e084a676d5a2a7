"""A plan as a value: the changes in the order they will be applied, counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from hashlib import sha256
from typing import Any, Union

from milepost.diagnostics import Location

Value = Union[str, int, date, None, tuple[str, ...]]


class Noun(str, Enum):
    LABEL = "label"
    BRANCH = "branch"
    MILESTONE = "milestone"
    ISSUE = "issue"
    PULL_REQUEST = "pull request"
    RECORD = "record"
    WORKFLOW = "workflow"
    TAG = "tag"
    RELEASE = "release"
    ASSET = "asset"


UNTOLD = {Noun.TAG: ("message", "date"), Noun.RELEASE: ("body",), Noun.ASSET: ("release", "digest")}


class Verb(str, Enum):
    """What a change does; the order is that of application within a noun."""

    CREATE = "create"
    REOPEN = "reopen"
    UPDATE = "update"
    MOVE = "move"
    CLOSE = "close"
    DELETE = "delete"
    DISPATCH = "dispatch"


@dataclass(frozen=True)
class Field:
    """One field of one object, before and after."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, kw_only=True)
class Change:
    """One step: `name` is what people call the object, `key` is that of a planned issue.

    `milestone` is the number of the milestone that an issue was in when it was read; `line` names the action
    whose line of the machine block the field `block` is.
    `reason` is for people; nothing branches on it.
    """

    verb: Verb
    noun: Noun
    name: str
    number: int | None = None
    key: str | None = None
    milestone: int | None = None
    line: str = "sync"
    fields: tuple[Field, ...] = ()
    reason: str = ""
    at: Location | None = None

    @property
    def address(self) -> str:
        """`milestone["Sprint 4"]`."""
        return f"{self.noun.value}[{json.dumps(self.name, ensure_ascii=False)}]"

    def after(self, name: str) -> Value:
        """The value that the field gets; None when the change does not touch it."""
        return next((each.after for each in self.fields if each.name == name), None)

    def touches(self, name: str) -> bool:
        """True when the change sets the field."""
        return any(each.name == name for each in self.fields)

    @property
    def shown(self) -> tuple[Field, ...]:
        """The fields that are worth telling: a record is known by its paths, notes are told beside the plan."""
        if self.noun is Noun.RECORD:
            return ()
        return tuple(each for each in self.fields if each.name not in UNTOLD.get(self.noun, ()))

    @property
    def writes(self) -> int:
        """How many write requests the change costs."""
        if self.noun is Noun.WORKFLOW:
            workflows = self.after("workflows")
            # What follows a sprint is forgotten by a write of its own; what follows a tag is found by its runs.
            return (not self.touches("ref")) + (len(workflows) if isinstance(workflows, tuple) else 0)
        if self.noun is Noun.TAG:
            return 2  # the tag object, and the reference to it
        if self.noun in (Noun.ISSUE, Noun.PULL_REQUEST) and self.verb is not Verb.CREATE:
            apart = [name for name in ("labels", "assignees", "parent") if self.touches(name)]
            return len(apart) + (len(apart) < len(self.fields))
        has_parent = self.noun is Noun.ISSUE and self.touches("parent")
        is_closed_issue = self.noun is Noun.ISSUE and self.after("state") == "closed"
        return 1 + has_parent + (is_closed_issue and self.verb is Verb.CREATE)


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something seen that is no change: an issue that somebody moved, for instance."""

    address: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Ordered changes from a snapshot to the desired state."""

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def writes(self) -> int:
        return sum(each.writes for each in self.changes)

    @property
    def deletes(self) -> int:
        """How many objects a prune or `state: absent` takes away."""
        return sum(each.verb is Verb.DELETE or each.touches("pruned") for each in self.changes)

    def count(self, *verbs: Verb) -> int:
        return sum(each.verb in verbs for each in self.changes)

    @property
    def fingerprint(self) -> str:
        """Equal for equal plans."""
        return sha256(json.dumps(describe(self.changes), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the diff of one noun found; the lists are in application order."""

    changes: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    unchanged: int = 0


def describe(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The changes as plain values, for JSON."""
    return [
        {
            "verb": each.verb.value,
            "noun": each.noun.value,
            "address": each.address,
            "name": each.name,
            "number": each.number,
            "fields": [
                {"name": one.name, "before": _plain(one.before), "after": _plain(one.after)} for one in each.shown
            ],
            "reason": each.reason,
        }
        for each in changes
    ]


def _plain(value: Value) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
