"""What a team wants of its releases: which milestones release, under what conditions, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class OpenIssues(str, Enum):
    """What happens when a closed milestone still has open issues or pull requests."""

    BLOCK = "block"
    MOVE = "move"
    IGNORE = "ignore"


class NotesSource(str, Enum):
    """Who writes the release notes."""

    MILESTONE = "milestone"
    GITHUB = "github"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading of the notes, and the labels whose items stand below it."""

    title: str
    labels: tuple[str, ...]


DEFAULT_SECTIONS = (
    Section(title="Features", labels=("feature", "enhancement")),
    Section(title="Fixes", labels=("bug", "fix")),
    Section(title="Documentation", labels=("documentation", "docs")),
)


@dataclass(frozen=True, kw_only=True)
class NotesSettings:
    """How the notes are made; labels are compared without case, `template` is a path in the repository."""

    source: NotesSource = NotesSource.MILESTONE
    sections: tuple[Section, ...] = DEFAULT_SECTIONS
    breaking: tuple[str, ...] = ("breaking", "breaking-change")
    dependencies: tuple[str, ...] = ("dependencies",)
    hidden: tuple[str, ...] = ("skip-changelog", "ignore-for-release")
    template: str | None = None


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What must be proven of the commit: an environment by the workflow that verifies it, statuses and checks."""

    environment: str | None = None
    workflow: str = "verify-gpu.yml"
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Releasing:
    """The `release:` section; `milestones` is a shell pattern of titles, `then` are workflow files."""

    milestones: str = "v*"
    tag: str = "{title}"
    open_issues: OpenIssues = OpenIssues.BLOCK
    notes: NotesSettings = field(default_factory=NotesSettings)
    require: Requirement = field(default_factory=Requirement)
    allow: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    next: str | None = None
