"""A workflow file as far as callers are judged by it: events, jobs, permissions, what is used, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from milepost.diagnostics import Location


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event below `on:`; what is not given is empty."""

    name: str
    at: Location
    types: tuple[str, ...] = ()
    crons: tuple[tuple[str, Location], ...] = ()
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """What is granted; `otherwise` is the level of what is not named."""

    at: Location
    scopes: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "none"

    def level(self, scope: str) -> str:
        return self.scopes.get(scope, self.otherwise)


@dataclass(frozen=True, kw_only=True)
class Use:
    """One `uses:`, and what is given to it."""

    text: str
    at: Location
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job: `calls` a reusable workflow, or has steps that use actions."""

    name: str
    at: Location
    permissions: Permissions | None = None
    calls: Use | None = None
    steps: tuple[Use, ...] = ()

    @property
    def uses(self) -> tuple[Use, ...]:
        return (self.calls, *self.steps) if self.calls else self.steps


@dataclass(frozen=True, kw_only=True)
class WorkflowFile:
    """A file below `.github/workflows`."""

    path: str
    events: Mapping[str, Event]
    jobs: tuple[Job, ...]
    permissions: Permissions | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]
