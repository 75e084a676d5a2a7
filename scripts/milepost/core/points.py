"""Points: the size that a label gives an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

PLACEHOLDER = "{points}"


def read_points(pattern: str, labels: Iterable[str]) -> Decimal | None:
    """The number in the first label that fits the pattern, without case; None when none does."""
    before, _, after = pattern.casefold().partition(PLACEHOLDER)
    shape = re.compile(f"{re.escape(before)}([0-9]{{1,6}}(?:\\.[0-9]{{1,3}})?){re.escape(after)}")
    found = (shape.fullmatch(each.casefold()) for each in labels)
    return next((Decimal(each[1]) for each in found if each), None)
