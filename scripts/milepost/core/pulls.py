"""A pull request, and the issues that it is linked to, as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from milepost.core.links import Address
from milepost.core.model import State


@dataclass(frozen=True, kw_only=True)
class Claim:
    """An open pull request that would close an issue."""

    address: Address
    author: str
    is_draft: bool


@dataclass(frozen=True, kw_only=True)
class LinkedIssue:
    """An issue as it is now; `claims` are all of them unless `has_all_claims` is false."""

    address: Address
    title: str
    state: State
    state_reason: str
    milestone: str | None
    milestone_state: State | None
    assignees: tuple[str, ...]
    labels: tuple[str, ...]
    claims: tuple[Claim, ...] = ()
    has_all_claims: bool = True


class Absence(str, Enum):
    """Why an address is not an issue that can be judged."""

    MISSING = "missing"
    INVISIBLE = "invisible"
    PULL_REQUEST = "pull-request"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request as it is now, with what GitHub's own graph links it to.

    `siblings` are the numbers of other open ones, drafts not among them, with the same head.
    """

    address: Address
    title: str
    body: str
    author: str
    state: State
    is_draft: bool
    base: str
    default_branch: str
    head: str
    head_sha: str
    is_from_fork: bool
    labels: tuple[str, ...] = ()
    closing: tuple[LinkedIssue, ...] = ()
    sidebar: tuple[Address, ...] = ()
    siblings: tuple[int, ...] = ()

    @property
    def is_into_default(self) -> bool:
        return self.base == self.default_branch


class Source(str, Enum):
    """How an issue is linked."""

    SIDEBAR = "sidebar"
    KEYWORD = "keyword"
    PARSER = "description"


@dataclass(frozen=True, kw_only=True)
class Link:
    """One linked issue with where the link comes from; or why it is none."""

    address: Address
    source: Source
    line: int = 0
    is_closing: bool = True
    issue: LinkedIssue | None = None
    absence: Absence | None = None
