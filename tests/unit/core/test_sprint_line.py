"""The line of the sprint action in a milestone's machine block."""

from __future__ import annotations

from datetime import date

import pytest
from milepost.core.cadence import Sprint
from milepost.core.sprint_line import SprintLine, find_line, line_of, read_sprint_line

WHOLE = SprintLine(
    cadence="团队-a",
    number=12,
    start=date(2027, 1, 4),
    due=date(2027, 1, 17),
    environment="prod",
    frozen=date(2027, 1, 18),
    counts=(12, 3, 1, 10, 0, 4),
    points="13/21",
    record="https://github.com/octo/widgets/blob/milepost-data/sprints/a/12/closed.json",
    has_then=True,
)


def described(line: str) -> str:
    """A description with that line."""
    return f"Our goal.\n\n```milepost\nsync key=x\n{line}\n```"


@pytest.mark.parametrize(
    "line", [WHOLE, line_of(Sprint(cadence="s", number=0, start=date.min, due=date(2027, 1, 4), title=""))]
)
def test_what_is_written_is_read(line: SprintLine) -> None:
    """Every member, beside the lines of other actions."""
    assert line == read_sprint_line(described(f"sprint {line.render()}"))
    assert line.render() == find_line(described(f"sprint {line.render()}"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "sprint",
        "sprint key=s start=2027-01-04 due=2027-01-17",
        "sprint key=s/x start=2027-01-04 due=2027-01-17",
        "sprint key=s/1 start=2027-01-04",
        "sprint key=s/1 start=2027-13-40 due=2027-01-17",
        "sprint key=s/1 start=20270104 due=2027-01-17",
        "sprint key=s/1 start=2027-01-18 due=2027-01-17",
        "sprint key=s/1 start=2027-01-04 due=9999-12-31",
        "sprint key=s/1234567890 start=2027-01-04 due=2027-01-17",
    ],
)
def test_a_line_that_does_not_say_which_sprint_is_none(line: str) -> None:
    """Nor is a description without a block."""
    assert read_sprint_line(described(line)) is None
    assert read_sprint_line("Our goal.") is None
    assert find_line("Our goal.") is None


def test_counts_count_only_together() -> None:
    """Somebody may have written into the line."""
    line = "sprint key=s/1 start=2027-01-04 due=2027-01-17 frozen=2027-01-18 planned=3 added=many"
    found = read_sprint_line(described(line))

    assert found is not None
    assert (date(2027, 1, 18), ()) == (found.frozen, found.counts)
