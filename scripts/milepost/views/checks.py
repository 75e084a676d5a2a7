"""The checks of doctor as a terminal, a summary and programs show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from milepost.diagnostics import Diagnostic, Severity
from milepost.views.markdown import prose, table
from milepost.views.plain import one_line


class State(str, Enum):
    """What a check came to."""

    FINE = "fine"
    FIX = "fix"
    LOOK = "look"
    UNKNOWN = "unknown"
    UNUSED = "unused"


MARKS = {State.FINE: "✅", State.FIX: "❌", State.LOOK: "⚠️", State.UNKNOWN: "❔", State.UNUSED: "–"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question, with what was found; `about` says what was looked at. Nothing to look at is unused."""

    name: str
    question: str
    about: str
    findings: tuple[Diagnostic, ...] = ()
    is_used: bool = True

    @property
    def state(self) -> State:
        """The worst that was found; what is not known is never fine."""
        severities = {each.severity for each in self.findings}
        if Severity.ERROR in severities:
            return State.FIX
        if Severity.WARNING in severities:
            return State.LOOK
        if severities:
            return State.UNKNOWN
        return State.FINE if self.is_used else State.UNUSED


def render_checks_text(checks: Sequence[Check]) -> str:
    """A line for each check."""
    width = max(len(each.name) for each in checks)
    return "\n".join(
        f"{each.state.value.ljust(7)}  {each.name.ljust(width)}  {one_line(f'{each.question} {each.about}')}".rstrip()
        for each in checks
    )


def render_checks_markdown(checks: Sequence[Check]) -> str:
    """A table of the checks."""
    rows = [
        (
            f"{MARKS[each.state]} {each.state.value}",
            f"`{each.name}`",
            f"{prose(each.question)} {prose(each.about)}".strip(),
        )
        for each in checks
    ]
    return table(("", "check", "question"), rows)


def describe_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The checks as plain values."""
    return [
        {
            "check": each.name,
            "state": each.state.value,
            "question": each.question,
            "about": each.about,
            "findings": [finding.rule for finding in each.findings],
        }
        for each in checks
    ]
