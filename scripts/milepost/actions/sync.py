"""Make labels, milestones and issues match the plan file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from milepost.declare import GITHUB_TOKEN, Action, Output, given
from milepost.world import Outcome, World


class Mode(str, Enum):
    """What a writing action does with its plan."""

    PLAN = "plan"
    APPLY = "apply"
    DRIFT = "drift"


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
        "Close marked issues and delete empty marked milestones that the plan file no longer names.", default=False
    )
    max_deletes: int = given("Refuse a plan that prunes or deletes more objects than this.", default=0)
    time_limit: int = given("Stop cleanly after this many minutes; the next run goes on.", default=50)
    pace: str = given(
        "Most writes per second, minute and hour, as `1/s 80/min 500/h`; GitHub's own limits by default.",
        default="1/s 80/min 500/h",
    )
    allow_fork: bool = given("Write even though the repository is a fork.", default=False)


def run(inputs: Inputs, world: World) -> Outcome:
    """The repository is as the plan file says, or it is told how the two differ."""
    raise NotImplementedError


SYNC = Action(
    name="sync",
    summary="Make labels, milestones and issues match the plan file.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("changes", "Changes found, or made."),
        Output("created", "Objects created, or to create."),
        Output("updated", "Objects updated, or to update."),
        Output("closed", "Objects closed, or to close."),
        Output("deleted", "Objects deleted, or to delete."),
        Output("unchanged", "Objects of the plan file that are as they should be."),
        Output("complete", "`false` when the time limit, or GitHub, ended the run before the last change."),
        Output("plan", "The changes as JSON."),
    ),
    permissions={"issues": "write", "contents": "write", "pull-requests": "write", "actions": "write"},
    packages=("PyGithub", "PyYAML", "jsonschema", "actions-toolkit"),
    icon="git-pull-request",
)
