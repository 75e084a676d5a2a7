"""How messages about a plan file name what somebody wrote: on one line, visible, not too long."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

LONGEST_QUOTE = 60
# Likeness is costly to judge; a word longer than this is no slip, and this many words are compared at most.
LONGEST_WORD = 120
MOST_WORDS = 700
# Control, format (overrides of the reading direction among them), surrogate, line and paragraph separators.
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Holds emoji together.
JOINER = "\u200d"


def escape(text: str) -> str:
    """The text on one line, with everything invisible spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(each) for each in text)


def quote(value: Any) -> str:
    """The offending value as messages show it: in double quotes, cut when it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = escape(text[:LONGEST_QUOTE])
    return f'"{shown}"' if len(text) <= LONGEST_QUOTE else f'"{shown}…"'


def nearest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A question that offers the nearest valid word, or the other help."""
    close = find_nearest(word, known)
    return f"did you mean {quote(close)}?" if close is not None else otherwise


def find_nearest(word: str, known: Iterable[str]) -> str | None:
    """The valid word that the other one is a slip of, if any."""
    if len(word) > LONGEST_WORD:
        return None
    words = [each for each in known if len(each) <= LONGEST_WORD]
    if len(words) > MOST_WORDS:
        words = [each for each in words if each[:1].casefold() == word[:1].casefold()][:MOST_WORDS]
    return next(iter(get_close_matches(word, words, n=1, cutoff=0.6)), None)


def name_path(path: Iterable[str | int]) -> str:
    """`milestones[2].issues[1].title`, counted from 1 as people do."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{escape(part)}" if text else escape(part)
    return f"`{text}`" if text else "the plan file"


def _visible(character: str) -> str:
    if character == "\n":
        return "\\n"
    if unicodedata.category(character) in HIDDEN and character != JOINER:
        return f"\\u{ord(character):04x}"
    return character
