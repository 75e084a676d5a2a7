"""Make labels, milestones and issues match the plan file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from milepost.core.change import Change, Plan, Verb, describe
from milepost.core.compatibility import judge_environments
from milepost.core.diff import diff, judge_limits, judge_repository
from milepost.core.mode import Mode, choose_mode
from milepost.core.model import DesiredState, Snapshot
from milepost.core.pace import parse_pace
from milepost.data.load import load_data
from milepost.declare import BAD_INPUT, GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, has_errors
from milepost.errors import ExitCode, Refused, Unusable
from milepost.planfile.load import load_plan
from milepost.remote.apply import Applied, apply_plan
from milepost.remote.comments import upsert_comment
from milepost.remote.errors import FORK
from milepost.remote.snapshot import read_snapshot
from milepost.remote.workflows import count_dispatches, dispatch
from milepost.views.markdown import code, cut
from milepost.views.plain import counted
from milepost.views.plan import render_counts, render_forecast, render_plan_markdown, render_plan_text
from milepost.world import Outcome, World

COMMENT = "<!-- milepost:sync -->"
MOST_DISPATCHES = 12
# A comment holds 65,536 characters, all outputs of a job 1 MB.
MOST_COMMENT_BYTES = 60_000
MOST_OUTPUT_BYTES = 500_000


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given("Token that reads and writes the repository.", default=GITHUB_TOKEN, secret=True)
    plan: Path = given("Path of the plan file, from the workspace.", default=Path(".github/milepost.yml"))
    mode: Mode | None = given(
        "`plan` shows the changes, `apply` makes them, `drift` fails when there are any;"
        " when empty, `apply` on a push to the default branch, on `schedule` and on `milestone`, else `plan`.",
        default=None,
    )
    prune: bool = given(
        "Close marked issues and delete empty marked milestones that the plan file no longer names.",
        default=False,
    )
    max_deletes: int = given("Refuse a plan that prunes or deletes more objects than this.", default=10)
    time_limit: int = given("Stop cleanly after this many minutes; the next run goes on.", default=50)
    pace: str = given(
        "Most writes per second, minute and hour; GitHub's own limits by default.", default="1/s 80/min 500/h"
    )
    allow_fork: bool = given("Write even though the repository is a fork.", default=False)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run has come to so far, for people and for later steps."""

    mode: Mode
    reason: str
    plan: Plan
    problems: tuple[Diagnostic, ...] = ()
    applied: Applied | None = None
    next_step: str = ""

    @property
    def is_complete(self) -> bool:
        return self.applied is None or (self.applied.stopped is None and not self.applied.refusals)


def run(inputs: Inputs, world: World) -> Outcome:
    """The repository is as the plan file says, or it is told how the two differ."""
    desired = _load(inputs, world)
    client = world.github
    client.deadline = client.clock.now() + inputs.time_limit * 60
    snapshot = read_snapshot(client, desired, prune=inputs.prune)
    mode, reason = choose_mode(
        inputs.mode, event=world.context.event, ref=world.context.ref, default_branch=snapshot.default_branch
    )
    plan, problems = diff(desired, snapshot, prune=inputs.prune)
    problems += judge_limits(plan, max_deletes=inputs.max_deletes) + _judge_fork(inputs, snapshot, mode)
    report = Report(mode=mode, reason=reason, plan=plan, problems=problems)
    if mode is Mode.APPLY and not has_errors(problems):
        report = _apply(report, desired, snapshot, world)
    if mode is Mode.PLAN:
        report = _comment(report, snapshot, world)
    return _outcome(report, world)


def _load(inputs: Inputs, world: World) -> DesiredState:
    """The desired state; raises Unusable before anything is sent."""
    desired, problems = load_plan(inputs.plan, workspace=world.context.workspace)
    pace = parse_pace(inputs.pace)
    if pace is None:
        problems += (BAD_INPUT.found(f"pace: {inputs.pace!r} is not a pace", help="write it like 1/s 80/min 500/h"),)
    if desired is not None:
        problems += judge_repository(desired, world.context.repository)
        problems += judge_environments(desired.environments.values(), load_data(), world.today(desired.timezone))
    if desired is None or pace is None or has_errors(problems):
        raise Unusable(problems)
    world.github.pace = pace
    return desired


def _judge_fork(inputs: Inputs, snapshot: Snapshot, mode: Mode) -> tuple[Diagnostic, ...]:
    if mode is not Mode.APPLY or not snapshot.is_fork or inputs.allow_fork:
        return ()
    summary = f"{snapshot.repository} is a fork, and nothing is written in forks"
    return (FORK.found(summary, help="run it in the repository that was forked, or set `allow-fork: true`"),)


def _apply(report: Report, desired: DesiredState, snapshot: Snapshot, world: World) -> Report:
    client = world.github
    if report.plan.changes:
        world.log(f"{render_forecast(report.plan, client.pace)}")
    applied = apply_plan(report.plan, client, snapshot, log=world.log)
    if applied.stopped is None and report.plan.count(Verb.CREATE):
        _heal(applied, desired, world)
    report = replace(report, problems=report.problems + tuple(applied.problems), applied=applied)
    return replace(report, next_step=_go_on(report, snapshot, world)) if applied.is_out_of_time else report


def _heal(applied: Applied, desired: DesiredState, world: World) -> None:
    """Twins that another run made at the same moment are closed; nothing else is touched."""
    try:
        snapshot = read_snapshot(world.github, desired)
        again, _ = diff(desired, snapshot)
        twins = Plan(changes=tuple(each for each in again.changes if each.touches("duplicate-of")))
        healed = apply_plan(twins, world.github, snapshot, log=world.log)
    except Refused as refusal:
        applied.stopped = refusal
        return
    applied.done += healed.done
    applied.refusals += healed.refusals
    applied.stopped = healed.stopped


def _go_on(report: Report, snapshot: Snapshot, world: World) -> str:
    """Dispatches the workflow again where it may; the value tells people what happens or what to press."""
    context, client = world.context, world.github
    client.deadline = None
    press = "Run the workflow again, or wait for its next run: it goes on where this one stopped."
    if not context.workflow_file:
        return press
    since = (world.now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        count = count_dispatches(client, context.workflow_file, since=since, login=snapshot.login)
        if count >= MOST_DISPATCHES:
            return f"It was dispatched {count} times within a day, which is enough. {press}"
        ref = context.ref or f"refs/heads/{snapshot.default_branch}"
        if dispatch(client, context.workflow_file, ref=ref, inputs={"mode": Mode.APPLY.value}):
            return f"Dispatched again (turn {count + 1} of {MOST_DISPATCHES}): that run goes on."
    except Refused as refusal:
        return f"{press} (It could not be dispatched: {refusal.diagnostic.summary})"
    return (
        f"{press} To have it go on by itself, grant `actions: write` and declare"
        " `workflow_dispatch` with an input `mode` that is passed on."
    )


def _comment(report: Report, snapshot: Snapshot, world: World) -> Report:
    """On a pull request, the sticky comment shows the plan; without the permission the summary says so."""
    number = world.context.pull_request
    if number is None or not world.context.event.startswith("pull_request"):
        return report
    text = cut(f"### What merging this would change\n\n{_tell(report)}", MOST_COMMENT_BYTES)
    is_needed = bool(report.plan.changes or report.problems)
    try:
        upsert_comment(world.github, number, COMMENT, text, login=snapshot.login, is_needed=is_needed)
    except Refused as refusal:
        return replace(report, next_step=f"No comment was written: {refusal.diagnostic.summary}.")
    return report


def _outcome(report: Report, world: World) -> Outcome:
    applied = report.applied
    refusals = [*applied.refusals, *([applied.stopped] if applied.stopped else [])] if applied else []
    diagnostics = report.problems + tuple(
        each.diagnostic for each in refusals if not (applied and applied.is_out_of_time and each is applied.stopped)
    )
    head = f"{report.mode.value} on {world.context.repository}: {report.reason.replace('`', '')}"
    parts = [
        head,
        render_plan_text(_shown(report), is_done=applied is not None),
        _progress(report),
        report.next_step,
    ]
    return Outcome(
        exit_code=_exit_code(report, diagnostics),
        outputs=_outputs(report),
        text="\n".join(part for part in parts if part),
        summary=f"**{report.mode.value}** on {code(world.context.repository)}: {report.reason}\n\n{_tell(report)}",
        data={"mode": report.mode.value, "plan": _json(report)},
        diagnostics=diagnostics,
    )


def _exit_code(report: Report, diagnostics: tuple[Diagnostic, ...]) -> ExitCode:
    applied = report.applied
    if applied and (applied.refusals or (applied.stopped and not applied.is_out_of_time)):
        return ExitCode.REFUSED
    if has_errors(diagnostics):
        return ExitCode.UNUSABLE
    return ExitCode.NO if report.mode is Mode.DRIFT and report.plan.changes else ExitCode.DONE


def _shown(report: Report) -> Plan:
    """The plan as people should see it: what was done, after an apply."""
    if report.applied is None:
        return report.plan
    notes = (*report.plan.notes, *report.applied.notes)
    return replace(report.plan, changes=tuple(report.applied.done), notes=notes)


def _tell(report: Report) -> str:
    shown = _shown(report)
    parts = [
        render_counts(shown, is_done=report.applied is not None),
        _progress(report),
        render_plan_markdown(shown),
    ]
    return "\n\n".join(part for part in [*parts, report.next_step] if part) + "\n"


def _progress(report: Report) -> str:
    if report.is_complete or report.applied is None:
        return ""
    rest = len(report.plan.changes) - len(report.applied.done)
    why = "the time limit ended the run" if report.applied.is_out_of_time else "GitHub refused"
    return f"Not complete: {why}; {counted(max(rest, 0), 'change')} not made. Running again goes on from here."


def _outputs(report: Report) -> dict[str, str]:
    shown = _shown(report)
    counts = {
        "changes": len(shown.changes),
        "created": shown.count(Verb.CREATE),
        "updated": shown.count(Verb.UPDATE, Verb.MOVE, Verb.REOPEN),
        "closed": shown.count(Verb.CLOSE),
        "deleted": shown.count(Verb.DELETE),
        "unchanged": shown.unchanged,
    }
    plan = json.dumps(_json(report), ensure_ascii=False, separators=(",", ":"))
    if len(plan.encode()) > MOST_OUTPUT_BYTES:
        plan = json.dumps({**_json(report), "changes": [], "truncated": True}, separators=(",", ":"))
    texts = {name: str(number) for name, number in counts.items()}
    return {**texts, "complete": str(report.is_complete).lower(), "plan": plan}


def _json(report: Report) -> dict[str, object]:
    done: tuple[Change, ...] = _shown(report).changes
    return {
        "mode": report.mode.value,
        "fingerprint": report.plan.fingerprint,
        "changes": describe(done),
        "notes": [{"address": each.address, "text": each.text} for each in _shown(report).notes],
        "unchanged": report.plan.unchanged,
        "truncated": False,
    }


SYNC = Action(
    name="sync",
    summary="Make labels, milestones and issues match the plan file.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("changes", "Changes found, or made."),
        Output("created", "Objects created, or to create."),
        Output("updated", "Objects updated, moved or reopened, or to be."),
        Output("closed", "Objects closed, or to close."),
        Output("deleted", "Objects deleted, or to delete."),
        Output("unchanged", "Objects of the plan file that are as they should be."),
        Output("complete", "`false` when the time limit, or GitHub, ended the run before the last change."),
        Output("plan", "The changes as JSON."),
    ),
    permissions={"issues": "write", "contents": "write", "pull-requests": "write", "actions": "write"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    icon="git-pull-request",
)
