"""The title of the milestone that follows a released one: `v{major}.{minor+1}.0`."""

from __future__ import annotations

import re

NAMES = ("major", "minor", "patch")
FIELD = re.compile(r"\{(major|minor|patch)(?:\+([0-9]{1,4}))?\}")
BRACES = re.compile(r"[{}]")


def is_next_pattern(pattern: str) -> bool:
    """True when the pattern raises at least one number, and holds no other braces."""
    is_raising = any(int(found[2] or 0) for found in FIELD.finditer(pattern))
    return is_raising and not BRACES.search(FIELD.sub("", pattern))


def next_title(pattern: str, numbers: tuple[int, int, int]) -> str:
    """The pattern with the version's numbers in it, each raised by what is added to it."""
    present = dict(zip(NAMES, numbers, strict=True))
    return FIELD.sub(lambda found: str(present[found[1]] + int(found[2] or 0)), pattern)
