"""What a team asks of its pull requests: the `pull-requests:` section of the plan file as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Level(str, Enum):
    """What a broken rule means for the verdict."""

    OFF = "off"
    WARN = "warn"
    FAIL = "fail"


class Assignment(str, Enum):
    """Whose a linked issue must be."""

    OFF = "off"
    ANY = "any"
    AUTHOR = "author"


class Invisible(str, Enum):
    """What a linked issue that the token cannot see means for the verdict."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class Accept(str, Enum):
    """Which references link: closing keywords only, or the team's own keywords as well."""

    CLOSING = "closing"
    REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class Exemptions:
    """Who is not judged: exact logins, labels, and patterns of head branches of the repository itself."""

    authors: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The `pull-requests:` section of the plan file."""

    linked: Level = Level.FAIL
    open: Level = Level.FAIL
    milestone: Level = Level.WARN
    assigned: Assignment = Assignment.OFF
    labels: Level = Level.OFF
    duplicate_claim: Level = Level.WARN
    required_labels: tuple[str, ...] = ()
    allowed_milestones: tuple[str, ...] = ()
    denied_milestones: tuple[str, ...] = ()
    accept: Accept = Accept.CLOSING
    keywords: tuple[str, ...] = ("refs", "part of")
    repositories: tuple[str, ...] = ()
    invisible: Invisible = Invisible.WARN
    exempt: Exemptions = Exemptions()

    def takes(self, repository: str, own: str) -> bool:
        """True when issues of that repository link: of the same owner, or where the team says so."""
        patterns = self.repositories or (f"{own.partition('/')[0]}/*",)
        name = repository.casefold()
        return name == own.casefold() or any(fnmatchcase(name, each.casefold()) for each in patterns)
