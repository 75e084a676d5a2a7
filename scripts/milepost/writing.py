"""What every action that writes is given, and how its plan file is read before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from milepost.core.diff import judge_repository
from milepost.core.mode import Mode
from milepost.core.model import DesiredState
from milepost.core.pace import parse_pace
from milepost.declare import BAD_INPUT, GITHUB_TOKEN, given
from milepost.diagnostics import Diagnostic, has_errors
from milepost.errors import Unusable
from milepost.planfile.load import load_plan
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
