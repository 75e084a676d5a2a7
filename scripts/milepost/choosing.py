"""The action of a run that leaves it open: by the event, and on a schedule by the plan file."""

from __future__ import annotations

from pathlib import Path

from milepost.core.auto import Choice, choose_action
from milepost.core.model import DesiredState
from milepost.errors import Unusable
from milepost.planfile.load import load_plan
from milepost.runner.context import Context
from milepost.writing import WritingInputs

# Events for which the plan file decides.
ASKING_EVENTS = ("schedule", "milestone")


def choose(plan: str, context: Context) -> Choice:
    """The choice for the run; raises Unusable when there is none, or the plan file cannot be read."""
    desired = None
    if context.event in ASKING_EVENTS:
        desired = _load(Path(plan or WritingInputs.plan), context.workspace)
    choice = choose_action(
        context.event,
        str(context.payload.get("action") or ""),
        has_sprints=bool(desired and desired.cadences),
        has_releases=bool(desired and desired.releasing),
    )
    if isinstance(choice, Choice):
        return choice
    raise Unusable([choice])


def _load(plan: Path, workspace: Path) -> DesiredState | None:
    """What the plan file says; None without one."""
    if not (workspace / plan).exists():
        return None
    desired, problems = load_plan(plan, workspace=workspace)
    if desired is None:
        raise Unusable(problems)
    return desired
