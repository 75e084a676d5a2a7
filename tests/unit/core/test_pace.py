"""How fast may be written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.pace import DEFAULT_PACE, Pace, forecast_seconds, next_write, parse_pace, say_duration


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("1/s 80/min 500/h", DEFAULT_PACE),
        ("5/s", Pace(((5, 1.0),))),
        ("5/s, 7/h", Pace(((5, 1.0), (7, 3600.0)))),
        ("", None),
        ("fast", None),
        ("0/s", None),
        ("1/day", None),
        ("-1/s", None),
    ],
)
def test_a_pace_is_windows_or_nothing(text: str, pace: Pace | None) -> None:
    """Only the documented form is read."""
    assert pace == parse_pace(text)


@given(gaps=st.lists(st.floats(0, 30), min_size=1, max_size=700))
def test_no_window_ever_holds_more_than_it_may(gaps: list[float]) -> None:
    """However the writes come, each window of the default pace is kept."""
    now, written = 0.0, []
    for gap in gaps:
        now = next_write(DEFAULT_PACE, written, now + gap)
        written.append(now)
    for most, seconds in DEFAULT_PACE.windows:
        for index in range(most, len(written)):
            assert written[index] - written[index - most] >= seconds - 1e-6


@pytest.mark.parametrize(
    ("writes", "said"),
    [(0, "1 second"), (1, "1 second"), (9, "8 seconds"), (312, "6 minutes"), (500, "9 minutes"), (1_100, "2 hours")],
)
def test_a_forecast_is_said_as_people_say_it(writes: int, said: str) -> None:
    """Seconds, then minutes rounded up, then hours."""
    assert said == say_duration(forecast_seconds(DEFAULT_PACE, writes))
