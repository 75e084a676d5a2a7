"""Calendar days of a plan: written out, or counted from another day. Never from today."""

from __future__ import annotations

import re
from datetime import date, timedelta

DAYS = {"d": 1, "w": 7}


def read_day(text: str) -> tuple[date | None, str]:
    """The day, or the reason why the text is none."""
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    if found is None:
        return None, "is not a day; write YYYY-MM-DD"
    year, month, day = (int(part) for part in found.groups())
    if not 1 <= month <= 12:
        return None, f"has no such month: {month:02} is not between 01 and 12"
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, f"is not in the calendar: month {month:02} of {year:04} has no day {day:02}"


def read_distance(text: str) -> int | None:
    """The days of `+10d` or `+2w`; None when the text is not of that form."""
    found = re.fullmatch(r"\+([0-9]{1,4})([dw])", text)
    return int(found[1]) * DAYS[found[2]] if found else None


def read_length(text: str) -> int | None:
    """The days of `2 weeks`, `10 days` or `2w`; None when the text is not of that form."""
    found = re.fullmatch(r"([0-9]{1,4}) ?(d|w|days?|weeks?)", text)
    return int(found[1]) * DAYS[found[2][0]] if found else None


def add_days(day: date, days: int) -> date | None:
    """The day that many days later; None when the calendar ends before it."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None
