"""Problems as values: a rule found broken, where, why, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

RULE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Severity(str, Enum):
    """How bad a diagnostic is; the values are the runner's annotation commands."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return list(Severity).index(self)


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place in a file; lines and columns count from 1, `text` is the whole line."""

    file: str
    line: int
    column: int
    end_column: int | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One problem, complete enough for a stranger to act on; `order` puts causes before consequences."""

    rule: str
    severity: Severity
    summary: str
    at: Location | None = None
    why: str = ""
    help: str = ""
    order: int = 0


@dataclass(frozen=True)
class Rule:
    """A kind of problem: its id, its usual severity, and one sentence for the docs."""

    name: str
    severity: Severity
    title: str

    def __post_init__(self) -> None:
        assert RULE_NAME.fullmatch(self.name), f"rule {self.name!r} is not kebab-case"

    def found(self, summary: str, *, at: Location | None = None, why: str = "", help: str = "") -> Diagnostic:
        """This rule, broken once."""
        return Diagnostic(rule=self.name, severity=self.severity, summary=summary, at=at, why=why, help=help)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True when at least one diagnostic is an error."""
    return any(each.severity is Severity.ERROR for each in diagnostics)


def in_file_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics by file, line and column, those without a place first; equal ones once."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=_place))


def most_severe_first(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics by severity, then in file order."""
    return tuple(sorted(in_file_order(diagnostics), key=lambda each: each.severity.rank))


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, int, str, str]:
    at = diagnostic.at
    place = (at.file, at.line, at.column) if at else ("", 0, 0)
    return (*place, diagnostic.order, diagnostic.rule, diagnostic.summary)
