"""When the remaining issues will be completed: ten thousand runs, each of which lives through past weeks again.

A run copies whole past weeks, so that throughput and scope growth go together as they did.
Resampling all past weeks alike is too sure of itself: its 85 % date held in 74 to 82 % of generated projects.
So each run first draws which past weeks it takes as typical, five at most and newer ones more often,
and then lives through those only: the runs disagree as much as a short history leaves room for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from milepost.core.lanes import LANES, ONES, TOPS, Bits, choose, fill, spread

RUNS = LANES
P50, P85 = 50, 85
DAYS = 7
# What is further away is told as such.
MOST_WEEKS = 104
# A week counts half as often as one six weeks later.
HALF_LIFE = 6
MOST_TYPICAL = 5


@dataclass(frozen=True, kw_only=True)
class Week:
    """A past week: issues completed, and issues by which the scope grew."""

    completed: int
    growth: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is to be forecast: issues that remain, past weeks from old to new, days until it is due."""

    remaining: int
    weeks: tuple[Week, ...]
    due_in: int | None = None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """How many of the runs have finished at the end of each simulated week; the first week begins today."""

    finished: tuple[int, ...]

    def days(self, percent: int) -> int | None:
        """Days from today until that share of the runs has finished; None when it is beyond the last week."""
        wanted, before = RUNS * percent / 100, 0
        for week, after in enumerate(self.finished):
            if after >= wanted:
                into = (wanted - before) / (after - before)
                return week * DAYS + max(1, -int(-into * DAYS // 1)) - 1
            before = after
        return None

    def chance(self, days: int) -> float:
        """The share of the runs that has finished at the end of the day, that many days from today."""
        if days < 0:
            return 0.0
        week, into = divmod(days + 1, DAYS)
        known = (0, *self.finished)
        if week + 1 >= len(known):
            return known[-1] / RUNS
        return (known[week] + (known[week + 1] - known[week]) * into / DAYS) / RUNS


def forecast(cases: Sequence[Case], seeded: Callable[[int], Bits]) -> tuple[Forecast, ...]:
    """A forecast for each case, which does not depend on the other cases.

    `seeded` gives the random bits for a seed; cases with equally many past weeks share their draws.
    """
    walks = [_Walk(each) for each in cases]
    for length in sorted({len(each.weeks) for each in cases}):
        _walk([each for each in walks if len(each.case.weeks) == length], length, seeded(length))
    return tuple(Forecast(finished=tuple(each.finished)) for each in walks)


def _walk(walks: list[_Walk], length: int, bits: Bits) -> None:
    weights = [0.5 ** (age / HALF_LIFE) for age in reversed(range(length))]
    typical = min(length, MOST_TYPICAL)
    drawn = [choose(weights, bits) for _ in range(typical)]
    for each in walks:
        each.believe(drawn)
    for chosen in _draw_weeks(typical, bits):
        going = [each for each in walks if not each.is_over]
        if not going:
            return
        for each in going:
            each.step(chosen)


def _draw_weeks(typical: int, bits: Bits) -> Iterator[list[int]]:
    """For each week to come, which of its typical weeks every run lives through."""
    for _ in range(MOST_WEEKS):
        yield [fill(mask) for mask in choose([1] * typical, bits)]


class _Walk:
    """All runs of one case, side by side: a lane's top bit shows when nothing remains."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.finished: list[int] = []
        self._steps = [each.completed - each.growth for each in case.weeks]
        self._worst = min(self._steps)
        self._typical: list[int] = []
        self._level = TOPS - ONES * case.remaining
        self._reached = 0

    @property
    def is_over(self) -> bool:
        finished = self.finished[-1] if self.finished else 0
        is_due = len(self.finished) * DAYS > (self.case.due_in or 0)
        return finished == RUNS or (is_due and finished >= RUNS * P85 // 100)

    def believe(self, drawn: list[list[int]]) -> None:
        """Each run knows its typical weeks, as what they are better than the worst one: a lane holds no minus."""
        above = [each - self._worst for each in self._steps]
        self._typical = [spread(masks, above) for masks in drawn]

    def step(self, chosen: list[int]) -> None:
        """Each run has lived through one more week."""
        self._level += ONES * self._worst
        for lanes, mask in zip(self._typical, chosen, strict=True):
            self._level += lanes & mask
        self._reached |= self._level & TOPS
        self.finished.append(self._reached.bit_count())
