"""Who is who: the key of a planned issue, the marker that carries it, the block in a milestone."""

from __future__ import annotations

import re
import unicodedata

KEY = re.compile(r"[^\W_](?:[\w./+-]*\w)?")
MAX_KEY_LENGTH = 600


def slug(text: str) -> str:
    """The text as lower-case words joined by single hyphens; letters of every script stay."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold().replace("_", " "))
    return "-".join(words)


def issue_key(milestone: str | None, title: str) -> str:
    """The key that an issue has when the plan file gives none: its milestone and its title."""
    parts = [slug(milestone)] if milestone else []
    return "/".join([*parts, slug(title)])
