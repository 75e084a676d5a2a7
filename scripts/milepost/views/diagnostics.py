"""Diagnostics as text for a terminal, Markdown for a summary, values for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from milepost.diagnostics import Diagnostic, Location, Severity, in_file_order, most_severe_first
from milepost.views.markdown import cell, prose, table
from milepost.views.plain import counted, one_line

WIDEST_SOURCE_LINE = 160
MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTICE: "ℹ️"}


def render_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Each diagnostic with its source line, a caret below the place, and the way out."""
    return "\n".join(_render_one(each) for each in _ordered(diagnostics))


def render_markdown(diagnostics: Iterable[Diagnostic]) -> str:
    """A table of all diagnostics, with their places if any has one; nothing when there are none."""
    ordered = _ordered(diagnostics)
    has_places = any(each.at for each in ordered)
    head = ("", "rule", *(["where"] if has_places else []), "what, why, and the way out")
    rows = []
    for each in ordered:
        place = cell(_place(each.at)) if each.at else ""
        words = "<br>".join(prose(part) for part in (each.summary, each.why, each.help) if part)
        mark = f"{MARKS[each.severity]} {each.severity.value}"
        rows.append((mark, f"`{each.rule}`", *([place] if has_places else []), words))
    return table(head, rows)


def render_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """The diagnostics as plain values, in file order."""
    return [
        {
            "rule": each.rule,
            "severity": each.severity.value,
            "summary": each.summary,
            "why": each.why,
            "help": each.help,
            "file": each.at.file if each.at else None,
            "line": each.at.line if each.at else None,
            "column": each.at.column if each.at else None,
        }
        for each in in_file_order(diagnostics)
    ]


def render_count(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; nothing when there are none."""
    found = [each.severity for each in diagnostics]
    counts = [(found.count(severity), severity.value) for severity in Severity]
    return ", ".join(counted(number, noun) for number, noun in counts if number)


def _ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In file order; without a file the most severe first."""
    found = tuple(diagnostics)
    return in_file_order(found) if any(each.at for each in found) else most_severe_first(found)


def _render_one(diagnostic: Diagnostic) -> str:
    lines = [f"{diagnostic.severity.value}[{diagnostic.rule}]: {one_line(diagnostic.summary)}"]
    if diagnostic.at:
        lines += _excerpt(diagnostic.at)
    lines += [f"   = why: {one_line(diagnostic.why)}"] if diagnostic.why else []
    lines += [f"   = help: {one_line(diagnostic.help)}"] if diagnostic.help else []
    return "\n".join(lines) + "\n"


def _excerpt(at: Location) -> list[str]:
    lines = [f"  --> {_place(at)}"]
    if at.text.strip():
        start = max(0, at.column - 1 - WIDEST_SOURCE_LINE // 2)
        shown = at.text[start : start + WIDEST_SOURCE_LINE]
        before = one_line(shown[: at.column - 1 - start])
        width = max(1, min((at.end_column or at.column + 1) - at.column, len(shown) - len(before)))
        margin = " " * len(str(at.line))
        lines += [f"{at.line} | {one_line(shown)}", f"{margin} | {' ' * len(before)}{'^' * width}"]
    return lines


def _place(at: Location) -> str:
    return f"{one_line(at.file)}:{at.line}:{at.column}"
