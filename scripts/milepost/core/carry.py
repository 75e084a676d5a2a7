"""Carry-over: what becomes of the open items of a past sprint, by the team's rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Target(str, Enum):
    """Where an open item goes: the next sprint, no milestone, nowhere, or nowhere and its sprint stays open."""

    NEXT = "next"
    BACKLOG = "backlog"
    KEEP = "keep"
    BLOCK = "block"


class Closing(str, Enum):
    """When a past sprint is closed: as soon as it is over, when nothing open is left in it, or by people."""

    DUE = "due"
    FINISHED = "finished"
    NEVER = "never"


class Progress(str, Enum):
    """How far an open item is, as a rule of `carry-over` asks."""

    UNSTARTED = "todo"
    IN_PROGRESS = "in-progress"
    DRAFT = "draft"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True)
class Item:
    """An issue or a pull request of a sprint; `has_pull` says that an open pull request will close it."""

    number: int
    title: str
    is_open: bool = True
    reason: str | None = None
    closed_at: str | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    is_pull: bool = False
    is_draft: bool = False
    has_pull: bool = False

    @property
    def is_completed(self) -> bool:
        """Closed, and not because nobody will do it."""
        return not self.is_open and self.reason not in ("not_planned", "duplicate")


@dataclass(frozen=True, kw_only=True)
class CarryRule:
    """One rule: all conditions that it gives must hold; `assignee` may be `none` or `any`."""

    to: Target
    label: str | None = None
    assignee: str | None = None
    state: Progress | None = None

    def covers(self, item: Item) -> bool:
        return (
            (self.label is None or self.label.casefold() in {each.casefold() for each in item.labels})
            and (self.assignee is None or _is_assigned(item, self.assignee))
            and (self.state is None or _is(item, self.state))
        )


@dataclass(frozen=True, kw_only=True)
class CarryOver:
    """The `carry-over:` of an entry; items that were carried `alert_after` times are warned of."""

    default: Target = Target.NEXT
    rules: tuple[CarryRule, ...] = ()
    alert_after: int = 2


def choose_target(item: Item, carry_over: CarryOver) -> Target:
    """Where the item goes: by the first rule that covers it, else by the default."""
    return next((each.to for each in carry_over.rules if each.covers(item)), carry_over.default)


def by_number(items: Iterable[Item]) -> list[Item]:
    """The items in the order of their numbers."""
    return sorted(items, key=lambda each: each.number)


def _is_assigned(item: Item, wanted: str) -> bool:
    if wanted in ("none", "any"):
        return bool(item.assignees) == (wanted == "any")
    return wanted.casefold() in {each.casefold() for each in item.assignees}


def _is(item: Item, progress: Progress) -> bool:
    is_started = item.has_pull or (item.is_pull and not item.is_draft)
    return {
        Progress.DRAFT: item.is_draft,
        Progress.IN_PROGRESS: is_started,
        Progress.UNSTARTED: not item.is_pull and not item.has_pull,
        Progress.REOPENED: item.reason == "reopened",
    }[progress]
