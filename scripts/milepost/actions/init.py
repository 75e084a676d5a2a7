"""Write the files that adopt the suite: a plan file, callers of its workflows, the pull-request template's line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from milepost import __version__
from milepost.core.flows import DEFAULT, FLOWS, Flow
from milepost.core.model import Snapshot
from milepost.declare import BAD_INPUT, GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import Unusable
from milepost.planfile.export import render_plan_file
from milepost.planfile.load import load_plan
from milepost.planfile.validate import read_schema
from milepost.provenance import read_commit, read_default_branch
from milepost.registry import COMMANDS
from milepost.remote.snapshot import read_everything
from milepost.runner.files import create_file, is_inside
from milepost.views.callers import (
    CLOSES,
    TEMPLATE,
    Edition,
    Place,
    Source,
    render_caller,
    render_sections,
    render_starter,
)
from milepost.views.markdown import code
from milepost.views.plain import one_line
from milepost.world import Outcome, World

NO_COMMIT = Rule("no-commit", Severity.ERROR, "Nobody knows which commit of the suite the callers should use.")
OUTSIDE = Rule("outside-workspace", Severity.ERROR, "A link would lead what is written out of the workspace.")
RULES = (NO_COMMIT, OUTSIDE)

HOME = "milepost/milepost"
PLAN = Path(".github/milepost.yml")
TEMPLATE_FILE = Path(".github/pull_request_template.md")
TEMPLATE_FOLDERS = (".github", ".", "docs")
CHOICES = {each.name: each for each in FLOWS if each.action in COMMANDS}
USUAL = tuple(each for each in DEFAULT if each in CHOICES)
# github.com, and the Enterprise Cloud that is like it; Enterprise Server has no `$/` in reusable workflows.
CLOUD = re.compile(r"(api\.)?github\.com|.+\.ghe\.com")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given(
        "Token that reads the repository, so that the plan file holds what is there.", default=GITHUB_TOKEN, secret=True
    )
    actions: str = given(
        f"What to adopt, with commas between: {', '.join(CHOICES)}."
        f" When empty: {', '.join(USUAL)}, and sprint when the plan file has `sprints:`.",
        default="",
    )
    sha: str = given(
        "Full commit of the suite that the callers use; when empty, the one that this package was made from.",
        default="",
    )
    version: str = given(
        "Version that the comment beside the commit tells, such as v1.2.3; when empty, this package's.", default=""
    )
    uses: str = given("OWNER/REPO of the suite: on Enterprise Server that of your mirror.", default=HOME)
    edition: Edition | None = given(
        "`reusable` callers use the suite's workflows, `composite` ones its actions in steps of their own;"
        " when empty, `composite` on Enterprise Server, which cannot run the former.",
        default=None,
    )


@dataclass(frozen=True, kw_only=True)
class _File:
    path: Path
    text: str
    about: str = ""


def run(inputs: Inputs, world: World) -> Outcome:
    """Every file that was missing is there; what was there already is as it was."""
    source, flows = _read_source(inputs), _choose_flows(inputs, world)
    edition = inputs.edition or _choose_edition(world)
    client = world.reach()
    snapshot = read_everything(client, closed=False) if client else None
    place = Place(repository=world.context.repository, default_branch=_find_default_branch(snapshot, world))
    plan, left_out = _render_plan(snapshot, flows, has_token=inputs.token != GITHUB_TOKEN)
    files = [plan, _File(path=TEMPLATE_FILE, text=TEMPLATE)]
    files += [
        _File(
            path=Path(f".github/workflows/milepost-{each.name}.yml"), text=render_caller(each, edition, source, place)
        )
        for each in flows
    ]
    _judge_paths(files, world)
    lines = [_write(each, world) for each in files]
    written = [each.path.as_posix() for each, (is_new, _) in zip(files, lines, strict=True) if is_new]
    text = [line for _, line in lines]
    text += [
        f"the suite: {source.uses} at {source.sha} ({source.version}), {edition.value} callers",
        *(_say_next(flows) if written else ()),
    ]
    return Outcome(
        text="\n".join(text),
        summary="".join(f"- {code(each)}\n" for each in text),
        outputs={"written": "\n".join(written)},
        data={"written": written},
        diagnostics=left_out,
    )


def _read_source(inputs: Inputs) -> Source:
    problems = []
    sha = inputs.sha.lower() or read_commit()
    if not sha:
        summary = "this package does not know from which commit of the suite it was made"
        way_out = f"give --sha with the full commit of {inputs.uses} to use, and --version with its version"
        problems.append(NO_COMMIT.found(summary, help=way_out))
    elif not re.fullmatch(r"[0-9a-f]{40}", sha):
        problems.append(BAD_INPUT.found(f"--sha: {inputs.sha!r} is not a full commit", help="write its 40 digits"))
    version = inputs.version or f"v{__version__}"
    if not re.fullmatch(r"v?[0-9][\w.+-]{0,60}", version, re.ASCII):
        problems.append(BAD_INPUT.found(f"--version: {version!r} is not a version", help="write it like v1.2.3"))
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", inputs.uses, re.ASCII):
        problems.append(BAD_INPUT.found(f"--uses: {inputs.uses!r} is not a repository", help="write OWNER/REPO"))
    if problems:
        raise Unusable(problems)
    return Source(uses=inputs.uses, sha=str(sha), version=version)


def _choose_flows(inputs: Inputs, world: World) -> list[Flow]:
    names = [each for each in re.split(r"[,\s]+", inputs.actions) if each]
    if not names:
        desired, _ = load_plan(PLAN, workspace=world.context.workspace)
        names = [*USUAL, *(["sprint"] if desired is not None and desired.cadences else [])]
    unknown = [each for each in names if each not in CHOICES]
    if unknown:
        known = f"choose from {', '.join(CHOICES)}"
        raise Unusable(BAD_INPUT.found(f"--actions: there is no {each!r}", help=known) for each in unknown)
    return [each for name, each in CHOICES.items() if name in names]


def _choose_edition(world: World) -> Edition:
    hosts = [urlsplit(each).hostname or "" for each in (world.context.server_url, world.context.api_url)]
    return Edition.REUSABLE if all(CLOUD.fullmatch(each) for each in hosts) else Edition.COMPOSITE


def _find_default_branch(snapshot: Snapshot | None, world: World) -> str:
    if snapshot and snapshot.default_branch:
        return snapshot.default_branch
    return read_default_branch(world.context.workspace) or "main"


def _render_plan(
    snapshot: Snapshot | None, flows: list[Flow], *, has_token: bool
) -> tuple[_File, tuple[Diagnostic, ...]]:
    """What the repository holds, or an example where it holds no milestone, and what the workflows look for."""
    left_out: tuple[Diagnostic, ...] = ()
    if snapshot is not None and snapshot.milestones:
        text, left_out = render_plan_file(snapshot)
        about = "what the repository holds; applying it changes nothing"
    else:
        text = render_starter(read_schema()["$id"])
        missing = "--repository OWNER/NAME" if has_token else "a token and --repository OWNER/NAME"
        why = f"with {missing}, it holds what is there" if snapshot is None else "there are no open milestones"
        about = f"an example to fill in; {why}"
    return _File(path=PLAN, text=text + render_sections(flows), about=about), left_out


def _judge_paths(files: list[_File], world: World) -> None:
    """Nothing is written before every file has a place in the workspace."""
    workspace = world.context.workspace
    problems = [
        OUTSIDE.found(
            f"{each.path.as_posix()} would be written outside of the workspace, through a link",
            help="replace the link by a folder",
        )
        for each in files
        if not is_inside(workspace / each.path, workspace)
    ]
    if problems:
        raise Unusable(problems)


def _write(file: _File, world: World) -> tuple[bool, str]:
    """Whether the file is new, and the line that says so."""
    shown = file.path.as_posix()
    standing = _find_template(world.context.workspace) if file.path == TEMPLATE_FILE else None
    if standing:
        return False, _say_template(standing, world.context.workspace)
    if create_file(world.context.workspace / file.path, file.text):
        return True, f"wrote {shown}" + (f": {file.about}" if file.about else "")
    return False, f"left {shown} as it is"


def _find_template(workspace: Path) -> Path | None:
    """The pull-request template, in any of the places where GitHub looks for one; a link is one, too."""
    for folder in TEMPLATE_FOLDERS:
        for each in sorted((workspace / folder).glob("*")) if (workspace / folder).is_dir() else ():
            if each.name.lower() in ("pull_request_template.md", "pull_request_template.txt", "pull_request_template"):
                return each
    return None


def _say_template(path: Path, workspace: Path) -> str:
    shown = one_line(path.relative_to(workspace).as_posix())
    if path.is_file() and is_inside(path.resolve(), workspace) and CLOSES in path.read_text("utf-8", "replace"):
        return f"left {shown} as it is"
    return f'left {shown} as it is; add a line "{CLOSES}" to it, which the gate looks for'


def _say_next(flows: list[Flow]) -> Iterator[str]:
    yield "next: commit these files"
    if any(each.name == "gate" for each in flows):
        yield "then: require the status milepost/gate in the rules of the default branch"
    for each in flows:
        if each.environment:
            yield f"then: make an environment named {each.environment}, with the people who may release"
    yield "then: milepost doctor says what is missing"


INIT = Action(
    name="init",
    summary="Write a plan file and the workflows that use the suite; nothing is overwritten.",
    inputs=Inputs,
    run=run,
    outputs=(Output("written", "Paths of the files written, one a line."),),
    permissions={"issues": "read", "contents": "read"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    is_published=False,
    needs_repository=False,
)
