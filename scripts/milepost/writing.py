"""What every action that writes is given, how its plan file is read, and how its plan is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from milepost.core.diff import judge_repository
from milepost.core.mode import Mode
from milepost.core.model import DesiredState, Snapshot
from milepost.core.pace import parse_pace
from milepost.declare import BAD_INPUT, GITHUB_TOKEN, given
from milepost.diagnostics import Diagnostic, has_errors
from milepost.errors import Unusable
from milepost.planfile.load import load_plan
from milepost.remote.apply import Applied, Steps, apply_plan
from milepost.remote.workflows import go_on
from milepost.report import Report
from milepost.views.plan import render_forecast
from milepost.world import World

Judge = Callable[[DesiredState], Iterable[Diagnostic]]


@dataclass(frozen=True, kw_only=True)
class WritingInputs:
    """The inputs that writing actions share."""

    token: str = given("Token that reads and writes the repository.", default=GITHUB_TOKEN, secret=True)
    plan: Path = given("Path of the plan file, from the workspace.", default=Path(".github/milepost.yml"))
    mode: Mode | None = given(
        "`plan` shows the changes, `apply` makes them, `drift` fails when there are any;"
        " when empty, `apply` on a push to the default branch, on `schedule` and on `milestone`, else `plan`.",
        default=None,
    )
    time_limit: int = given("Stop cleanly after this many minutes; the next run goes on.", default=50)
    pace: str = given(
        "Most writes per second, minute and hour; GitHub's own limits by default.", default="1/s 80/min 500/h"
    )
    allow_fork: bool = given("Write even though the repository is a fork.", default=False)


def load_desired(inputs: WritingInputs, world: World, judge: Judge = lambda _: ()) -> DesiredState:
    """The desired state, with the client's pace and time limit set; raises Unusable before anything is sent."""
    desired, problems = load_plan(inputs.plan, workspace=world.context.workspace)
    pace = parse_pace(inputs.pace)
    if pace is None:
        problems += (BAD_INPUT.found(f"pace: {inputs.pace!r} is not a pace", help="write it like 1/s 80/min 500/h"),)
    if desired is not None:
        problems += (*judge_repository(desired, world.context.repository), *judge(desired))
    if desired is None or pace is None or has_errors(problems):
        raise Unusable(problems)
    client = world.github
    client.pace, client.deadline = pace, client.clock.now() + inputs.time_limit * 60
    return desired


def carry_out(
    report: Report,
    snapshot: Snapshot,
    world: World,
    *,
    steps: Steps | None = None,
    mend: Callable[[Applied], None] = lambda _: None,
    inputs: Mapping[str, str] | None = None,
) -> Report:
    """The plan is carried out, mended, and told how far it came; where time ran out, the workflow goes on by itself."""
    client, context = world.github, world.context
    if report.plan.changes:
        world.log(render_forecast(report.plan, client.pace))
    applied = apply_plan(report.plan, client, snapshot, log=world.log, steps=steps)
    mend(applied)
    report = replace(report, problems=report.problems + tuple(applied.problems), applied=applied)
    if not applied.is_out_of_time:
        return report
    ref, workflow = context.ref or f"refs/heads/{snapshot.default_branch}", context.workflow_file
    again = go_on(client, workflow=workflow, ref=ref, now=world.now, login=snapshot.login, inputs=inputs)
    return replace(report, next_step=again)
