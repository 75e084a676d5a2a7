"""The reusable workflows: each is rendered from its flow in core/flows.py and from the action that it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from milepost.core.flows import FLOWS, Flow, Grant
from milepost.declare import Action, Input, list_inputs
from milepost.registry import COMMANDS, get_action

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0"
# This repository at the commit that runs; older runners and Enterprise Server need the rendered edition instead.
OWN = "$/actions/"
# What counts only where something is written.
WRITING = ("time-limit", "pace", "allow-fork")
SHOWING = ("plan", "drift")
VERIFY = "verify-gpu"
# `where` is what its two jobs differ by; a capture and a later job's machine are steps of somebody's own workflow.
NOT_OF_VERIFY = ("where", "mode", "expect-host")
OF_THE_IMAGE = ("ref", "environment")
OF_A_MACHINE = ("torch", "cuda", "driver", "gpus", "host")
# GitHub evaluates only the side of `&&` and `||` that counts, so that a plain label is never parsed.
LABELS = "${{{{ startsWith(inputs.{0}, '[') && fromJSON(inputs.{0}) || inputs.{0} }}}}"
FOREIGN = "startsWith(github.event_name, 'pull_request') && github.event.pull_request.head.repo.full_name != github.repository"
REFUSE = (
    'echo "::error title=foreign-pull-request::A pull request from another repository is not run on machines of your own:'
    ' verify after the merge, on push, release or workflow_dispatch"; exit 1'
)
RUNNER = ("runner", "Label of the runner, or a JSON list of labels.", "string", "ubuntu-latest")
GPU_RUNNERS = (
    "gpu-runners",
    "JSON list of the machines to verify: of each its label, or the list of its labels.",
    "string",
    '[["self-hosted", "gpu"]]',
)
OPTIONS = ("options", "Options of the container on the machines.", "string", "--gpus all")
BY_DIGEST = "zizmor: ignore[unpinned-images] it is NAME@sha256:…, the image that the job before has verified"
Declared = tuple[str, str, str, str]


def render_workflows() -> dict[str, str]:
    """By file name: every workflow whose action exists."""
    return {f"{each.name}.yml": render_workflow(each) for each in FLOWS if each.action in COMMANDS}


def render_workflow(flow: Flow) -> str:
    """.github/workflows/<name>.yml: the action with the least that its jobs must be granted."""
    action = get_action(flow.action)
    module = Path(str(action.run.__module__).replace(".", "/") + ".py")
    lines = [
        f"# Generated from scripts/milepost/core/flows.py and scripts/{module} by scripts/generate.py."
        " Edit those files, then run it.",
        f"name: milepost {flow.name}",
        "on:",
        "  workflow_call:",
        *_declare_inputs(flow, action),
        *_declare_secrets(action),
        *_declare_outputs(flow, action),
        "permissions: {}",
        "concurrency: # a caller must not use this group for itself: GitHub would cancel one of the two",
        f"  group: {flow.group or f'milepost-{flow.name}'}",
        "  cancel-in-progress: false",
        "jobs:",
        *(_verify_jobs(flow, action) if flow.name == VERIFY else _job(flow, action)),
    ]
    return "\n".join(lines) + "\n"


def render_edition(text: str, uses: str) -> str:
    """The workflow with our own actions named by repository and ref; raises ValueError for what is no such name."""
    found = re.fullmatch(r"([\w.-]+/[\w.-]+)@([\w./-]+)", uses)
    if not found:
        raise ValueError(f"{uses!r} is not OWNER/REPO@REF")
    return re.sub(r"(uses: )\$/(\S+)", lambda own: f"{own[1]}{found[1]}/{own[2]}@{found[2]}", text)


def _declare_inputs(flow: Flow, action: Action) -> Iterator[str]:
    yield "    inputs:"
    own = [(each.name, each.description, _kind(each), each.default or "") for each in _list_inputs(flow, action)]
    for name, description, kind, default in (*own, *_list_own(flow)):
        yield f"      {name}:"
        yield f"        description: {_quote(description)}"
        yield f"        type: {kind}"
        yield f"        default: {default if kind != 'string' else _quote(default)}"


def _list_inputs(flow: Flow, action: Action) -> list[Input]:
    """The inputs of the action that a caller may give; secrets are none of them."""
    without = set(flow.inputs)
    if flow.inputs.get("mode") in SHOWING:
        without.update(WRITING)
    if flow.name == VERIFY:
        without.update(NOT_OF_VERIFY)
    return [each for each in list_inputs(action.inputs) if not each.is_secret and each.name not in without]


def _list_own(flow: Flow) -> tuple[Declared, ...]:
    """The inputs that are about the jobs, not the action."""
    if flow.name == VERIFY:
        return RUNNER, GPU_RUNNERS, OPTIONS
    if flow.environment:
        about = "Deployment environment of the job, whose reviewers must agree."
        return RUNNER, ("environment", about, "string", flow.environment)
    return (RUNNER,)


def _kind(each: Input) -> str:
    """The type of the input in a workflow: what may be empty is a text."""
    if each.default in ("true", "false"):
        return "boolean"
    return "number" if each.default and each.default.isdigit() else "string"


def _declare_secrets(action: Action) -> Iterator[str]:
    yield "    secrets:"
    for each in list_inputs(action.inputs):
        if each.is_secret:
            more = " The job's own token when it is not given." if each.name == "token" else ""
            yield f"      {each.name}:"
            yield f"        description: {_quote(each.description + more)}"
            yield "        required: false"


def _declare_outputs(flow: Flow, action: Action) -> Iterator[str]:
    yield "    outputs:"
    for each in action.outputs:
        job = flow.name
        if flow.name == VERIFY:
            job = "machine" if each.name in OF_A_MACHINE else "image"
        if job == "image" and each.name not in OF_THE_IMAGE:
            continue
        more = " Of several machines, the one that ended last." if job == "machine" else ""
        yield f"      {each.name}:"
        yield f"        description: {_quote(each.description + more)}"
        yield f"        value: ${{{{ jobs.{job}.outputs.{each.name} }}}}"


def _job(flow: Flow, action: Action) -> Iterator[str]:
    yield f"  {flow.name}:"
    yield f"    name: {flow.name}"
    yield f"    runs-on: {LABELS.format('runner')}"
    if flow.environment:
        yield "    environment: ${{ inputs.environment }}"
    yield from _permissions(flow.grants)
    yield from _outputs(each.name for each in action.outputs)
    yield "    steps:"
    if flow.has_checkout:
        yield f"      - uses: {CHECKOUT}"
        yield from ("        with:", "          persist-credentials: false")
    yield from _step(action, _given(flow, action))


def _verify_jobs(flow: Flow, action: Action) -> Iterator[str]:
    """The image is verified where no GPU is taken; then each machine verifies itself, inside that image."""
    given = _given(flow, action)
    yield "  image:"
    yield "    name: image"
    yield f"    runs-on: {LABELS.format('runner')}"
    yield from _permissions(flow.grants)
    yield from _outputs(OF_THE_IMAGE)
    yield "    steps:"
    yield "      - name: Refuse the code of other repositories"
    yield f"        if: {FOREIGN}"
    yield f"        run: {_quote(REFUSE)}"
    of_image = {name: value for name, value in given.items() if name not in ("level", "python", "max-age")}
    yield from _step(action, {**of_image, "where": "registry"})
    yield "  machine:"
    yield "    name: machine"
    yield "    needs: image"
    yield f"    if: ${{{{ !({FOREIGN}) }}}}"
    yield "    strategy:"
    yield "      fail-fast: false"
    yield "      matrix:"
    yield "        runner: ${{ fromJSON(inputs.gpu-runners) }}"
    yield "    runs-on: ${{ matrix.runner }}"
    yield "    container:"
    yield f"      image: ${{{{ needs.image.outputs.ref }}}} # {BY_DIGEST}"
    yield "      options: ${{ inputs.options }}"
    yield from _permissions(each for each in flow.grants if each.scope != "issues")
    yield from _outputs(OF_A_MACHINE)
    yield "    steps:"
    of_machine = {name: value for name, value in given.items() if name != "milestone"}
    yield from _step(action, {**of_machine, "environment": "${{ needs.image.outputs.environment }}"})
    several = "${{ strategy.job-total > 1 && format('-{0}', strategy.job-index) || '' }}"
    yield f"      - uses: {UPLOAD}"
    yield "        if: ${{ !cancelled() }}"
    yield "        with:"
    yield f"          name: milepost-environment-${{{{ needs.image.outputs.environment }}}}{several}"
    yield "          path: milepost-gpu/"


def _permissions(grants: Iterable[Grant]) -> Iterator[str]:
    yield "    permissions:"
    yield from (f"      {each.scope}: {each.level} # {each.reason}" for each in grants)


def _outputs(names: Iterable[str]) -> Iterator[str]:
    yield "    outputs:"
    yield from (f"      {name}: ${{{{ steps.run.outputs.{name} }}}}" for name in names)


def _given(flow: Flow, action: Action) -> dict[str, str]:
    """What the step gives to the action: secrets, what the flow settles, and what the caller gave."""
    secrets = {
        each.name: f"${{{{ secrets.{each.name}{' || github.token' if each.name == 'token' else ''} }}}}"
        for each in list_inputs(action.inputs)
        if each.is_secret
    }
    passed = {each.name: f"${{{{ inputs.{each.name} }}}}" for each in _list_inputs(flow, action)}
    return {**secrets, **flow.inputs, **passed}


def _step(action: Action, given: Mapping[str, str]) -> Iterator[str]:
    yield "      - id: run"
    yield f"        uses: {OWN}{action.name}"
    yield "        with:"
    yield from (f"          {name}: {value}" for name, value in given.items())


def _quote(text: str) -> str:
    """A YAML scalar in double quotes: JSON's quoting is YAML's too."""
    return json.dumps(text, ensure_ascii=False)
