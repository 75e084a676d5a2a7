"""Carries a day's plan of sprints out: records, moves, and what follows a closed sprint, beside the milestones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from milepost.core.change import Change, Field, Noun, Verb
from milepost.core.records import FOLDER
from milepost.core.sprint_line import read_sprint_line
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused
from milepost.remote import issues
from milepost.remote.apply import MILESTONE_STEPS, Run, Steps
from milepost.remote.history import append_history
from milepost.remote.milestones import find_milestone, update_milestone
from milepost.remote.workflows import dispatch_once

NOT_DISPATCHED = Rule(
    "not-dispatched", Severity.ERROR, "A workflow that should follow a closed sprint or a release was not started."
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


def move(run: Run, change: Change) -> None:
    """The item is in its milestone, or was left alone because somebody touched it meanwhile."""
    is_done, problems = issues.move_item(run.client, change, milestone=run.milestone_of(change))
    run.applied.problems += problems
    if not is_done:
        run.left_alone(change, "moved, closed or deleted on GitHub since it was read; left alone")


def _write(run: Run, change: Change) -> None:
    """The milestone is as planned; the counts of a sprint that another run has frozen meanwhile stay."""
    assert change.number is not None
    live = find_milestone(run.client, change.number) if _is_freezing(change) else None
    line = read_sprint_line(live["description"] or "") if live else None
    if line and line.frozen:
        run.left_alone(change, "frozen by another run since it was read; left alone")
        return
    try:
        MILESTONE_STEPS[change.noun, change.verb](run, change)
    except Refused as refusal:
        if _is_freezing(change):
            refusal.status = None  # the counts may be the only record, and without it nothing may move
        raise


def _is_freezing(change: Change) -> bool:
    blocks = [(str(each.before), str(each.after)) for each in change.fields if each.name == "block"]
    return any(" frozen=" in after and " frozen=" not in before for before, after in blocks)


def _dispatch(run: Run, change: Change) -> None:
    """Each workflow was dispatched with the number of the milestone, and the line of the sprint forgets them."""
    assert change.number is not None
    live = find_milestone(run.client, change.number)
    line = read_sprint_line(live["description"] or "") if live else None
    if live is None or line is None or not line.has_then or not live["closed_at"]:
        run.left_alone(change, "dispatched or reopened since it was read; left alone")
        return
    workflows = change.after("workflows")
    names = workflows if isinstance(workflows, tuple) else ()
    failed = [each for each in names if not _dispatch_one(run, change, each, live["closed_at"])]
    if failed:
        summary = f'{", ".join(failed)} could not be dispatched for "{change.name}"'
        way_out = (
            "grant `actions: write`, and have the workflow declare `workflow_dispatch` with an input `milestone`;"
            " the next run tries again"
        )
        raise Refused(NOT_DISPATCHED.found(summary, help=way_out), status=422)
    forgetting = replace(change, fields=(Field("block", None, replace(line, has_then=False).render()),))
    run.applied.problems += update_milestone(run.client, forgetting, change.number)


def _dispatch_one(run: Run, change: Change, workflow: str, since: str) -> bool:
    """Dispatched, unless another run did it since the sprint was closed; False when that cannot be.

    Each run of the workflow that is found stands for one sprint only.
    """
    is_done = dispatch_once(
        run.client,
        workflow,
        ref=run.default_branch,
        inputs={"milestone": str(change.number)},
        since=since,
        login=run.login,
        known=run.dispatched[workflow],
    )
    run.dispatched[workflow] += is_done
    return is_done


STEPS: Steps = {
    **MILESTONE_STEPS,
    (Noun.MILESTONE, Verb.UPDATE): _write,
    (Noun.MILESTONE, Verb.CLOSE): _write,
    (Noun.RECORD, Verb.CREATE): _record,
    (Noun.ISSUE, Verb.MOVE): move,
    (Noun.PULL_REQUEST, Verb.MOVE): move,
    (Noun.WORKFLOW, Verb.DISPATCH): _dispatch,
}
