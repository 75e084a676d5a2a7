"""Answer one question: is this the environment that the milestone declares, and does it really work?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from milepost.core.compatibility import judge_environment
from milepost.core.environment import Environment
from milepost.core.facts import Facts, Level, Reason, read_facts
from milepost.core.gpu.capture import capture
from milepost.core.gpu.judge import judge
from milepost.core.gpu.reuse import read_age, refuse_reuse
from milepost.core.image import judge_image
from milepost.core.image_name import ImageName, read_image_name
from milepost.core.model import DesiredState, Milestone, State
from milepost.core.requirements import Asked, Choice, choose_environment, judge_drift
from milepost.core.verdict import Answer, Observed, Verdict
from milepost.data.load import load_data
from milepost.declare import GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors
from milepost.errors import ExitCode, Refused, Unusable
from milepost.images.client import read_image
from milepost.images.login import Credentials, find_credentials
from milepost.planfile.load import load_plan, load_plan_text
from milepost.probing import probe_machine
from milepost.runner.context import read_member
from milepost.runner.files import list_json, read_json, write_json
from milepost.views.environment import render_data_line
from milepost.views.gpu import (
    describe_gpus,
    list_outliers,
    render_fleet,
    render_fleet_text,
    render_verdict_markdown,
    render_verdict_text,
)
from milepost.views.markdown import cell, code, prose
from milepost.views.plain import counted, one_line
from milepost.views.planned import render_entry
from milepost.views.verdict import read_observed, render_verdict
from milepost.world import Outcome, World

NO_FACTS = Rule("no-facts", Severity.ERROR, "There is no facts file where they are looked for.")
NO_IMAGE = Rule("no-image", Severity.ERROR, "The environment declares no image that a registry could tell of.")
BAD_AGE = Rule("bad-age", Severity.ERROR, "The value of `max-age` is no time.")
BASE_UNREAD = Rule("base-unread", Severity.ERROR, "The plan file at the base of the pull request cannot be read.")
NOT_WRITTEN = Rule("report-not-written", Severity.ERROR, "The report cannot be written into the workspace.")
BLOCK_UNREAD = Rule("block-unread", Severity.WARNING, "The milestone's copy of the requirements could not be read.")
NOT_CAPTURED = Rule("not-captured", Severity.ERROR, "A machine that does not pass cannot be declared as it is.")
RULES = (NO_FACTS, NO_IMAGE, BAD_AGE, BASE_UNREAD, NOT_WRITTEN, BLOCK_UNREAD, NOT_CAPTURED)

# Below the workspace: what is written, and what `where: facts` reads.
FOLDER = Path("milepost-gpu")
REPORT = "environment.json"
# What a DataLoader is tried with where nothing is declared.
SMALL_BATCH = 8 * 1024 * 1024
GHCR = "ghcr.io"
PULL_REQUESTS = ("pull_request", "pull_request_target")


class Where(str, Enum):
    """What is looked at."""

    HERE = "here"
    REGISTRY = "registry"
    FACTS = "facts"


class Mode(str, Enum):
    """Whether a declaration is checked, or one is made."""

    CHECK = "check"
    CAPTURE = "capture"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given(
        "Token that reads the plan file of a pull request's base, open milestones, and images of GHCR.",
        default=GITHUB_TOKEN,
        secret=True,
    )
    plan: Path = given(
        "Path of the plan file, from the workspace; its `environments:` are what counts.",
        default=Path(".github/milepost.yml"),
    )
    environment: str = given("Name of the environment; when empty, the milestone says which.", default="")
    milestone: str = given("Title of the milestone whose environment is meant.", default="")
    where: Where = given(
        "`here`: this machine. `registry`: the declared image, without pulling it. "
        "`facts`: the facts files below milepost-gpu/ of many machines.",
        default=Where.HERE,
    )
    mode: Mode | None = given(
        "`check` (default), or `capture`: print an entry of `environments:` for this machine.", default=None
    )
    level: Level = given("`quick` tries each GPU; `full` tries all that training needs.", default=Level.QUICK)
    python: str = given("The interpreter to inspect.", default="python3")
    max_age: str = given(
        "`full` may use a full pass of the same machine that is no older, such as `24h`; never on pull requests.",
        default="",
    )
    expect_host: str = given("The output `host` of the job that verified the machine; another one fails.", default="")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be verified, and why this."""

    environment: Environment
    timezone: str
    reason: str
    problems: tuple[Diagnostic, ...] = ()


def run(inputs: Inputs, world: World) -> Outcome:
    """The verdict is told; anything else than a proven yes is a no."""
    if inputs.mode is Mode.CAPTURE:
        return _capture(inputs, world)
    task = _resolve(inputs, world)
    if inputs.where is Where.REGISTRY:
        return _check_image(task, inputs, world)
    return _check_fleet(task, inputs, world) if inputs.where is Where.FACTS else _check_machine(task, inputs, world)


def _resolve(inputs: Inputs, world: World) -> Task:
    """The environment that is meant; raises Unusable when that is not clear."""
    if inputs.max_age and read_age(inputs.max_age) is None:
        raise Unusable([BAD_AGE.found(f"max-age: {inputs.max_age!r} is no time", help="write 30m, 24h or 7d")])
    desired, problems = _load_plan(inputs, world)
    if desired is None:
        raise Unusable(problems)
    asked = Asked(environment=inputs.environment, milestone=inputs.milestone, current=_find_current(desired, world))
    choice, more = choose_environment(desired, asked)
    milestones = None
    if choice is None and not inputs.environment and not inputs.milestone:
        # Only now is GitHub asked: a machine that is told what to be needs no network.
        milestones = _read_milestones(world)
        titles = tuple(each.title for each in milestones if each.state is State.OPEN)
        choice, more = choose_environment(desired, replace(asked, open=titles))
    if choice is None:
        raise Unusable(more)
    problems += _judge_block(choice, desired, milestones, world)
    return Task(environment=choice.environment, timezone=desired.timezone, reason=choice.reason, problems=problems)


def _read_milestones(world: World) -> tuple[Milestone, ...]:
    """The milestones of the repository; none where it cannot be reached, for want of a token."""
    client = world.reach()
    if client is None:
        return ()
    from milepost.remote.milestones import list_milestones

    return list_milestones(client)


def _judge_block(
    choice: Choice, desired: DesiredState, milestones: tuple[Milestone, ...] | None, world: World
) -> tuple[Diagnostic, ...]:
    """GitHub's copy of the requirements says what the plan file says; raises Unusable when it does not."""
    planned = choice.milestone
    if planned is None:
        return ()
    try:
        found = _read_milestones(world) if milestones is None else milestones
    except Refused as refusal:
        summary = f'the block of "{planned.title}" was not compared: {refusal.diagnostic.summary}'
        return (BLOCK_UNREAD.found(summary, help="grant `issues: read`, or give the input `environment`"),)
    drift = [
        problem for each in found if each.title == planned.title for problem in judge_drift(planned, each, desired)
    ]
    if drift:
        raise Unusable(drift)
    return ()


def _load_plan(inputs: Inputs, world: World) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    """The plan file of the workspace, or where nothing is checked out, GitHub's at the deployed commit.

    For a pull request it is the one at the base: it may not choose its own judge.
    """
    context = world.context
    is_proposed = context.event in PULL_REQUESTS
    base = str(read_member(read_member(context.payload, "pull_request"), "base").get("sha") or "")
    if not is_proposed and ((context.workspace / inputs.plan).exists() or not context.sha):
        return load_plan(inputs.plan, workspace=context.workspace)
    data = _read_plan(inputs, world, base if is_proposed else context.sha)
    if data is not None:
        return load_plan_text(data, file=inputs.plan.as_posix(), workspace=None)
    if not is_proposed:
        return load_plan(inputs.plan, workspace=context.workspace)
    summary = f"{inputs.plan} cannot be read at the base of the pull request"
    raise Unusable([BASE_UNREAD.found(summary, help="give the input `token`, with `contents: read`")])


def _read_plan(inputs: Inputs, world: World, commit: str) -> bytes | None:
    client = world.reach() if commit else None
    if client is None:
        return None
    from milepost.remote.contents import read_file  # a machine with a workspace pays for no client

    return read_file(client, inputs.plan.as_posix(), commit)


def _find_current(desired: DesiredState, world: World) -> str:
    """The title of the milestone that the pull request or release belongs to; empty when there is none."""
    payload = world.context.payload
    milestone = read_member(read_member(payload, "pull_request"), "milestone")
    release = read_member(payload, "release")
    titles = [str(each or "") for each in (milestone.get("title"), release.get("tag_name"), release.get("name"))]
    known = {each.title for each in desired.milestones}
    return next((each for each in titles if each in known), "")


def _check_image(task: Task, inputs: Inputs, world: World) -> Outcome:
    """The declaration and the declared image are judged, before a GPU is taken."""
    environment, data = task.environment, load_data()
    problems = (*task.problems, *judge_environment(environment, data, world.today(task.timezone)))
    head = f"environment {one_line(environment.name)} ({task.reason})"
    if has_errors(problems):
        return Outcome(exit_code=ExitCode.UNUSABLE, text=f"{head} cannot be", diagnostics=problems)
    if environment.image is None:
        way_out = "write `image:` below the environment, with its digest"
        raise Unusable([NO_IMAGE.found(f'environment "{environment.name}" declares no image', help=way_out)])
    try:
        credentials = _find_credentials(environment.image, inputs, world)
        image = read_image(environment.image, platform=environment.platform, credentials=credentials)
    except Refused as refusal:
        if not refusal.diagnostic.rule.startswith("image-"):
            raise
        verdict = {"verdict": Answer.FAIL.value, "environment": environment.name}
        return Outcome(
            exit_code=ExitCode.NO, outputs=verdict, text=f"{head}: fail", diagnostics=(*problems, refusal.diagnostic)
        )
    problems += judge_image(image, environment)
    answer = Answer.FAIL if has_errors(problems) else Answer.PASS
    line = render_data_line(data)
    return Outcome(
        exit_code=ExitCode.NO if answer is Answer.FAIL else ExitCode.DONE,
        outputs={"verdict": answer.value, "ref": image.ref, "environment": environment.name},
        text=f"{answer.value}: {head}\n  {one_line(image.ref)}\n  {line}",
        summary=f"### {answer.value}: the image of {cell(environment.name)}\n\n{code(image.ref)}\n\n{prose(line)}",
        diagnostics=problems,
    )


def _find_credentials(image: str, inputs: Inputs, world: World) -> Credentials | None:
    """What `docker login` left for the image's registry; for GHCR, else, the token itself."""
    name = read_image_name(image)
    host = name.host if isinstance(name, ImageName) else ""
    config = read_json(world.context.docker_config) if world.context.docker_config else None
    found = find_credentials(config, host)
    if found is not None or host != GHCR or not inputs.token:
        return found
    return Credentials(host=GHCR, username=world.context.actor or "token", password=inputs.token)


def _check_machine(task: Task, inputs: Inputs, world: World) -> Outcome:
    """This machine is probed and judged; a full pass of before may stand for a full probe."""
    stored, problems = None, task.problems
    if inputs.level is Level.FULL and inputs.max_age and world.context.event not in PULL_REQUESTS:
        verdict = _judge(_probe(task.environment, Level.QUICK, inputs, world), task, inputs, world, Level.QUICK)
        stored, why_not = _find_pass(verdict, task, inputs, world)
        if stored is None:
            world.log(f"max-age: the full probe is run: {why_not}")
    if stored is None:
        facts = _probe(task.environment, inputs.level, inputs, world)
        verdict = _judge(facts, task, inputs, world, inputs.level)
    reason = task.reason if stored is None else f"{task.reason}; the full pass of {stored} still holds"
    return _tell(verdict, replace(task, reason=reason, problems=problems), world, is_fresh=stored is None)


def _probe(
    environment: Environment | None, level: Level, inputs: Inputs, world: World, *, is_cpu: bool = False
) -> Facts:
    """What the probe found on this machine; the file with it is in the workspace."""
    needs = _list_needs(environment, is_cpu=is_cpu)
    try:
        return probe_machine(inputs.python, level, needs, world.context.workspace / FOLDER)
    except PermissionError as trouble:
        raise _unwritable(trouble) from trouble


def _list_needs(environment: Environment | None, *, is_cpu: bool) -> dict[str, Any]:
    """What the probe must try, as it reads it."""
    if environment is None:
        return {"device": "cpu" if is_cpu else "cuda"}
    needs = environment.needs
    loader = needs.dataloader
    return {
        "device": "cpu" if environment.is_cpu else "cuda",
        "compile": needs.compile,
        "dataloader": {"workers": loader.workers, "shm": loader.shm or SMALL_BATCH} if loader else None,
        "imports": list(needs.imports),
        "nccl": needs.nccl,
        "peer": needs.peer,
    }


def _judge(facts: Facts, task: Task, inputs: Inputs, world: World, level: Level) -> Verdict:
    return judge(
        facts,
        task.environment,
        load_data(),
        level=level,
        today=world.today(task.timezone),
        host=inputs.expect_host,
        previous=_read_released(world),
    )


def _read_released(world: World) -> Observed | None:
    """The environment of the last release, where a step before has put its report."""
    return read_observed(read_json(world.context.workspace / FOLDER / "released" / REPORT))


def _find_pass(verdict: Verdict, task: Task, inputs: Inputs, world: World) -> tuple[str | None, str]:
    """When the full pass was that still stands for this machine; else None, and why none does."""
    age, path = read_age(inputs.max_age), _store(verdict, world)
    if age is None or path is None:
        return None, "RUNNER_TOOL_CACHE is not set"
    stored = read_json(path)
    why_not = refuse_reuse(stored, verdict, task.environment.image, at=world.now, most_age=age)
    return (None, why_not) if why_not else (str(stored["at"]), "")


def _store(verdict: Verdict, world: World) -> Path | None:
    """Where the machine keeps the last full pass of these requirements."""
    cache = world.context.tool_cache
    return cache / "milepost" / "verified" / f"{verdict.requirements.partition(':')[2]}.json" if cache else None


def _tell(verdict: Verdict, task: Task, world: World, *, is_fresh: bool) -> Outcome:
    """The report is written, and everything about it is told."""
    at = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    report = render_verdict(verdict, at=at, image=task.environment.image, run=world.context.run_url)
    path = world.context.workspace / FOLDER / REPORT
    try:
        write_json(path, report)
        store = _store(verdict, world)
        if is_fresh and store and verdict.answer is Answer.PASS and verdict.level is Level.FULL:
            write_json(store, report)
    except PermissionError as trouble:
        raise _unwritable(trouble) from trouble
    return Outcome(
        exit_code=ExitCode.DONE if verdict.answer is Answer.PASS else ExitCode.NO,
        outputs={**_outputs(verdict), "report": str(FOLDER / REPORT)},
        text=render_verdict_text(verdict, task.reason),
        summary=render_verdict_markdown(verdict, task.environment, task.reason),
        data={"report": report},
        diagnostics=(*task.problems, *verdict.diagnostics),
    )


def _outputs(verdict: Verdict) -> dict[str, str]:
    observed = verdict.observed
    return {
        "verdict": verdict.answer.value,
        "environment": verdict.environment,
        "torch": observed.torch or "",
        "cuda": observed.cuda or "",
        "driver": observed.driver or "",
        "gpus": describe_gpus(observed) if observed.gpus else "",
        "host": observed.host or "",
    }


def _unwritable(trouble: PermissionError) -> Unusable:
    return Unusable(
        [
            NOT_WRITTEN.found(
                f"{trouble.filename} cannot be written",
                why="the job's container runs as another user than the runner",
                help="add `options: --user root`, or the runner's own user id, below the job's `container:`",
            )
        ]
    )


def _check_fleet(task: Task, inputs: Inputs, world: World) -> Outcome:
    """Each facts file is judged by itself, and one table tells them all."""
    verdicts = {name: _judge(facts, task, inputs, world, inputs.level) for name, facts in _read_fleet(world).items()}
    failing = [name for name, each in verdicts.items() if each.answer is not Answer.PASS]
    outliers = list_outliers(verdicts)
    answers = [each.answer for each in verdicts.values()]
    worst = next(each for each in (Answer.FAIL, Answer.UNPROVEN, Answer.PASS) if each in answers)
    line = f"{counted(len(verdicts), 'machine')}, {len(failing)} without a pass, {len(outliers)} unlike most"
    return Outcome(
        exit_code=ExitCode.NO if failing else ExitCode.DONE,
        outputs={"verdict": worst.value, "environment": task.environment.name},
        text=f"{worst.value}: {line}; {one_line(task.reason)}\n{render_fleet_text(verdicts)}",
        summary=f"### {worst.value}: {cell(task.environment.name)}, {line}\n\n{render_fleet(verdicts)}",
        data={"machines": {name: each.answer.value for name, each in verdicts.items()}, "outliers": outliers},
        diagnostics=(*task.problems, *(_named(name, each) for name, v in verdicts.items() for each in v.diagnostics)),
    )


def _read_fleet(world: World) -> Mapping[str, Facts]:
    """The facts of each machine, by the name of its file; a report beside them is none."""
    folder = world.context.workspace / FOLDER
    files = [each for each in list_json(folder) if each.name != REPORT]
    if not files:
        way_out = "download the artifacts with facts.json of each machine into it"
        raise Unusable([NO_FACTS.found(f"there is no facts file below {FOLDER}", help=way_out)])
    return {each.relative_to(folder).as_posix(): read_facts(read_json(each)) for each in files}


def _named(name: str, problem: Diagnostic) -> Diagnostic:
    return replace(problem, summary=f"{name}: {problem.summary}")


def _capture(inputs: Inputs, world: World) -> Outcome:
    """An entry for this machine is printed, when the machine meets it; raises Unusable without facts."""
    if inputs.where is Where.FACTS:
        facts = next(iter(_read_fleet(world).values()))
    else:
        facts = _probe(None, inputs.level, inputs, world)
        if facts.torch.cuda is None and facts.unread.get("/torch/cuda") is Reason.NOT_SUPPORTED:
            facts = _probe(None, inputs.level, inputs, world, is_cpu=True)
    name = inputs.environment or "captured"
    text = render_entry(name, capture(facts))
    desired, problems = load_plan_text(f"version: 1\n{text}".encode(), file="captured", workspace=None)
    if desired is None:
        return Outcome(exit_code=ExitCode.NO, text="not captured", diagnostics=problems)
    task = Task(environment=desired.environments[name], timezone=desired.timezone, reason="captured here")
    verdict = _judge(facts, task, inputs, world, inputs.level)
    if verdict.answer is not Answer.PASS:
        refusal = NOT_CAPTURED.found("this machine is not captured", why="something on it is not proven to work")
        problems = (refusal, *verdict.diagnostics)
        return Outcome(exit_code=ExitCode.NO, outputs=_outputs(verdict), text="not captured", diagnostics=problems)
    return Outcome(
        outputs=_outputs(verdict),
        text=text,
        summary=f"Captured:\n\n```yaml\n{text}```\n",
        data={"entry": text},
        diagnostics=verdict.diagnostics,
    )


VERIFY_GPU = Action(
    name="verify-gpu",
    summary="Verify the torch and CUDA environment of a deployment, and block it unless it is proven right.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("verdict", "`pass`, `fail` or `unproven`; only `pass` lets a deployment through."),
        Output("environment", "Name of the environment that was verified."),
        Output("ref", "With `where: registry`: the image by its digest, for `container:` of the deployment's job."),
        Output("torch", "torch's version as it was found, such as `2.9.1+cu128`."),
        Output("cuda", "The CUDA that torch is built for."),
        Output("driver", "The driver's version."),
        Output("gpus", "The GPUs that the job sees, in words."),
        Output("host", "The machine, for `expect-host` of a later job."),
        Output("report", "Path of environment.json, from the workspace."),
    ),
    permissions={"contents": "read", "issues": "read", "packages": "read"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    icon="cpu",
    needs_repository=False,
)
