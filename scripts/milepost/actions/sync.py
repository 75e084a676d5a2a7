"""Make labels, milestones and issues match the plan file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from milepost.core.change import Plan, Verb
from milepost.core.compatibility import judge_environments
from milepost.core.diff import diff, judge_limits
from milepost.core.mode import Mode, choose_mode
from milepost.core.model import DesiredState, Snapshot
from milepost.data.load import load_data
from milepost.declare import Action, Output, given
from milepost.diagnostics import Diagnostic, has_errors
from milepost.errors import Refused
from milepost.remote.apply import Applied, apply_plan
from milepost.remote.comments import upsert_comment
from milepost.remote.snapshot import read_snapshot
from milepost.report import (
    OUTPUTS,
    Report,
    count_changes,
    json_of,
    judge_fork,
    list_outputs,
    render_report_head,
    render_report_markdown,
    render_report_text,
)
from milepost.views.markdown import cut
from milepost.world import Outcome, World
from milepost.writing import WritingInputs, carry_out, load_desired

COMMENT = "<!-- milepost:sync -->"
# A comment holds 65,536 characters.
MOST_COMMENT_BYTES = 60_000


@dataclass(frozen=True, kw_only=True)
class Inputs(WritingInputs):
    prune: bool = given(
        "Close marked issues and delete empty marked milestones that the plan file no longer names.",
        default=False,
    )
    max_deletes: int = given("Refuse a plan that prunes or deletes more objects than this.", default=10)


def run(inputs: Inputs, world: World) -> Outcome:
    """The repository is as the plan file says, or it is told how the two differ."""
    desired = load_desired(inputs, world, lambda plan: _judge_environments(plan, world))
    snapshot = read_snapshot(world.github, desired, prune=inputs.prune)
    mode, reason = choose_mode(
        inputs.mode, event=world.context.event, ref=world.context.ref, default_branch=snapshot.default_branch
    )
    plan, problems = diff(desired, snapshot, prune=inputs.prune)
    problems += judge_limits(plan, max_deletes=inputs.max_deletes) + judge_fork(
        snapshot, mode, allow_fork=inputs.allow_fork
    )
    report = Report(mode=mode, reason=reason, plan=plan, problems=problems)
    if mode is Mode.APPLY and not has_errors(problems):
        report = _apply(report, desired, snapshot, world)
    if mode is Mode.PLAN:
        report = _comment(report, snapshot, world)
    return _outcome(report, world)


def _judge_environments(desired: DesiredState, world: World) -> tuple[Diagnostic, ...]:
    """What was never published is refused where it is planned."""
    return judge_environments(desired.environments.values(), load_data(), world.today(desired.timezone))


def _apply(report: Report, desired: DesiredState, snapshot: Snapshot, world: World) -> Report:
    def mend(applied: Applied) -> None:
        if applied.stopped is None and report.plan.count(Verb.CREATE):
            _heal(applied, desired, world)

    return carry_out(report, snapshot, world, mend=mend)


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


def _comment(report: Report, snapshot: Snapshot, world: World) -> Report:
    """On a pull request, the sticky comment shows the plan; without the permission the summary says so."""
    number = world.context.pull_request
    if number is None or not world.context.event.startswith("pull_request"):
        return report
    text = cut(f"### What merging this would change\n\n{render_report_markdown(report)}", MOST_COMMENT_BYTES)
    is_needed = bool(report.plan.changes or report.problems)
    try:
        upsert_comment(world.github, number, COMMENT, text, login=snapshot.login, is_needed=is_needed)
    except Refused as refusal:
        problem = refusal.diagnostic
        return replace(report, next_step=f"No comment was written: {problem.summary}; {problem.help}.")
    return report


def _outcome(report: Report, world: World) -> Outcome:
    repository = world.context.repository
    counts = {name: str(number) for name, number in count_changes(report).items()}
    return Outcome(
        exit_code=report.exit_code,
        outputs={**counts, **list_outputs(report)},
        text=render_report_text(report, repository),
        summary=f"{render_report_head(report, repository)}\n\n{render_report_markdown(report)}",
        data={"mode": report.mode.value, "plan": json_of(report)},
        diagnostics=report.diagnostics,
    )


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
        *OUTPUTS,
    ),
    permissions={"issues": "write", "contents": "write", "pull-requests": "write", "actions": "write"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    icon="git-pull-request",
)
