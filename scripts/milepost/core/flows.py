"""The workflows of the suite as their callers must know them: what starts each, and what its jobs may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

LEVELS = ("none", "read", "write")


@dataclass(frozen=True)
class Grant:
    """A permission that the jobs of a workflow ask for, and why; GitHub wants the caller to grant no less."""

    scope: str
    level: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """An event that starts a caller; `loss` says what does not happen without it.

    `hour` is that of a schedule, `days` its days of the week. `inputs` are those of a run by hand, `defaults` are theirs.
    """

    event: str
    loss: str
    types: tuple[str, ...] = ()
    is_of_default_branch: bool = False
    hour: int = 0
    days: str = "*"
    inputs: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    is_vital: bool = False


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One workflow; `action` and `inputs` are what its job runs, `passed` are inputs of a run by hand.

    `group` is that of its concurrency when one for the whole workflow would be too wide.
    """

    name: str
    action: str
    triggers: tuple[Trigger, ...]
    grants: tuple[Grant, ...]
    inputs: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[str, ...] = ()
    has_checkout: bool = True
    environment: str = ""
    group: str = ""

    @property
    def needs(self) -> dict[str, str]:
        """The level of each permission."""
        return {each.scope: each.level for each in self.grants}


PLAN_FILE = Grant("contents", "read", "the plan file")
NUMBER = {"pull-request": "Number of the pull request"}
MODE = {"mode": "plan, apply or drift"}
BY_HAND = "nobody can start it by hand"
GOES_ON = "a run that its time limit ends cannot go on by itself"

FLOWS = (
    Flow(
        name="plan",
        action="sync",
        triggers=(
            Trigger(event="pull_request", loss="no pull request shows what merging it would change", is_vital=True),
        ),
        grants=(
            PLAN_FILE,
            Grant("issues", "read", "labels, milestones, issues"),
            Grant("pull-requests", "write", "the comment with the plan"),
        ),
        inputs={"mode": "plan"},
        group="milepost-plan-${{ github.event.pull_request.number || github.ref }}",
    ),
    Flow(
        name="apply",
        action="sync",
        triggers=(
            Trigger(event="push", loss="a merged plan is not applied", is_of_default_branch=True, is_vital=True),
            Trigger(event="workflow_dispatch", loss=GOES_ON, inputs=MODE),
        ),
        grants=(
            Grant("contents", "write", "the plan file, milestone branches"),
            Grant("issues", "write", "labels, milestones, issues"),
            Grant("pull-requests", "read", "how many of them milestones hold"),
            Grant("actions", "write", "a run that goes on"),
        ),
        passed=("mode",),
    ),
    Flow(
        name="drift",
        action="sync",
        triggers=(
            Trigger(event="schedule", loss="nobody looks for drift", hour=3, is_vital=True),
            Trigger(event="workflow_dispatch", loss=BY_HAND),
        ),
        grants=(
            PLAN_FILE,
            Grant("issues", "read", "labels, milestones, issues"),
            Grant("pull-requests", "read", "how many of them milestones hold"),
        ),
        inputs={"mode": "drift"},
    ),
    Flow(
        name="sprint",
        action="sprint",
        triggers=(
            Trigger(event="schedule", loss="no sprint is opened or closed", hour=5, is_vital=True),
            Trigger(event="workflow_dispatch", loss=GOES_ON, inputs=MODE),
        ),
        grants=(
            Grant("contents", "write", "the plan file, records on the branch milepost-data"),
            Grant("issues", "write", "milestones, and the issues that move"),
            Grant("pull-requests", "write", "the pull requests that move"),
            Grant("actions", "write", "the workflows that follow a closed sprint"),
        ),
        passed=("mode",),
    ),
    Flow(
        name="gate",
        action="gate",
        triggers=(
            Trigger(
                event="pull_request_target",
                loss="no pull request is judged",
                types=(
                    "opened",
                    "edited",
                    "reopened",
                    "closed",
                    "synchronize",
                    "ready_for_review",
                    "converted_to_draft",
                    "labeled",
                    "unlabeled",
                ),
                is_vital=True,
            ),
            Trigger(event="merge_group", loss="a merge queue waits for a status that never comes"),
            Trigger(
                event="issues",
                loss="a verdict stays as it was when the linked issue changes",
                types=(
                    "closed",
                    "reopened",
                    "milestoned",
                    "demilestoned",
                    "assigned",
                    "unassigned",
                    "labeled",
                    "unlabeled",
                    "transferred",
                    "deleted",
                ),
            ),
            Trigger(
                event="milestone",
                loss="a verdict stays as it was when the milestone changes",
                types=("closed", "opened", "edited", "deleted"),
            ),
            Trigger(
                event="workflow_dispatch",
                loss="an issue that is linked in the sidebar is seen with the next event only",
                inputs=NUMBER,
            ),
        ),
        grants=(
            Grant("contents", "read", "the rules in the plan file"),
            Grant("issues", "read", "the linked issues"),
            Grant("pull-requests", "write", "the comment that says what is missing"),
            Grant("statuses", "write", "the verdict"),
        ),
        passed=("pull-request",),
        has_checkout=False,
        group="milepost-gate-${{ github.event.pull_request.number || github.run_id }}",
    ),
    Flow(
        name="verify-gpu",
        action="verify-gpu",
        triggers=(Trigger(event="workflow_dispatch", loss=BY_HAND),),
        grants=(
            PLAN_FILE,
            Grant("issues", "read", "which milestones are open"),
            Grant("packages", "read", "the image"),
        ),
        group="milepost-verify-gpu-${{ github.ref }}-${{ inputs.environment || inputs.milestone }}",
    ),
    Flow(
        name="progress",
        action="progress",
        triggers=(
            Trigger(event="schedule", loss="no report is written", hour=6, days="1-5", is_vital=True),
            Trigger(event="workflow_dispatch", loss=BY_HAND),
        ),
        grants=(
            Grant("contents", "write", "the plan file, daily lines on the branch milepost-data"),
            Grant("issues", "write", "milestones and issues, the report issue"),
            Grant("pull-requests", "read", "who works on which issue"),
            Grant("actions", "read", "schedules that no longer run"),
        ),
    ),
    Flow(
        name="release",
        action="release",
        triggers=(
            Trigger(event="milestone", loss="a closed milestone is not released", types=("closed",), is_vital=True),
            Trigger(
                event="workflow_dispatch",
                loss="neither the sprint action nor anybody by hand can start it",
                inputs={"milestone": "Number or title of the closed milestone", "mode": "plan or apply"},
                # The sprint action gives a milestone only.
                defaults={"mode": "apply"},
            ),
        ),
        grants=(
            Grant("contents", "write", "the tag and the release"),
            Grant("issues", "write", "milestones, and the issues that move"),
            Grant("pull-requests", "write", "the notes, and the pull requests that move"),
            Grant("statuses", "read", "the required statuses"),
            Grant("checks", "read", "the required checks"),
            Grant("actions", "write", "the proof of the environment, the workflows that follow"),
        ),
        passed=("milestone", "mode"),
        environment="release",
        group="milepost-release-${{ github.event.milestone.number || inputs.milestone }}",
    ),
)
DEFAULT = ("plan", "apply", "gate", "progress", "release")


def find_flow(name: str) -> Flow | None:
    """The workflow of that name."""
    return next((each for each in FLOWS if each.name == name), None)


def choose_minute(repository: str, flow: str) -> int:
    """The minute of the hour at which the repository's schedule runs, always the same, and never a full hour."""
    return 1 + int.from_bytes(sha256(f"{repository.casefold()} {flow}".encode()).digest()[:4], "big") % 59


def is_enough(granted: str | None, needed: str) -> bool:
    """True when the level that is granted holds the one that is needed."""
    return granted in LEVELS and LEVELS.index(granted) >= LEVELS.index(needed)
