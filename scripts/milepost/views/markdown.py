"""Untrusted text as Markdown that shows exactly that text: no markup, link, mention or HTML."""

from __future__ import annotations

import re

from milepost.views.plain import one_line

SPECIAL = frozenset("\\`*_{}[]<>()+.!|~&$^=:-")


def code(text: str) -> str:
    """The text as a code span, in which GitHub resolves neither mentions nor references."""
    shown = one_line(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def cell(text: str) -> str:
    """The text as a code span that may stand in a table."""
    return code(text).replace("|", "\\|")


def prose(text: str) -> str:
    """Our own sentence with foreign words in it: every character that could mean something is inert."""
    return "".join(_inert(character) for character in one_line(text))


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table of cells that are already Markdown; nothing when there are no rows."""
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _inert(character: str) -> str:
    # An entity stops Markdown; only something between stops GitHub's look for mentions and references,
    # which comes after entities are decoded.
    if character in "@#":
        return f"{character}<!-- -->"
    return f"&#{ord(character)};" if character in SPECIAL else character
