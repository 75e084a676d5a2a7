"""How fast GitHub may be written to: windows of time, when the next write fits, how long a plan takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Pace:
    """Most writes per window of seconds; all of them hold at once."""

    windows: tuple[tuple[int, float], ...]


# GitHub's documented best practice and secondary limits: one write a second, about 80 content-creating
# requests a minute and 500 an hour (docs.github.com, rate limits for the REST API).
DEFAULT_PACE = Pace(((1, 1.0), (80, 60.0), (500, 3600.0)))


def parse_pace(text: str) -> Pace | None:
    """`1/s 80/min 500/h` as windows; None when it is not of that form."""
    windows = []
    for word in text.replace(",", " ").split():
        found = re.fullmatch(r"([1-9][0-9]{0,5})/(s|min|h)", word)
        if found is None:
            return None
        windows.append((int(found[1]), UNITS[found[2]]))
    return Pace(tuple(windows)) if windows else None


def next_write(pace: Pace, written: Sequence[float], now: float) -> float:
    """The earliest time, not before now, at which one more write keeps every window."""
    earliest = now
    for most, seconds in pace.windows:
        if len(written) >= most:
            earliest = max(earliest, written[-most] + seconds)
    return earliest


def forecast_seconds(pace: Pace, writes: int) -> float:
    """How long that many writes take when no limit was used before."""
    written: list[float] = []
    for _ in range(writes):
        written.append(next_write(pace, written, written[-1] if written else 0.0))
    return written[-1] if written else 0.0


def say_duration(seconds: float) -> str:
    """`4 seconds`, `6 minutes`, `2 hours`: rounded up below an hour and a half, to the nearest hour above."""
    if seconds < 90:
        return _say(max(1, -int(-seconds // 1)), "second")
    if seconds < 90 * 60:
        return _say(-int(-seconds // 60), "minute")
    return _say(round(seconds / 3600), "hour")


def _say(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
