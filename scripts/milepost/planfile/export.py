"""A snapshot as the text of a plan file that changes nothing when it is applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, TypeVar

import yaml

from milepost.core.identity import KEY, MAX_KEY_LENGTH, block_values, issue_key, split_body, split_description
from milepost.core.milestones import LINE
from milepost.core.model import Issue, Label, Milestone, Snapshot, State
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.planfile.dates import read_day
from milepost.planfile.reading import UNSHOWABLE
from milepost.planfile.validate import read_schema
from milepost.planfile.wording import quote

NOT_EXPORTED = Rule("not-exported", Severity.WARNING, "Something on GitHub cannot be written into a plan file.")
RULES = (NOT_EXPORTED,)

LOGIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:_[A-Za-z0-9]+)?"
Named = TypeVar("Named", Label, Milestone)
ENVIRONMENT_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"


def render_plan_file(snapshot: Snapshot) -> tuple[str, tuple[Diagnostic, ...]]:
    """The plan file, and what had to be left out of it."""
    problems: list[Diagnostic] = []
    labels = list(_hold("label", snapshot.labels, lambda label: label.name, problems))
    numbered = sorted(snapshot.milestones, key=lambda milestone: milestone.number)
    milestones = list(_hold("milestone", numbered, lambda milestone: milestone.title, problems))
    titles = {each.number: each.title for each in milestones}
    issues = [each for each in snapshot.issues if _can_hold("issue", each.title, problems)]
    entries = _issue_entries(issues, titles, {each.name.casefold() for each in labels})
    environments = dict(filter(None, (_environment(each) for each in milestones)))
    plan = {
        "version": 1,
        "repository": snapshot.repository,
        "labels": [_label(each) for each in labels],
        "environments": environments,
        "milestones": [_milestone(each, _of(issues, each.number, entries)) for each in milestones],
        "issues": [entries[each.number] for each in issues if each.milestone not in titles],
    }
    header = f"# yaml-language-server: $schema={read_schema()['$id']}\n"
    return header + _dump({name: value for name, value in plan.items() if value}), tuple(problems)


def _hold(
    noun: str, members: Iterable[Named], name: Callable[[Named], str], problems: list[Diagnostic]
) -> Iterator[Named]:
    """The members that a plan file can hold; of those that differ in case only, the first."""
    seen: dict[str, str] = {}
    for each in members:
        first = seen.setdefault(name(each).casefold(), name(each))
        if first != name(each):
            summary = f"{noun} {quote(name(each))} is left out: it differs from {quote(first)} in case only"
            problems.append(NOT_EXPORTED.found(summary, help="give one of them another name on GitHub"))
        elif _can_hold(noun, name(each), problems):
            yield each


def _issue_entries(
    issues: list[Issue], milestones: dict[int, str], labels: Container[str]
) -> dict[int, dict[str, Any]]:
    """Each issue's entry by its number; one whose title makes no key of its own gets one."""
    entries, taken = {}, set()
    for each in sorted(issues, key=lambda issue: issue.number):
        entry = _issue(each, labels)
        title = milestones.get(each.milestone or 0)
        key = entry.get("key") or issue_key(title, each.title)
        if key in taken or not KEY.fullmatch(key) or len(key) > MAX_KEY_LENGTH:
            key = entry["key"] = f"issue-{each.number}"
        taken.add(key)
        entries[each.number] = entry
    return entries


def _of(issues: list[Issue], milestone: int, entries: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    held = sorted(each.number for each in issues if each.milestone == milestone)
    return [entries[number] for number in held]


def _label(label: Label) -> dict[str, Any]:
    entry = {"name": label.name, "color": label.color.lower()}
    shown = UNSHOWABLE.sub(" ", label.description).strip()
    # A description that the plan file cannot hold stays unmanaged.
    return {**entry, "description": label.description} if shown and shown == label.description else entry


def _environment(milestone: Milestone) -> tuple[str, dict[str, str]] | None:
    """What the milestone's block copies of its environment."""
    values = _copied(milestone)
    if not re.fullmatch(ENVIRONMENT_NAME, values.get("environment", "")):
        return None
    return values["environment"], {"image": values["image"]} if values.get("image") else {}


def _copied(milestone: Milestone) -> dict[str, str]:
    block = split_description(milestone.description)[1]
    return block_values(block.get(LINE) or "") if block else {}


def _milestone(milestone: Milestone, issues: list[dict[str, Any]]) -> dict[str, Any]:
    text, values = split_description(milestone.description)[0], _copied(milestone)
    entry: dict[str, Any] = {"title": milestone.title}
    start, _ = read_day(values.get("start", ""))
    # The block is a copy that others may have edited; a start after the due date is none of ours.
    if start and not (milestone.due and milestone.due < start):
        entry["start"] = start.isoformat()
    if milestone.due:
        entry["due"] = milestone.due.isoformat()
    if _environment(milestone):
        entry["environment"] = values["environment"]
    if text and _is_printable(text):
        entry["description"] = text
    if milestone.state is State.CLOSED:
        entry["state"] = "closed"
    if issues:
        entry["issues"] = issues
    return entry


def _issue(issue: Issue, known: Container[str]) -> dict[str, Any]:
    """The issue by number; its text is left to GitHub, where people write it."""
    entry: dict[str, Any] = {"title": issue.title, "number": issue.number}
    marker = split_body(issue.body)[1]
    if marker:
        entry["key"] = marker.key
    labels = [each for each in issue.labels if each.casefold() in known]
    assignees = [each for each in issue.assignees if re.fullmatch(LOGIN, each)]
    if labels:
        entry["labels"] = labels
    if assignees:
        entry["assignees"] = assignees
    return entry


def _can_hold(noun: str, text: str, problems: list[Diagnostic]) -> bool:
    if _is_showable(text):
        return True
    problems.append(
        NOT_EXPORTED.found(
            f"{noun} {quote(text)} is left out", help="rename it on GitHub: no blanks at the ends, one line"
        )
    )
    return False


def _is_showable(text: str) -> bool:
    return bool(text) and text == text.strip() and not UNSHOWABLE.search(text)


def _is_printable(text: str) -> bool:
    return not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]", text)


class _Dumper(yaml.SafeDumper):
    """Writes texts so that every YAML reader, and ours, reads the same text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_block = "\n" in text and not re.search(r"[ \t]\n|\t|[\x85\u2028\u2029\ufeff\r]", text) and text == text.strip()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_block else None)


_Dumper.add_representer(str, _represent_text)


def _dump(plan: dict[str, Any]) -> str:
    return "".join(_sections(plan))


def _sections(plan: dict[str, Any]) -> Iterator[str]:
    for name, value in plan.items():
        yield yaml.dump({name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
