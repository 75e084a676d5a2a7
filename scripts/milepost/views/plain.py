"""Untrusted text in a log: one line, no terminal control, no workflow command."""

from __future__ import annotations

import re
import unicodedata

# Control, format (bidirectional overrides among them), surrogate, line and paragraph separators.
HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Signs of ASCII have a full-width twin this far away; these stay as they are.
TO_FULL_WIDTH = 0xFEE0
MEANINGLESS = frozenset("-_.,/()+")
COMMAND = re.compile(r"^(\s*):(?=:)")


def one_line(text: str) -> str:
    """The text with everything invisible spelled out, and with nothing in it that the runner reads as a command.

    That is `##[` anywhere, and `::` where a line begins, whatever blanks stand before it.
    """
    shown = "".join(_visible(character) for character in text)
    return COMMAND.sub(r"\1\\u003a", shown).replace("##[", "#\\u0023[")


def quoted(text: str) -> str:
    """The text in double quotes, as messages name things."""
    return f'"{one_line(text)}"'


def shortened(text: str, most: int = 60) -> str:
    """The text on one line, cut in the end when it is long."""
    shown = one_line(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def counted(number: int, noun: str) -> str:
    """`1 write`, `1,100 writes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def full_width(text: str) -> str:
    """The text with every sign that could mean something to Mermaid or a messenger made one that looks like it."""
    return "".join(_full_width(character) for character in one_line(text))


def _full_width(character: str) -> str:
    is_sign = "!" <= character <= "~" and not character.isalnum() and character not in MEANINGLESS
    return chr(ord(character) + TO_FULL_WIDTH) if is_sign else character


def _visible(character: str) -> str:
    if character == "\n":
        return "\\n"
    if character == "\t":
        return " "
    if unicodedata.category(character) in HIDDEN_CATEGORIES and character != "\u200d":
        return f"\\u{ord(character):04x}"
    return character
