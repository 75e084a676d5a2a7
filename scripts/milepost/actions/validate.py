"""Check a plan file: no token, no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milepost.declare import Action, Output, given
from milepost.errors import ExitCode
from milepost.planfile.load import load_plan
from milepost.views.diagnostics import render_count
from milepost.views.plain import counted, one_line
from milepost.world import Outcome, World


@dataclass(frozen=True, kw_only=True)
class Inputs:
    plan: Path = given("Path of the plan file, from the workspace.", default=Path(".github/milepost.yml"))


def run(inputs: Inputs, world: World) -> Outcome:
    """The plan file is judged; nothing is written and nobody is called."""
    desired, problems = load_plan(inputs.plan, workspace=world.context.workspace)
    shown = one_line(str(inputs.plan))
    if desired is None:
        text = f"{shown}: {render_count(problems)}"
        return Outcome(
            exit_code=ExitCode.UNUSABLE, text=text, summary=f"`{shown}` cannot be used.", diagnostics=problems
        )
    counts = (
        (len(desired.labels), "label"),
        (len(desired.milestones), "milestone"),
        (len(desired.issues), "issue"),
    )
    held = ", ".join(counted(number, noun) for number, noun in counts)
    text = f"{shown}: valid; {held}" + (f"; {render_count(problems)}" if problems else "")
    return Outcome(text=text, summary=text, outputs={"valid": "true"}, diagnostics=problems)


VALIDATE = Action(
    name="validate",
    summary="Check a plan file without a token and without a network.",
    inputs=Inputs,
    run=run,
    outputs=(Output("valid", "`true` when the plan file can be used."),),
    packages=("PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    is_published=False,
    needs_repository=False,
)
