"""Untrusted text as Markdown that shows exactly that text: no markup, link, mention or HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence

from milepost.views.plain import one_line

ROOM_FOR_NOTE = 400
# `GH-12` refers to an issue; its hyphen is an entity by then.
AUTOLINK = re.compile(r"\b(GH)(?=&#45;[0-9])", re.IGNORECASE)
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
    inert = "".join(_inert(character) for character in one_line(text))
    return AUTOLINK.sub(r"\1<!-- -->", inert)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table of cells that are already Markdown; nothing when there are no rows."""
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cut(markdown: str, most_bytes: int) -> str:
    """The Markdown, or as many whole lines of it as fit, with a note that says so."""
    data = markdown.encode("utf-8")
    if len(data) <= most_bytes:
        return markdown
    kept = data[: max(0, most_bytes - ROOM_FOR_NOTE)].rpartition(b"\n")[0].decode("utf-8", "ignore")
    missing = markdown.count("\n") - kept.count("\n")
    return f"{kept}\n\n**Cut here: {missing:,} more lines do not fit here; the log has them.**\n"


def _inert(character: str) -> str:
    # An entity stops Markdown; only something between stops GitHub's look for mentions and references,
    # which comes after entities are decoded.
    if character in "@#":
        return f"{character}<!-- -->"
    return f"&#{ord(character)};" if character in SPECIAL else character
