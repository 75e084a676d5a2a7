"""Carries a day's plan of sprints out: records, moves, and what follows a closed sprint, beside the milestones."""

from __future__ import annotations

from collections.abc import Mapping

from milepost.core.change import Change, Noun, Verb
from milepost.core.records import FOLDER
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused
from milepost.remote import issues, milestones
from milepost.remote.apply import MILESTONE_STEPS, Run, Steps
from milepost.remote.history import append_history
from milepost.remote.workflows import count_dispatches, dispatch

NOT_DISPATCHED = Rule(
    "not-dispatched", Severity.ERROR, "A workflow that should follow a closed sprint was not started."
)
RULES = (NOT_DISPATCHED,)


def _record(run: Run, change: Change) -> None:
    """The files are on the data branch, each as the first run wrote it; without them nothing may move."""
    files = {each.name.removeprefix(f"{FOLDER}/"): str(each.after) for each in change.fields}

    def make(present: Mapping[str, str]) -> Mapping[str, str]:
        return {path: text for path, text in files.items() if path not in present}

    try:
        append_history(run.client, FOLDER, make, message=f"Record {change.name}")
    except Refused as refusal:
        refusal.status = None  # whatever it is, it stops the run
        raise


def _move(run: Run, change: Change) -> None:
    is_done, problems = issues.move_item(run.client, change, milestone=run.milestone_of(change))
    run.applied.problems += problems
    if not is_done:
        run.left_alone(change, "moved or closed on GitHub since it was read; left alone")


def _dispatch(run: Run, change: Change) -> None:
    """Each workflow was dispatched with the number of the milestone, and the line of the sprint forgets them."""
    assert change.number is not None
    workflows, since = change.after("workflows"), change.after("since")
    for workflow in workflows if isinstance(workflows, tuple) else ():
        _dispatch_one(run, change, workflow, str(since) if since else None)
    run.applied.problems += milestones.update_milestone(run.client, change, change.number)


def _dispatch_one(run: Run, change: Change, workflow: str, since: str | None) -> None:
    """Dispatched, unless an earlier run that closed the sprint did it before it ended."""
    client, start = run.client, since or run.started
    inputs = {"milestone": str(change.number)}
    try:
        before = count_dispatches(client, workflow, since=start, login=run.login)
        if since and before:
            return
        is_done = dispatch(
            client, workflow, ref=run.default_branch, inputs=inputs, since=start, login=run.login, before=before
        )
    except Refused as refusal:
        if refusal.status not in (403, 404):
            raise
        is_done = False
    if not is_done:
        summary = f'{workflow} could not be dispatched for "{change.name}"'
        way_out = (
            "grant `actions: write`, and have the workflow declare `workflow_dispatch` with an input `milestone`;"
            " the next run tries again"
        )
        raise Refused(NOT_DISPATCHED.found(summary, help=way_out), status=422)


STEPS: Steps = {
    **MILESTONE_STEPS,
    (Noun.RECORD, Verb.CREATE): _record,
    (Noun.ISSUE, Verb.MOVE): _move,
    (Noun.PULL_REQUEST, Verb.MOVE): _move,
    (Noun.WORKFLOW, Verb.DISPATCH): _dispatch,
}
