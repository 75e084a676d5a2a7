"""The files that adopt the suite: a workflow that calls one of ours, the first plan file, the template's line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from milepost.core.flows import Flow, Trigger, choose_minute

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
RUNNER = "ubuntu-latest"
VERIFY = "verify-gpu"
# What an audit must know of an event that runs with more rights than who sends it.
REASONS = {
    "pull_request_target": "zizmor: ignore[dangerous-triggers] the rules come from the default branch, and no code of the pull request is fetched"
}
CLOSES = "Closes #"
# What YAML takes for something else than text.
NO_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
TEMPLATE = f"<!-- The issue that this pull request is for; its milestone is where it counts. -->\n{CLOSES}\n"


class Edition(str, Enum):
    """How a caller uses the suite: by its reusable workflows, or by its actions in steps of its own."""

    REUSABLE = "reusable"
    COMPOSITE = "composite"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the suite is: its repository, the commit, and the version that the comment beside it tells."""

    uses: str
    sha: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """The repository that adopts the suite."""

    repository: str
    default_branch: str


def render_caller(flow: Flow, edition: Edition, source: Source, place: Place) -> str:
    """The caller's workflow file."""
    lines = [f"name: milepost {flow.name}", *_triggers(flow, place), "permissions: {}"]
    if edition is Edition.REUSABLE:
        lines += ["jobs:", f"  {flow.name}:", _permissions(flow)]
        lines += [f"    uses: {source.uses}/.github/workflows/{flow.name}.yml@{source.sha} # {source.version}"]
        lines += [f"    with: {_mapping(_passed(flow))}"] if flow.passed else []
    else:
        lines += [_concurrency(flow), "jobs:", *_job(flow, source)]
        lines += _machine(source) if flow.name == VERIFY else []
    return "\n".join(lines) + "\n"


def render_starter(schema: str) -> str:
    """A plan file that plans nothing, and shows how to begin."""
    return f"# yaml-language-server: $schema={schema}\nversion: 1\n{EXAMPLE}"


EXAMPLE = """\
# timezone: Asia/Shanghai # where days begin and end; UTC when left out
# labels:
#   - {name: training, color: "1d76db", description: Training loop}
# milestones:
#   - title: v0.1
#     due: 2027-03-31
#     description: What is true when it is closed
#     issues:
#       - {title: The first step, labels: [training]}
"""


# What a workflow looks for in the plan file, and does nothing without.
SECTIONS = {
    "release": """\
release:
  milestones: "v*" # closing one of these makes its release
""",
    "sprint": """\
# sprints:
#   - title: "Sprint {number}"
#     anchor: {number: 1, start: 2027-01-04}
#     length: 2 weeks
""",
}


def render_sections(flows: Iterable[Flow]) -> str:
    """The sections that the workflows need, to go below what a plan file holds."""
    return "".join(SECTIONS.get(each.name, "") for each in flows)


def _triggers(flow: Flow, place: Place) -> Iterator[str]:
    if len(flow.triggers) == 1 and not _options(flow, flow.triggers[0], place):
        yield f"on: {flow.triggers[0].event}"
        return
    yield "on:"
    for each in flow.triggers:
        reason = f" # {REASONS[each.event]}" if each.event in REASONS else ""
        yield f"  {each.event}: {_options(flow, each, place)}".rstrip() + reason


def _options(flow: Flow, trigger: Trigger, place: Place) -> str:
    if trigger.event == "schedule":
        minute = choose_minute(place.repository, flow.name)
        return f'[{{cron: "{minute} {trigger.hour} * * {trigger.days}"}}]'
    if trigger.is_of_default_branch:
        return f"{{branches: [{_text(place.default_branch)}]}}"
    if trigger.types:
        return f"{{types: [{', '.join(trigger.types)}]}}"
    if trigger.inputs:
        return f"{{inputs: {{{', '.join(f'{name}: {_input(trigger, name)}' for name in trigger.inputs)}}}}}"
    return ""


def _input(trigger: Trigger, name: str) -> str:
    default = {"default": trigger.defaults[name]} if name in trigger.defaults else {}
    return _mapping({"description": trigger.inputs[name], **default})


def _permissions(flow: Flow) -> str:
    levels = ", ".join(f"{each.scope}: {each.level}" for each in flow.grants)
    return f"    permissions: {{{levels}}} # {'; '.join(each.reason for each in flow.grants)}"


def _concurrency(flow: Flow) -> str:
    # Only a called workflow has those inputs.
    group = (flow.group or f"milepost-{flow.name}").replace("-${{ inputs.environment || inputs.milestone }}", "")
    return f"concurrency: {{group: {_text(group)}, cancel-in-progress: false}}"


def _job(flow: Flow, source: Source) -> Iterator[str]:
    """The job that runs the action itself; of verify-gpu, the one that looks at the image without a GPU."""
    is_verify = flow.name == VERIFY
    name = "image" if is_verify else flow.name
    yield from (f"  {name}:", f"    name: {name}", f"    runs-on: {RUNNER}", _permissions(flow))
    if flow.environment:
        yield f"    environment: {flow.environment}"
    if is_verify:
        yield '    outputs: {ref: "${{ steps.run.outputs.ref }}", environment: "${{ steps.run.outputs.environment }}"}'
    yield "    steps:"
    if flow.has_checkout:
        yield f"      - uses: {CHECKOUT}"
        yield "        with: {persist-credentials: false}"
    yield from ["      - id: run"] if is_verify else []
    yield f"      {'  ' if is_verify else '- '}uses: {source.uses}/actions/{flow.action}@{source.sha} # {source.version}"
    given = {**flow.inputs, **_passed(flow), **({"where": "registry"} if is_verify else {})}
    if given:
        yield f"        with: {_mapping(given)}"


def _machine(source: Source) -> Iterator[str]:
    """The job on a machine with a GPU, in the image that was looked at."""
    yield "  machine:"
    yield "    name: machine"
    yield "    needs: image"
    yield "    runs-on: [self-hosted, gpu]"
    yield "    permissions: {contents: read, packages: read} # the plan file; the image"
    yield '    container: {image: "${{ needs.image.outputs.ref }}", options: "--gpus all"} # zizmor: ignore[unpinned-images] it is NAME@sha256:…'
    yield "    steps:"
    yield f"      - uses: {source.uses}/actions/{VERIFY}@{source.sha} # {source.version}"
    yield '        with: {environment: "${{ needs.image.outputs.environment }}"}'


def _passed(flow: Flow) -> dict[str, str]:
    return {name: f"${{{{ inputs.{name} }}}}" for name in flow.passed}


def _mapping(values: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{name}: {_text(value)}' for name, value in values.items())}}}"


def _text(value: str) -> str:
    """The text as a scalar of YAML that is that text: plain when it is a word, else in JSON's quotes."""
    is_word = value.isascii() and value.replace("-", "").isalpha() and value.lower() not in NO_WORDS
    return value if is_word else json.dumps(value)
