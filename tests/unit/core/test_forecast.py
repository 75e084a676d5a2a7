"""Ten thousand runs through past weeks."""

from __future__ import annotations

import time
from random import Random

from milepost.core.forecast import MOST_WEEKS, P50, P85, RUNS, Case, Forecast, Week, forecast
from milepost.core.lanes import LANES, TOP, choose, spread

STEADY = tuple(Week(completed=7) for _ in range(8))


def bits(seed: int = 1) -> Random:
    """A generator whose draws are the same each time."""
    return Random(seed)


def make(*cases: Case) -> tuple[Forecast, ...]:
    """The forecasts, with the same draws each time."""
    return forecast(cases, lambda seed: bits(seed).getrandbits)


def test_weeks_that_are_all_alike_leave_no_doubt() -> None:
    """Fourteen issues at seven a week take two weeks, today being the first day."""
    (made,) = make(Case(remaining=14, weeks=STEADY, due_in=30))

    assert (0, RUNS) == made.finished[:2]
    assert (10, 12) == (made.days(P50), made.days(P85))
    assert (0.0, 1.0, 1.0) == (made.chance(6), made.chance(13), made.chance(400))


def test_days_lie_within_the_week_that_reaches_the_share() -> None:
    """A week in which half of the runs finish has used up half its days."""
    made = Forecast(finished=(5_000, 10_000))

    assert (6, 11) == (made.days(50), made.days(85))
    assert 0 == Forecast(finished=(RUNS,)).days(1)
    assert [0.0, 0.21, 0.5, 0.71] == [round(made.chance(day), 2) for day in (-1, 2, 6, 9)]


def test_a_scope_that_grows_faster_than_it_is_completed_has_no_end() -> None:
    """No run finishes, and the walk ends after two years."""
    (made,) = make(Case(remaining=5, weeks=(Week(completed=2, growth=4),) * 3))

    assert MOST_WEEKS == len(made.finished)
    assert (None, 0.0) == (made.days(P50), made.chance(10))


def test_growth_counts_with_the_throughput_of_its_week() -> None:
    """Seven completed and two new make five."""
    (made,) = make(Case(remaining=10, weeks=(Week(completed=7, growth=2),) * 4))

    assert (0, RUNS) == made.finished


def test_the_same_input_gives_the_same_forecast_whatever_else_is_asked() -> None:
    """Cases beside it change nothing, of the same length or another."""
    case = Case(remaining=20, weeks=tuple(Week(completed=each) for each in (1, 5, 2, 0, 9)), due_in=20)
    other = Case(remaining=90, weeks=tuple(Week(completed=each) for each in (1, 2, 1, 0, 3)))

    alone = make(case)

    assert alone == make(case)
    assert alone[0] == make(other, case, Case(remaining=3, weeks=STEADY))[1]
    assert () == make()


def test_a_lane_draws_each_number_as_often_as_its_weight_says() -> None:
    """Three to one, within what chance allows; and each lane draws one."""
    masks = choose([3, 1], bits().getrandbits)

    first, second = (each.bit_count() for each in masks)
    assert LANES == first + second
    assert abs(first - 7_500) < 250
    assert 5 * second + 2 * first == sum((spread(masks, [2, 5]) >> (24 * lane)) % (1 << TOP) for lane in range(LANES))


def test_a_hundred_milestones_take_less_than_a_second() -> None:
    """Of processor time, on one core, with weeks as uneven as they come."""
    random = Random(1)
    cases = [
        Case(
            remaining=random.randint(10, 60),
            weeks=tuple(Week(completed=random.randint(0, 8), growth=random.randint(0, 1)) for _ in range(12)),
            due_in=60,
        )
        for _ in range(100)
    ]

    start = time.process_time()
    made = make(*cases)

    assert time.process_time() - start < 1
    assert 100 == len(made)
