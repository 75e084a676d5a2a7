"""The sprints of a day as a table, for a terminal and as Markdown, and how the ended ones went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from milepost.core.records import Record, say_points
from milepost.core.roster import Roster, Standing
from milepost.core.sprint_line import COUNTS
from milepost.core.sprints import Ending
from milepost.views.markdown import cell, prose, table
from milepost.views.plain import shortened

MOST_PAST = 3
HEAD = ("sprint", "from", "to", "", "open", *COUNTS)


@dataclass(frozen=True, kw_only=True)
class Board:
    """What a table of sprints is made of; `opened` and `closed` are titles that this run opens or closes.

    With `is_done` it has done so, else it only says that it would.
    """

    rosters: tuple[Roster, ...]
    endings: tuple[Ending, ...]
    today: date
    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    is_done: bool = True

    @property
    def opens(self) -> str:
        return "opened now" if self.is_done else "to open"

    @property
    def closes(self) -> str:
        return "closed now" if self.is_done else "to close"


def render_sprints_text(board: Board) -> str:
    """A line for each sprint that matters on the day: title, dates, state, counts."""
    rows = [[shortened(title, 40), *rest] for title, *rest in _rows(board)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    lines = []
    for row in rows:
        counts = ", ".join(
            f"{number} {name}" for name, number in zip(COUNTS, row[5:], strict=True) if number not in ("", "0")
        )
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        lines.append("  ".join(["", *cells, counts]).rstrip())
    return "\n".join(lines)


def render_sprints_markdown(board: Board) -> str:
    """The same as a table."""
    return table(HEAD, [(cell(shortened(title, 80)), *rest) for title, *rest in _rows(board)])


def render_endings_markdown(endings: Iterable[Ending]) -> str:
    """How each ended sprint went, in words that can stand in a team's notes; folded."""
    return "\n".join(_ending(each) for each in endings)


def _rows(board: Board) -> Iterator[tuple[str, ...]]:
    ended = {each.standing.sprint.key: each.record for each in board.endings}
    for roster in board.rosters:
        past = [each for each in roster.past if each.sprint.key in ended]
        past += [each for each in roster.past[-MOST_PAST:] if each not in past]
        for each in (*sorted(past, key=lambda standing: standing.sprint.start), *roster.wanted, *roster.later):
            yield _row(each, ended.get(each.sprint.key), board)


def _row(standing: Standing, record: Record | None, board: Board) -> tuple[str, ...]:
    sprint, live = standing.sprint, standing.milestone
    counts = record.counts if record else standing.line.counts if standing.line else ()
    shown = [str(each) for each in counts] or [""] * len(COUNTS)
    open_items = str(live.open_items) if live else ""
    return (standing.title, str(sprint.start), str(sprint.due), _state(standing, board), open_items, *shown)


def _state(standing: Standing, board: Board) -> str:
    sprint, today, live = standing.sprint, board.today, standing.milestone
    if standing.title in board.closed:
        return f"over, {board.closes}"
    if sprint.is_past(today):
        return "over, open" if live and live.state.value == "open" else "closed"
    days = (sprint.due - today).days + 1
    state = f"running, {days} days left" if days > 1 else "running, last day"
    if sprint.start > today:
        state = "to come"
    if live and live.state.value == "closed":
        state = "closed by hand"
    return f"{state}, {board.opens}" if standing.title in board.opened else state


def _ending(ending: Ending) -> str:
    record = ending.record
    parts = (
        record.planned.numbers,
        record.added,
        record.removed,
        [number for number, _ in record.completed],
        record.dropped,
        [each.number for each in record.carried],
    )
    rows = [
        (name, str(len(numbers)), ", ".join(f"#{number}" for number in numbers))
        for name, numbers in zip(COUNTS, parts, strict=True)
    ]
    notes = ["The planned set was rebuilt from GitHub's events."] if record.planned.is_reconstructed else []
    points = say_points(record)
    notes += [f"Points: {points} completed of planned."] if points else []
    title = prose(shortened(ending.standing.title, 80))
    body = "\n\n".join([table(("", "issues", ""), rows), *notes])
    return f"<details><summary>How {title} ended</summary>\n\n{body}\n</details>\n"
