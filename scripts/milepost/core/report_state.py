"""What the report issue remembers: on which days people were reminded and notified, and by which run.

It is written before anything is sent, so that a run that ends in between loses a message and never doubles one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from milepost.core.identity import normal

LINE = re.compile(r"^<!-- milepost:progress(?P<values>(?: [a-z]+=[\w:.+-]+)*) -->")


@dataclass(frozen=True, kw_only=True)
class ReportState:
    """The newest days, and the run that wrote them."""

    reminded: date | None = None
    notified: date | None = None
    run: str = ""


def read_state(body: str) -> ReportState:
    """The state in the first line of the body; an empty one when it is not ours."""
    found = LINE.match(normal(body))
    pairs = (each.partition("=") for each in found["values"].split()) if found else ()
    values = {name: value for name, _, value in pairs}
    return ReportState(
        reminded=_day(values.get("reminded")), notified=_day(values.get("notified")), run=values.get("run", "")
    )


def join_report(state: ReportState, text: str) -> str:
    """The body of the report issue: the state, then the report."""
    values = {"reminded": state.reminded, "notified": state.notified, "run": state.run}
    line = "".join(f" {name}={value}" for name, value in values.items() if value)
    return f"<!-- milepost:progress{line} -->\n{normal(text)}\n"


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
