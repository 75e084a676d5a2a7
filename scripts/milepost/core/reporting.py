"""What a team wants to be told about its progress, and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from milepost.core.attention import Habits


@dataclass(frozen=True, kw_only=True)
class Reporting:
    """The parts of a report: each can be switched off; `marks` say when people are reminded."""

    has_report: bool = False
    marks: tuple[str, ...] = ()
    has_notifications: bool = True
    has_forecast: bool = True
    has_charts: bool = True
    habits: Habits = field(default_factory=Habits)
