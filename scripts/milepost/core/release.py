"""A closed milestone and what GitHub holds of its release, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from milepost.core.checksums import digest_of


@dataclass(frozen=True, kw_only=True)
class Item:
    """An issue or pull request of the milestone; `author` is None for a deleted account.

    `reason` is GitHub's `completed`, `not_planned` or `duplicate` of a closed issue.
    """

    number: int
    title: str
    url: str
    is_pull: bool
    is_open: bool
    is_merged: bool = False
    author: str | None = None
    is_bot: bool = False
    labels: tuple[str, ...] = ()
    reason: str | None = None
    closed_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClosedMilestone:
    """The milestone that is to be released, as GitHub holds it; `creator` is a login."""

    number: int
    title: str
    description: str
    is_open: bool
    due: date | None
    created_at: str
    closed_at: str | None
    creator: str | None
    is_creator_bot: bool = False
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag of the repository: the commit that it leads to; `message` is None for a lightweight one."""

    name: str
    commit: str
    message: str | None


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file of a release; `digest` is `sha256:…` where GitHub tells it, `is_own` says that our login uploaded it."""

    id: int
    name: str
    size: int
    digest: str | None
    is_uploaded: bool = True
    is_own: bool = False

    def holds(self, data: bytes) -> bool:
        """True when it has these bytes, as far as GitHub tells: Enterprise Servers before digests tell the size only."""
        return self.size == len(data) and self.digest in (None, digest_of(data))


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release that is there; `is_own` says that our login wrote it."""

    id: int
    tag: str
    name: str
    body: str
    url: str
    is_draft: bool
    is_prerelease: bool
    is_immutable: bool
    is_own: bool
    upload_url: str = ""
    published_at: str | None = None
    assets: tuple[Asset, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Status:
    """The newest state of a status or check run on a commit: `success`, `failure`, `pending`, `neutral`, ...

    `source` tells jobs of one name apart, of two workflows or of another app; that of a status is empty.
    """

    name: str
    state: str
    source: str = ""
