"""Check a plan file: no token, no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milepost.core.compatibility import judge_environments
from milepost.core.model import DesiredState
from milepost.data.load import load_data
from milepost.declare import Action, Output, given
from milepost.diagnostics import has_errors
from milepost.errors import ExitCode
from milepost.planfile.load import load_plan
from milepost.views.diagnostics import render_count
from milepost.views.environment import render_data_line, render_environments, render_environments_markdown
from milepost.views.plain import counted, one_line
from milepost.world import Outcome, World


@dataclass(frozen=True, kw_only=True)
class Inputs:
    plan: Path = given("Path of the plan file, from the workspace.", default=Path(".github/milepost.yml"))


def run(inputs: Inputs, world: World) -> Outcome:
    """The plan file is judged; nothing is written and nobody is called."""
    desired, problems = load_plan(inputs.plan, workspace=world.context.workspace)
    shown = one_line(str(inputs.plan))
    if desired is not None:
        problems += judge_environments(desired.environments.values(), load_data(), world.today(desired.timezone))
    if desired is None or has_errors(problems):
        text = f"{shown}: {render_count(problems)}"
        return Outcome(
            exit_code=ExitCode.UNUSABLE, text=text, summary=f"`{shown}` cannot be used.", diagnostics=problems
        )
    text = f"{shown}: valid; {_count(desired)}" + (f"; {render_count(problems)}" if problems else "")
    environments = tuple(desired.environments.values())
    if not environments:
        return Outcome(text=text, summary=text, outputs={"valid": "true"}, diagnostics=problems)
    line = render_data_line(load_data())
    return Outcome(
        text="\n".join((text, render_environments(environments), line)),
        summary=f"{text}\n\n{render_environments_markdown(environments)}\n{line}",
        outputs={"valid": "true"},
        diagnostics=problems,
    )


def _count(desired: DesiredState) -> str:
    counts = (
        (len(desired.labels), "label"),
        (len(desired.milestones), "milestone"),
        (len(desired.issues), "issue"),
        *([(len(desired.environments), "environment")] if desired.environments else []),
    )
    return ", ".join(counted(number, noun) for number, noun in counts)


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
