"""The part of the demo in which a milestone closes and becomes a release, and somebody wants that release again."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo_command import run_command

MILESTONE = "v2.9-alpha"
BRANCH = f"release/{MILESTONE}"
SECTION = "release: {milestones: v*}\n"
WORKFLOW = """\
name: release
on: {milestone: {types: [closed]}}
jobs:
  release:
    runs-on: ubuntu-latest
    permissions: {contents: write, issues: write, pull-requests: write, actions: write, checks: read, statuses: read}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - uses: milepost/milepost/actions/release@v1
"""
Request = Callable[[str, str, dict[str, Any]], None]


def finish_milestone(plan: Path, state: dict[str, Any], request: Request) -> dict[str, Any]:
    """The plan on the milestone's branch asks for releases, what was planned is done, and the milestone is closed; the value is the event."""
    plan.write_text(plan.read_text(encoding="utf-8") + SECTION, encoding="utf-8")
    content = base64.b64encode(plan.read_bytes()).decode()
    body = {"message": "Release v*", "content": content, "branch": BRANCH}
    request("PUT", "/contents/.github/milepost.yml", body)
    (number,) = [each["number"] for each in state["milestones"] if each["title"] == MILESTONE]
    for each in state["issues"]:
        if each["milestone"] == MILESTONE:
            request("PATCH", f"/issues/{each['number']}", {"state": "closed"})
    request("PATCH", f"/milestones/{number}", {"state": "closed"})
    return {"action": "closed", "milestone": {"number": number, "title": MILESTONE}, "sender": {"login": "octocat"}}


def reproduce(folder: Path, url: str, repository: str) -> str:
    """What `reproduce` prints for the release."""
    return run_command(folder, ["reproduce", MILESTONE, "--repository", repository, "--api-url", url])
