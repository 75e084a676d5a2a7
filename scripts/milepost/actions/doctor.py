"""Look over a repository that uses the suite: its workflow files, its plan file, its settings on GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from milepost.core.doctor import (
    Caller,
    find_callers,
    find_unknown_flows,
    judge_checkouts,
    judge_followers,
    judge_hours,
    judge_permissions,
    judge_pins,
    judge_sections,
    judge_triggers,
)
from milepost.core.model import DesiredState
from milepost.core.setup import (
    NOT_KNOWN,
    Setup,
    judge_environments,
    judge_runners,
    judge_schedules,
    judge_status,
    judge_token,
    list_environments,
    list_labels,
)
from milepost.core.workflow_file import WorkflowFile
from milepost.declare import BAD_INPUT, GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors
from milepost.errors import ExitCode, Unusable
from milepost.planfile.load import load_plan
from milepost.planfile.workflows import load_workflows
from milepost.remote.setup import read_setup
from milepost.views.checks import Check, describe_checks, render_checks_markdown, render_checks_text
from milepost.views.diagnostics import render_count
from milepost.views.plain import counted
from milepost.world import Outcome, World

NO_CALLERS = Rule("no-callers", Severity.WARNING, "No workflow file of the workspace uses the suite.")
RULES = (NO_CALLERS,)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given(
        "Token that reads the repository's settings; without one they are not looked at.",
        default=GITHUB_TOKEN,
        secret=True,
    )
    plan: Path = given("Path of the plan file, from the workspace.", default=Path(".github/milepost.yml"))
    uses: str = given("OWNER/REPO of the suite in `uses:` of the workflows.", default="milepost/milepost")


@dataclass(frozen=True, kw_only=True)
class _Patient:
    """What was read, with what the plan file says against the callers; `setup` is None without a token."""

    files: tuple[WorkflowFile, ...]
    callers: tuple[Caller, ...]
    of_plan: tuple[Diagnostic, ...]
    setup: Setup | None
    branch: str
    today: date


def run(inputs: Inputs, world: World) -> Outcome:
    """Every check has been made; what must be fixed is told with its place and its line."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", inputs.uses, re.ASCII):
        raise Unusable([BAD_INPUT.found(f"--uses: {inputs.uses!r} is not a repository", help="write OWNER/REPO")])
    files, unreadable = load_workflows(world.context.workspace)
    desired, of_plan = load_plan(inputs.plan, workspace=world.context.workspace)
    is_home = world.context.repository.casefold() == inputs.uses.casefold()
    callers = find_callers(files, inputs.uses, is_home=is_home)
    setup, branch = _read_setup(callers, world)
    patient = _Patient(
        files=files,
        callers=callers,
        of_plan=tuple(_judge_plan(desired, callers, files)) if desired else (),
        setup=setup,
        branch=branch,
        today=world.today(desired.timezone if desired else "UTC"),
    )
    checks = [
        Check(name="plan-file", question="Can the plan file be used?", about=str(inputs.plan), findings=of_plan),
        _check_files(patient, (*unreadable, *find_unknown_flows(files, inputs.uses))),
        *_check_callers(patient),
        *_check_setup(patient),
    ]
    return _outcome(checks)


def _judge_plan(
    desired: DesiredState, callers: Sequence[Caller], files: Sequence[WorkflowFile]
) -> Iterator[Diagnostic]:
    """Whether workflow files and plan file fit each other."""
    entries = [entry for each in desired.cadences for entry in each.entries]
    yield from judge_followers((name for each in entries for name in each.settings.then), files, "milestone")
    yield from judge_followers(desired.releasing.then if desired.releasing else (), files)
    yield from judge_sections(callers, {"sprint": bool(desired.cadences), "release": desired.releasing is not None})


def _read_setup(callers: Sequence[Caller], world: World) -> tuple[Setup | None, str]:
    client = world.reach()
    if client is None:
        return None, ""
    scheduled = {each.file.path for each in callers if "schedule" in each.file.events}
    return read_setup(client, environments=list_environments(callers), scheduled=scheduled)


def _check_files(patient: _Patient, findings: tuple[Diagnostic, ...]) -> Check:
    """Which files use the suite."""
    names = sorted({each.flow.name for each in patient.callers})
    if not names:
        findings += (
            NO_CALLERS.found(
                "no workflow file below .github/workflows uses the suite",
                help="`milepost init` writes them; with a mirror of the suite, give --uses",
            ),
        )
    about = f"{counted(len(patient.files), 'file')}; used: {', '.join(names) or 'nothing'}"
    return Check(
        name="workflows", question="Does GitHub know every workflow that is called?", about=about, findings=findings
    )


def _check_callers(patient: _Patient) -> Iterator[Check]:
    """What the files themselves say."""
    callers, is_used = patient.callers, bool(patient.callers)
    yield Check(
        name="permissions",
        question="Do callers grant what the workflows ask for?",
        about=counted(len(callers), "caller"),
        findings=tuple(judge_permissions(callers)),
        is_used=is_used,
    )
    yield Check(
        name="triggers",
        question="Do the events start what they should?",
        about="",
        findings=(*judge_triggers(callers), *patient.of_plan),
        is_used=is_used,
    )
    yield Check(
        name="pins",
        question="Is everything pinned to a commit?",
        about="",
        findings=tuple(judge_pins(callers)),
        is_used=is_used,
    )
    yield Check(
        name="pull-request-code",
        question="Does nothing run a pull request's code with more rights than it has?",
        about=counted(len(patient.files), "file"),
        findings=tuple(judge_checkouts(patient.files)),
        is_used=bool(patient.files),
    )


def _check_setup(patient: _Patient) -> Iterator[Check]:
    """What GitHub's settings say."""
    callers, setup = patient.callers, patient.setup
    has_gate = any(each.flow.name == "gate" for each in callers)
    yield Check(
        name="schedules",
        question="Do the schedules run?",
        about="",
        findings=(*judge_hours(callers), *judge_schedules(callers, setup, patient.today)),
        is_used=bool(callers),
    )
    yield Check(
        name="required-status",
        question="Does the gate's status stop a merge?",
        about="",
        findings=tuple(judge_status(callers, setup, patient.branch)),
        is_used=has_gate,
    )
    yield Check(
        name="environment",
        question="Must somebody agree to a release?",
        about=", ".join(list_environments(callers)),
        findings=tuple(judge_environments(callers, setup)),
        is_used=bool(list_environments(callers)),
    )
    yield Check(
        name="runners",
        question="Are your own runners there, and new enough?",
        about="",
        findings=tuple(judge_runners(callers, setup)),
        is_used=bool(list_labels(callers)),
    )
    yield Check(
        name="token",
        question="May the token read what was to be looked at?",
        about="",
        findings=(*_judge_reach(callers, setup), *judge_token(setup)),
    )


def _judge_reach(callers: Sequence[Caller], setup: Setup | None) -> Iterator[Diagnostic]:
    """What the token did not let us see of what the callers depend on."""
    if setup is None:
        way_out = "set GITHUB_TOKEN, or give --token, and --repository OWNER/NAME"
        yield NOT_KNOWN.found("nobody asked GitHub: no token or no repository is given", help=way_out)
        return
    never = "administration: read, which a workflow's own token never has"
    for name, is_hidden, needs in (
        ("the rules of the default branch", setup.contexts is None, "contents: read"),
        ("environments", setup.environments is None, "actions: read"),
        ("workflows and their runs", setup.workflows is None, "actions: read"),
        ("runners", setup.runners is None and bool(list_labels(callers)), never),
    ):
        if is_hidden:
            yield NOT_KNOWN.found(f"the token may not see {name}", help=f"it takes {needs}")


def _outcome(checks: Sequence[Check]) -> Outcome:
    findings = tuple(dict.fromkeys(finding for each in checks for finding in each.findings))
    count = render_count(findings) or "nothing to fix"
    return Outcome(
        exit_code=ExitCode.NO if has_errors(findings) else ExitCode.DONE,
        text=f"{render_checks_text(checks)}\n{count}\n",
        summary=f"{render_checks_markdown(checks)}\n{count}",
        data={"checks": describe_checks(checks)},
        diagnostics=findings,
    )


DOCTOR = Action(
    name="doctor",
    summary="Say what keeps the suite from working in a repository, and what to write instead.",
    inputs=Inputs,
    run=run,
    outputs=(Output("checks", "Each check with its state, with `--format json`."),),
    permissions={"contents": "read", "actions": "read"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    is_published=False,
    needs_repository=False,
)
