"""Which action an event is for, where the workflow leaves that open."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.diagnostics import Diagnostic, Rule, Severity

NO_CHOICE = Rule("no-choice", Severity.ERROR, "`auto` has no action for the event.")
RULES = (NO_CHOICE,)

AUTO = "auto"
CANDIDATES = ("sync", "sprint", "progress", "release")
# What to write instead; the events of pull requests have two actions, and only the user knows which is meant.
INSTEAD = {
    "": "outside a workflow, name the command: sync, sprint, progress or release",
    "pull_request": "write `action: sync` to show what merging would change, or `action: gate` to judge the pull request",
    "pull_request_target": (
        "write `action: gate`; nothing else may run with the repository's rights on what a pull request says"
    ),
    "merge_group": "write `action: gate`",
    "issues": "write `action: gate`",
    "release": "write `action: verify-gpu`",
    "deployment": "write `action: verify-gpu`",
}
ELSE = "write `action:` with the name of one, or run on push, schedule, milestone or workflow_dispatch"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The action, and why this one."""

    action: str
    reason: str


def choose_action(event: str, activity: str, *, has_sprints: bool, has_releases: bool) -> Choice | Diagnostic:
    """The action that the event is for; a problem with the way out for every other event."""
    if event in ("push", "workflow_dispatch"):
        return Choice(action="sync", reason=f"event `{event}`")
    if event == "schedule" and has_sprints:
        return Choice(action="sprint", reason="event `schedule`, and the plan file has `sprints:`")
    if event == "schedule":
        return Choice(action="progress", reason="event `schedule`, and the plan file has no `sprints:`")
    if event == "milestone" and activity == "closed" and has_releases:
        return Choice(action="release", reason="a milestone was closed, and the plan file has `release:`")
    if event == "milestone" and activity == "closed":
        return Choice(action="sync", reason="a milestone was closed, and the plan file has no `release:`")
    if event == "milestone":
        return Choice(action="sync", reason="a milestone was changed, and not closed")
    summary = f"`auto` has no action for the event {event!r}" if event else "`auto` picks by the event of a workflow"
    return NO_CHOICE.found(summary, help=INSTEAD.get(event, ELSE))
