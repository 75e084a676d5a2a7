"""What became of a release: for a terminal and a job summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milepost.core.release import Item
from milepost.views.markdown import cell, code, prose, table
from milepost.views.plain import one_line, quoted, shortened

MOST_STRAGGLERS = 50


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A release for people: `is_released` says that it is public, `proof` that an environment was verified, and where."""

    milestone: str
    tag: str
    commit: str
    branch: str
    is_prerelease: bool
    is_released: bool
    url: str = ""
    proof: tuple[str, str] | None = None
    stragglers: Sequence[Item] = ()
    items: int | None = None
    notes: str = ""
    homeless: str = ""


def render_release_text(sheet: Sheet) -> str:
    """The facts, a line each."""
    lines = [f"{name:12}{one_line(value)}" for name, value in _facts(sheet)]
    lines += [f"  open: #{each.number} {shortened(each.title)}" for each in sheet.stragglers[:MOST_STRAGGLERS]]
    return "\n".join(lines)


def render_release_markdown(sheet: Sheet) -> str:
    """The facts as a table, what is still open, and the notes as they are, or will be."""
    rows = [(name, cell(value)) for name, value in _facts(sheet)]
    parts = [table(("", "release"), rows)]
    if sheet.stragglers:
        lines = [f"- #{each.number} {prose(each.title)}" for each in sheet.stragglers[:MOST_STRAGGLERS]]
        rest = len(sheet.stragglers) - MOST_STRAGGLERS
        lines += [f"- and {rest:,} more"] if rest > 0 else []
        parts += [f"**Still open: {len(sheet.stragglers):,}**", "\n".join(lines)]
    if sheet.homeless:
        parts.append(sheet.homeless)
    if sheet.notes:
        parts.append(f"<details><summary>Notes</summary>\n\n{sheet.notes}\n\n</details>")
    if sheet.is_released:
        parts.append(f"What it takes to have it again: {code(f'milepost reproduce {sheet.tag}')}")
    return "\n\n".join(parts) + "\n"


def _facts(sheet: Sheet) -> list[tuple[str, str]]:
    environment = f"{sheet.proof[0]}, verified by {sheet.proof[1]}" if sheet.proof else ""
    facts = [
        ("milestone", quoted(sheet.milestone)),
        ("tag", f"{sheet.tag} (pre-release)" if sheet.is_prerelease else sheet.tag),
        ("commit", f"{sheet.commit} of {sheet.branch}" if sheet.commit else ""),
        ("environment", environment),
        ("items", "" if sheet.items is None else f"{sheet.items:,} issues and pull requests"),
        ("page", sheet.url),
    ]
    return [(name, value) for name, value in facts if value]
