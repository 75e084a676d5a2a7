"""Write a plan file from a repository as it is; applying it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milepost.declare import GITHUB_TOKEN, Action, Output, given
from milepost.planfile.export import render_plan_file
from milepost.remote.snapshot import read_everything
from milepost.views.plain import counted, one_line
from milepost.world import Outcome, World


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given("Token that reads the repository.", default=GITHUB_TOKEN, secret=True)
    output: Path | None = given("File to write, from the workspace; the terminal when empty.", default=None)
    closed: bool = given("Closed milestones and issues too.", default=False)


def run(inputs: Inputs, world: World) -> Outcome:
    """The plan file holds what the repository holds; an existing file is never overwritten."""
    snapshot = read_everything(world.github, closed=inputs.closed)
    text, left_out = render_plan_file(snapshot)
    held = ", ".join(
        counted(number, noun)
        for number, noun in (
            (len(snapshot.labels), "label"),
            (len(snapshot.milestones), "milestone"),
            (len(snapshot.issues), "issue"),
        )
    )
    if inputs.output is None:
        return Outcome(text=text, data={"plan-file": text}, diagnostics=left_out)
    with (world.context.workspace / inputs.output).open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    shown = one_line(str(inputs.output))
    return Outcome(text=f"{shown}: {held}", summary=f"`{shown}`: {held}", diagnostics=left_out)


EXPORT = Action(
    name="export",
    summary="Write a plan file from a repository as it is.",
    inputs=Inputs,
    run=run,
    outputs=(Output("plan-file", "The file as text, with `--format json`."),),
    permissions={"issues": "read", "contents": "read"},
    packages=("PyGithub", "PyYAML", "jsonschema", "actions-toolkit", "tzdata"),
    is_published=False,
)
