"""What a run is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from milepost.diagnostics import Diagnostic
from milepost.errors import ExitCode
from milepost.runner.context import Context

if TYPE_CHECKING:  # a command that calls no GitHub pays for no client
    from milepost.remote.client import Client

# All outputs of a job hold 1 MB, counted as UTF-16 (docs.github.com, workflow syntax: `jobs.<job_id>.outputs`).
MOST_OUTPUT_BYTES = 200_000


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything outside that an action may touch."""

    context: Context
    now: datetime
    log: Callable[[str], None]
    client: Client | None = None
    connect: Callable[[], Client] | None = None
    fixed_today: date | None = None

    @property
    def github(self) -> Client:
        """The connection to the repository; only for actions that declare that they need one."""
        assert self.client is not None, "the action does not declare needs_repository"
        return self.client

    def reach(self) -> Client | None:
        """The connection to the repository, made now; None where no token or no repository is given."""
        return self.client or (self.connect() if self.connect else None)

    def today(self, timezone: str) -> date:
        """The calendar day in the time zone, or the one that `--today` gave."""
        return self.fixed_today or self.now.astimezone(ZoneInfo(timezone)).date()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run found or did: `text` for a terminal, `summary` as Markdown, `data` as JSON."""

    exit_code: ExitCode = ExitCode.DONE
    outputs: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    summary: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
