"""The action of a run that leaves it open: by the event, and on a schedule by the plan file."""

from __future__ import annotations

from pathlib import Path

from milepost.core.auto import Choice, choose_action
from milepost.errors import Unusable
from milepost.planfile.load import load_plan
from milepost.runner.context import Context
from milepost.writing import WritingInputs


def choose(plan: str, context: Context) -> Choice:
    """The choice for the run; raises Unusable when there is none, or the plan file cannot be read."""
    has_sprints = context.event == "schedule" and _has_sprints(Path(plan or WritingInputs.plan), context.workspace)
    choice = choose_action(context.event, str(context.payload.get("action") or ""), has_sprints=has_sprints)
    if isinstance(choice, Choice):
        return choice
    raise Unusable([choice])


def _has_sprints(plan: Path, workspace: Path) -> bool:
    """Whether the plan file has a cadence; without a plan file there is none."""
    if not (workspace / plan).exists():
        return False
    desired, problems = load_plan(plan, workspace=workspace)
    if desired is None:
        raise Unusable(problems)
    return bool(desired.cadences)
