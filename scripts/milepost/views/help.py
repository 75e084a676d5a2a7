"""The texts of --help, from the declarations."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from milepost.declare import Action, Input, list_inputs

WIDTH = 96
SIMULATE = "Serve a GitHub-compatible server on 127.0.0.1 for trials and tests."


def render_help(summaries: Mapping[str, str]) -> str:
    """What the suite can do, a line each."""
    rows = {**summaries, "simulate": SIMULATE}
    width = max(map(len, rows))
    lines = [f"  {name.ljust(width)}  {summary}" for name, summary in rows.items()]
    return "\n".join(
        [
            "usage: python3 scripts/run.py COMMAND [--input value ...]",
            "",
            *lines,
            "",
            "COMMAND --help tells its inputs.",
        ]
    )


def render_command_help(action: Action, common: Mapping[str, str]) -> str:
    """The inputs of one command, those of every command, and what it needs."""
    subject = f" {action.subject.upper()}" if action.subject else ""
    sections = [
        f"usage: python3 scripts/run.py {action.name}{subject} [--input value ...]",
        "",
        action.summary,
        "",
        "inputs:",
        *[_option(each.name, _describe(each)) for each in list_inputs(action.inputs)],
        "",
        "for every command:",
        *[_option(name, about) for name, about in common.items()],
    ]
    if action.permissions:
        needs = ", ".join(f"{scope}: {level}" for scope, level in action.permissions.items())
        sections += ["", f"permissions of the token: {needs}"]
    return "\n".join(sections)


def _describe(each: Input) -> str:
    if each.is_secret:
        return f"{each.description} By default GITHUB_TOKEN." if each.default else each.description
    choices = f" One of: {', '.join(each.choices)}." if each.choices else ""
    default = f" Default: {each.default}." if each.default else ""
    return f"{each.description}{choices}{default}"


def _option(name: str, about: str) -> str:
    text = textwrap.fill(about, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"  --{name}\n{text}"
