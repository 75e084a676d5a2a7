"""What a team wants of its releases: which milestones release, under what conditions, and what follows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

PLACEHOLDERS = ("{title}", "{name}")
BRACES = re.compile(r"[{}]")


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
    workflow: str = "milepost-verify-gpu.yml"
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Releasing:
    """The `release:` section; `milestones` are shell patterns of titles, `then` are workflow files.

    `{title}` in `tag` is the milestone's title, `{name}` what comes after its last slash.
    """

    milestones: tuple[str, ...] = ("v*",)
    tag: str = "{title}"
    open_issues: OpenIssues = OpenIssues.BLOCK
    notes: NotesSettings = field(default_factory=NotesSettings)
    require: Requirement = field(default_factory=Requirement)
    allow: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    next: str | None = None

    def takes(self, title: str) -> bool:
        """True when closing a milestone of that title makes a release."""
        return any(fnmatchcase(title, pattern) for pattern in self.milestones)

    def name_tag(self, title: str) -> str:
        """The tag of the milestone's release, which git may not allow."""
        parts = {"title": title, "name": title.rpartition("/")[2]}
        return re.sub(r"\{(title|name)\}", lambda found: parts[found[1]], self.tag)


def is_tag_pattern(pattern: str) -> bool:
    """True when the pattern makes tags that differ, and holds no braces but those that are filled in."""
    rest = pattern
    for each in PLACEHOLDERS:
        rest = rest.replace(each, "")
    return rest != pattern and not BRACES.search(rest)
