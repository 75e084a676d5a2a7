"""The part of the demo that tells how a milestone goes: six weeks of work, and the report of every Monday."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from demo_command import run_command

REPOSITORY = "octo/models"
PLAN = """\
version: 1
history: branch
progress: {report: true, remind: [28d, 7d, due]}
"""
FIRST = date(2027, 2, 15)
WEEKS = 6
SEED: dict[str, Any] = {
    "full_name": REPOSITORY,
    "collaborators": {"octocat": "admin"},
    "milestones": [
        {"title": "v3.0", "due_on": "2027-04-26T12:00:00Z"},
        {"title": "v3.1", "due_on": "2027-05-31T12:00:00Z"},
    ],
    "issues": [
        {"title": "Layer {n}", "milestone": 1, "assignees": ["octocat"], "repeat": 26},
        {"title": "Export {n}", "milestone": 2, "repeat": 6},
    ],
}
# How many issues are closed on the days of each week, and how many new ones come on its Wednesday.
CLOSED = ((1, 0, 1, 1, 0), (1, 1, 0, 1, 1), (0, 1, 1, 0, 1), (1, 1, 1, 0, 1), (1, 0, 1, 1, 0), (1, 1, 0, 1, 1))
NEW = (1, 0, 2, 0, 1, 0)
Request = Callable[[str, str, dict[str, Any]], None]


def tell_progress(folder: Path, github: Any, request: Request) -> list[dict[str, Any]]:
    """Six weeks have passed; the value is the report of each Monday, and the last one is printed."""
    (folder / "milepost.yml").write_text(PLAN, encoding="utf-8")
    outcomes = [_report(folder, github, FIRST)]
    closed = 0
    for week in range(WEEKS):
        monday = FIRST + timedelta(weeks=week)
        for day, number in enumerate(CLOSED[week]):
            _go_to(github, monday + timedelta(days=day), hour=12)
            for _ in range(number):
                closed += 1
                request("PATCH", f"/issues/{closed}", {"state": "closed"})
            for turn in range(NEW[week] if day == 2 else 0):
                request("POST", "/issues", {"title": f"Found in week {week + 1} ({turn + 1})", "milestone": 1})
        outcomes.append(_report(folder, github, monday + timedelta(weeks=1)))
    text = _run(folder, github.url, FIRST + timedelta(weeks=WEEKS), "text")
    print("\n".join(f"      {line}" for line in text.splitlines()))
    return outcomes


def _report(folder: Path, github: Any, day: date) -> dict[str, Any]:
    """The report of a morning, as on the command line, with a line for whoever watches."""
    _go_to(github, day, hour=6)
    report: dict[str, Any] = json.loads(_run(folder, github.url, day, "json"))["progress"]
    (found,) = [each for each in report["milestones"] if each["number"] == 1]
    print(f"    {day}: {found['completed']} of {found['scope']}, {found['verdict']}. {found['sentence']}")
    return report


def _go_to(github: Any, day: date, *, hour: int) -> None:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc)
    github.clock.advance(max(0.0, (moment - github.clock.now()).total_seconds()))


def _run(folder: Path, url: str, day: date, form: str) -> str:
    arguments = ["progress", "--write", "true", "--today", str(day), "--plan", "milepost.yml"]
    return run_command(folder, [*arguments, "--repository", REPOSITORY, "--api-url", url, "--format", form])
