"""The nouns, twice: as GitHub holds them (Snapshot) and as the plan file asks for them (DesiredState)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeVar, Union

from milepost.core.cadence import Cadence
from milepost.core.releasing import Releasing
from milepost.core.reporting import Reporting
from milepost.diagnostics import Location

if TYPE_CHECKING:  # who reads no environment pays for no version specifiers
    from milepost.core.environment import Environment


class Unmanaged(Enum):
    """The value of a field that the plan file does not write."""

    FIELD = "unmanaged"


UNMANAGED: Final = Unmanaged.FIELD
T = TypeVar("T")
Planned = Union[T, Literal[Unmanaged.FIELD]]


class State(str, Enum):
    """Open or closed, of a milestone or an issue."""

    OPEN = "open"
    CLOSED = "closed"


# As GitHub holds them.


@dataclass(frozen=True, kw_only=True)
class Label:
    name: str
    color: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """A milestone; `issues` counts its issues without pull requests, `items` both, in any state.

    `open_items` is known of those that were read for sprints.
    """

    number: int
    node_id: str
    title: str
    description: str
    state: State
    due: date | None
    created_at: str
    issues: int
    items: int
    open_items: int = 0


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue; `milestone` and `parent` are numbers, `is_own` says that our login wrote it."""

    number: int
    title: str
    body: str
    state: State
    state_reason: str | None
    author: str
    is_own: bool
    is_trusted: bool
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    milestone: int | None
    milestone_title: str | None = None
    type: str | None = None
    parent: int | None = None
    comments: int = 0
    created_at: str = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What was read of one repository: all that the plan asks about, and maybe not more.

    `gone_milestones` are numbers that markers name and that were looked for in vain.
    """

    repository: str
    default_branch: str
    is_fork: bool
    login: str
    labels: tuple[Label, ...]
    milestones: tuple[Milestone, ...]
    issues: tuple[Issue, ...]
    branches: tuple[str, ...] = ()
    gone_milestones: tuple[int, ...] = ()


# As the plan file asks for them.


@dataclass(frozen=True, kw_only=True)
class PlannedLabel:
    name: str
    was: str | None = None
    color: Planned[str] = UNMANAGED
    description: Planned[str] = UNMANAGED
    is_absent: bool = False
    at: Location


@dataclass(frozen=True, kw_only=True)
class PlannedMilestone:
    title: str
    was: str | None = None
    start: date | None = None
    due: Planned[date | None] = UNMANAGED
    description: Planned[str] = UNMANAGED
    state: Planned[State] = UNMANAGED
    environment: str | None = None
    branch: str | None = None
    at: Location


@dataclass(frozen=True, kw_only=True)
class PlannedIssue:
    """An issue of the plan; `former_keys` are those it had under earlier titles or milestone titles.

    `parent` is the key of another planned issue, or the number of any issue.
    """

    key: str
    title: str
    number: int | None = None
    former_keys: tuple[str, ...] = ()
    body: Planned[str] = UNMANAGED
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    type: Planned[str] = UNMANAGED
    state: Planned[State] = UNMANAGED
    milestone: str | None = None
    parent: str | int | None = None
    at: Location


@dataclass(frozen=True, kw_only=True)
class DesiredState:
    """A valid plan file, in the order it was written."""

    repository: str | None = None
    timezone: str = "UTC"
    language: Literal["en", "zh"] = "en"
    labels: tuple[PlannedLabel, ...] = ()
    milestones: tuple[PlannedMilestone, ...] = ()
    issues: tuple[PlannedIssue, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    cadences: tuple[Cadence, ...] = ()
    size_labels: str | None = None
    has_history: bool = False
    reporting: Reporting = field(default_factory=Reporting)
    releasing: Releasing | None = None
