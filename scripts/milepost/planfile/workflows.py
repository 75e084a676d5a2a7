"""Reads the workflow files of a workspace. What GitHub itself would refuse in them is GitHub's to tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from milepost.core.workflow_file import Event, Job, Permissions, Use, WorkflowFile
from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.nodes import Mapping, Node, Scalar, Sequence
from milepost.planfile.source import parse_plan
from milepost.planfile.text import MOST_BYTES
from milepost.planfile.wording import escape

UNREADABLE_WORKFLOW = Rule("unreadable-workflow", Severity.WARNING, "A workflow file cannot be read.")
RULES = (UNREADABLE_WORKFLOW,)

FOLDER = ".github/workflows"
MOST_FILES = 500
ALL = {"read-all": "read", "write-all": "write"}


def load_workflows(workspace: Path) -> tuple[tuple[WorkflowFile, ...], tuple[Diagnostic, ...]]:
    """Every workflow file of the workspace, and what could not be read."""
    folder = workspace / FOLDER
    paths = sorted(each for each in folder.glob("*") if each.suffix in (".yml", ".yaml")) if folder.is_dir() else []
    files: list[WorkflowFile] = []
    problems: list[Diagnostic] = []
    for path in paths[:MOST_FILES]:
        name = f"{FOLDER}/{path.name}"
        try:
            with path.open("rb") as stream:
                found, problem = load_workflow_text(stream.read(MOST_BYTES + 1), file=name)
        except OSError as trouble:
            found, problem = None, UNREADABLE_WORKFLOW.found(f"{escape(name)} cannot be read: {trouble.strerror}")
        files += [found] if found else []
        problems += [problem] if problem else []
    return tuple(files), tuple(problems)


def load_workflow_text(data: bytes, *, file: str) -> tuple[WorkflowFile | None, Diagnostic | None]:
    """The workflow that the bytes hold, or why nobody can tell. Never raises."""
    root, problems = parse_plan(data, file=file)
    if not isinstance(root, Mapping):
        first = problems[0] if problems else None
        summary = f"{escape(file)} is no workflow" + (f": {first.summary}" if first else "")
        return None, UNREADABLE_WORKFLOW.found(summary, at=first.at if first else None, help="mend it, and look again")
    events = {each.name: each for each in _events(root)}
    jobs = tuple(_job(key, node) for key, node in _entries(root, "jobs"))
    return WorkflowFile(path=file, events=events, jobs=jobs, permissions=_permissions(root)), None


def _events(root: Mapping) -> Iterator[Event]:
    _, node = root.by_key.get("on", (None, None))
    if isinstance(node, Scalar):
        yield Event(name=node.text, at=node.at)
    if isinstance(node, Sequence):
        yield from (Event(name=each.text, at=each.at) for each in node.items if isinstance(each, Scalar))
    if isinstance(node, Mapping):
        yield from (_event(key, value) for key, value in node.entries)


def _event(key: Scalar, node: Node) -> Event:
    crons: list[tuple[str, Location]] = []
    for each in node.items if isinstance(node, Sequence) else ():
        cron = _value(each, "cron")
        crons += [(cron.text, cron.at)] if isinstance(cron, Scalar) else []
    inputs = tuple(name.text for name, _ in _entries(node, "inputs"))
    return Event(name=key.text, at=key.at, types=_texts(_value(node, "types")), crons=tuple(crons), inputs=inputs)


def _job(key: Scalar, node: Node) -> Job:
    steps = _value(node, "steps")
    uses = [_use(each) for each in steps.items] if isinstance(steps, Sequence) else []
    return Job(
        name=key.text,
        at=key.at,
        permissions=_permissions(node),
        calls=_use(node),
        steps=tuple(each for each in uses if each),
    )


def _use(node: Node) -> Use | None:
    used = _value(node, "uses")
    if not isinstance(used, Scalar):
        return None
    given = {name.text: value.text for name, value in _entries(node, "with") if isinstance(value, Scalar)}
    return Use(text=used.text, at=used.at, inputs=given)


def _permissions(node: Node) -> Permissions | None:
    if not isinstance(node, Mapping) or "permissions" not in node.by_key:
        return None
    key, value = node.by_key["permissions"]
    if isinstance(value, Scalar):
        return Permissions(at=key.at, otherwise=ALL.get(value.text, "none"))
    scopes = {name.text: level.text for name, level in _entries(node, "permissions") if isinstance(level, Scalar)}
    return Permissions(at=key.at, scopes=scopes)


def _value(node: Node | None, name: str) -> Node | None:
    return node.by_key[name][1] if isinstance(node, Mapping) and name in node.by_key else None


def _entries(node: Node | None, name: str) -> tuple[tuple[Scalar, Node], ...]:
    below = _value(node, name)
    return below.entries if isinstance(below, Mapping) else ()


def _texts(node: Node | None) -> tuple[str, ...]:
    if isinstance(node, Scalar):
        return (node.text,)
    return tuple(each.text for each in node.items if isinstance(each, Scalar)) if isinstance(node, Sequence) else ()
