"""Mermaid charts, which GitHub draws: a roadmap, and burn-up charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from milepost.core.course import MOST_WEEKS, WEEK
from milepost.core.progress import Progress, Verdict
from milepost.views.plain import full_width, shortened
from milepost.views.words import Words

MOST_ROWS = 20
MOST_CHARTS = 4
MOST_TITLE = 24
# Mermaid's own sizes are those of a whole page, and its bars are too pale to be seen.
ROADMAP = ("---", "config:", "  gantt:", "    leftPadding: 200", "---")
BURN_UP = (
    "---",
    "config:",
    "  xyChart:",
    "    width: 640",
    "    height: 240",
    "  themeVariables:",
    "    xyChart:",
    '      plotColorPalette: "#54aeff, #cf222e"',
    "---",
)


def render_roadmap(found: Sequence[Progress], words: Words, *, today: date) -> str:
    """A Gantt chart: for each milestone that is due some day what was planned, and until when it is likely to take."""
    rows = [line for each in found[:MOST_ROWS] for line in _rows(each, words, today)]
    if not rows:
        return ""
    head = [
        *ROADMAP,
        "gantt",
        "    dateFormat YYYY-MM-DD",
        "    axisFormat %m-%d",
        "    inclusiveEndDates",
        "    todayMarker off",
    ]
    return _fenced([*head, *rows])


def render_burn_up(each: Progress, words: Words, *, today: date) -> str:
    """The scope as a line above bars of what was completed, week by week; nothing for less than two weeks."""
    days = _weekly(each, today)
    counts = [each.course.at(day) for day in days]
    if len(days) < 2:
        return ""
    most = max(count.scope for count in counts) or 1
    labels = ", ".join(f'"{day:%m-%d}"' for day in days)
    lines = [
        *BURN_UP,
        "xychart-beta",
        f"    x-axis [{labels}]",
        f'    y-axis "{words.issues}" 0 --> {most}',
        f"    bar [{', '.join(str(count.completed) for count in counts)}]",
        f"    line [{', '.join(str(count.scope) for count in counts)}]",
    ]
    return _fenced(lines)


def _rows(each: Progress, words: Words, today: date) -> list[str]:
    track = each.track
    start = track.start or each.course.began or track.created
    bars = []
    if track.due and start <= track.due:
        mark = "done, " if each.verdict is Verdict.DONE else ""
        bars.append(f"    {words.planned} : {mark}{start}, {track.due}")
    if each.p85:
        begin = max(today, start) if track.cadence else today
        is_late = track.due is not None and each.p85 > track.due
        bars.append(f"    {words.forecast} : {'crit' if is_late else 'active'}, {begin}, {each.p85}")
    return (
        [f"    section {full_width(shortened(track.title, MOST_TITLE)).strip() or words.none}", *bars] if bars else []
    )


def _weekly(each: Progress, today: date) -> list[date]:
    """Today and the same day of the weeks before, from when there was anything in scope."""
    began = each.course.began
    if began is None:
        return []
    days = [today - WEEK * turn for turn in reversed(range(MOST_WEEKS + 1))]
    shown = [day for day in days if day >= began]
    return shown if len(shown) > 1 or began == today else [began, today]


def _fenced(lines: Sequence[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])
