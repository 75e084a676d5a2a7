"""The part of the demo that takes six weeks: sprints open, work is carried over, and records are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from demo_command import run_command

REPOSITORY = "octo/sprints"
PLAN = """\
version: 1
history: branch
size-labels: size/{points}
sprints:
  - title: "Sprint {number}"
    anchor: {number: 1, start: 2027-01-04}
    length: 2 weeks
    keep: 1
    carry-over: {rules: [{label: backlog, to: backlog}], alert-after: 2}
"""
SEED: dict[str, Any] = {
    "full_name": REPOSITORY,
    "collaborators": {"octocat": "admin"},
    "labels": [{"name": name} for name in ("backlog", "size/2", "size/3", "size/5")],
}
# What the team does on each day before the daily run, as requests of octocat.
DAYS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "2027-01-02": [],
    "2027-01-04": [
        ("POST", "/issues", {"title": "Mixed precision", "milestone": 1, "labels": ["size/5"]}),
        ("POST", "/issues", {"title": "Loader leak", "milestone": 1, "labels": ["size/3"]}),
        ("POST", "/issues", {"title": "Nicer logs", "milestone": 1, "labels": ["size/2", "backlog"]}),
    ],
    "2027-01-18": [("PATCH", "/issues/2", {"state": "closed"})],
    "2027-02-01": [("POST", "/issues", {"title": "Found late", "milestone": 2, "labels": ["size/2"]})],
    "2027-02-15": [("PATCH", "/issues/1", {"state": "closed"}), ("PATCH", "/issues/4", {"state": "closed"})],
}
Request = Callable[[str, str, dict[str, Any]], None]


def tell_six_weeks(folder: Path, github: Any, request: Request) -> dict[str, Any]:
    """Six weeks have passed, with a run on each of these days; the value is the record of each sprint that ended, by its title."""
    (folder / "milepost.yml").write_text(PLAN, encoding="utf-8")
    records: dict[str, Any] = {}
    for day, work in DAYS.items():
        morning = datetime.fromisoformat(f"{day}T06:00:00").replace(tzinfo=timezone.utc)
        github.clock.advance(max(0.0, (morning - github.clock.now()).total_seconds()))
        for each in work:
            request(*each)
        outcome = _run(folder, github.url, day)
        print(f"    {day}")
        print("\n".join(f"      {line}" for line in str(outcome["text"]).splitlines()))
        records |= {each["title"]: each for each in outcome["records"]}
    return records


def print_records(records: dict[str, Any]) -> None:
    """A line for each sprint that ended, from its record."""
    names = ("planned", "added", "removed", "completed", "carried")
    print(f"    {'record':10}" + "".join(name.rjust(11) for name in (*names, "points")))
    for title, record in records.items():
        points = f"{record['points'].get('completed', 0)}/{record['points'].get('planned', 0)}"
        counts = [str(len(record[name])) for name in names]
        print(f"    {title:10}" + "".join(text.rjust(11) for text in (*counts, points)))


def _run(folder: Path, url: str, day: str) -> dict[str, Any]:
    """The daily run, as on the command line."""
    arguments = ["sprint", "--mode", "apply", "--today", day, "--plan", "milepost.yml", "--pace", "50/s"]
    arguments += ["--repository", REPOSITORY, "--api-url", url, "--format", "json"]
    outcome: dict[str, Any] = json.loads(run_command(folder, arguments))
    return outcome
