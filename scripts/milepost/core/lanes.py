"""Ten thousand small whole numbers in one large one: added, masked and compared all at once.

Python adds two such numbers within microseconds; a loop over ten thousand takes a thousand times as long.
A lane is one of the small numbers; it stays below half of what its bits could hold, so that its top bit is free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

LANES = 10_000
WIDTH = 24
TOP = WIDTH - 1
ONES = ((1 << (WIDTH * LANES)) - 1) // ((1 << WIDTH) - 1)
TOPS = ONES << TOP
CHANCES = 1 << 16

# Gives that many random bits.
Bits = Callable[[int], int]


def at_least(lanes: int, number: int) -> int:
    """The top bit of every lane that holds the number or more."""
    return ((lanes | TOPS) - ONES * number) & TOPS if number > 0 else TOPS


def fill(tops: int) -> int:
    """Every lane whose top bit is set, with all its bits set."""
    return (tops << 1) - (tops >> TOP)


def choose(weights: Sequence[float], bits: Bits) -> list[int]:
    """For each weight the top bits of the lanes that drew it; every lane draws one."""
    drawn = bits(LANES * WIDTH) & (ONES * (CHANCES - 1))
    total = sum(weights)
    edges = [TOPS, *(at_least(drawn, round(CHANCES * part / total)) for part in accumulate(weights))]
    return [before ^ after for before, after in pairwise(edges)]


def spread(masks: Sequence[int], numbers: Sequence[int]) -> int:
    """The lanes that hold the number that they drew."""
    return sum((mask >> TOP) * number for mask, number in zip(masks, numbers, strict=True))
