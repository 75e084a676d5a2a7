"""A snapshot as the text of a plan file that changes nothing when it is applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from milepost.core.identity import block_values, split_body, split_description
from milepost.core.milestones import LINE
from milepost.core.model import Issue, Label, Milestone, Snapshot, State
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.planfile.load import UNSHOWABLE
from milepost.planfile.validate import quote, read_schema

NOT_EXPORTED = Rule("not-exported", Severity.WARNING, "Something on GitHub cannot be written into a plan file.")
RULES = (NOT_EXPORTED,)


def render_plan_file(snapshot: Snapshot) -> tuple[str, tuple[Diagnostic, ...]]:
    """The plan file, and what had to be left out of it."""
    problems: list[Diagnostic] = []
    labels = [_label(each) for each in snapshot.labels if _can_hold("label", each.name, problems)]
    kept = [each for each in snapshot.milestones if _can_hold("milestone", each.title, problems)]
    issues = [each for each in snapshot.issues if _can_hold("issue", each.title, problems)]
    known = {each.number for each in kept}
    plan: dict[str, Any] = {"version": 1, "repository": snapshot.repository}
    if labels:
        plan["labels"] = labels
    by_number = sorted(kept, key=lambda each: each.number)
    if kept:
        plan["milestones"] = [_milestone(each, _of(issues, each.number)) for each in by_number]
    loose = [_issue(each) for each in issues if each.milestone not in known]
    if loose:
        plan["issues"] = loose
    header = f"# yaml-language-server: $schema={read_schema()['$id']}\n"
    return header + _dump(plan), tuple(problems)


def _of(issues: Iterable[Issue], number: int) -> list[Issue]:
    return [each for each in issues if each.milestone == number]


def _label(label: Label) -> dict[str, Any]:
    entry = {"name": label.name, "color": label.color.lower()}
    shown = UNSHOWABLE.sub(" ", label.description).strip()
    # A description that the plan file cannot hold stays unmanaged.
    return {**entry, "description": label.description} if shown and shown == label.description else entry


def _milestone(milestone: Milestone, issues: list[Issue]) -> dict[str, Any]:
    text, block = split_description(milestone.description)
    values = block_values(block.get(LINE) or "") if block else {}
    entry: dict[str, Any] = {"title": milestone.title}
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", values.get("start", "")):
        entry["start"] = values["start"]
    if milestone.due:
        entry["due"] = milestone.due.isoformat()
    if text and _is_printable(text):
        entry["description"] = text
    if milestone.state is State.CLOSED:
        entry["state"] = "closed"
    if issues:
        entry["issues"] = [_issue(each) for each in sorted(issues, key=lambda each: each.number)]
    return entry


def _issue(issue: Issue) -> dict[str, Any]:
    """The issue by number; its text is left to GitHub, where people write it."""
    entry: dict[str, Any] = {"title": issue.title, "number": issue.number}
    marker = split_body(issue.body)[1]
    if marker:
        entry["key"] = marker.key
    if issue.labels:
        entry["labels"] = list(issue.labels)
    if issue.assignees:
        entry["assignees"] = list(issue.assignees)
    return entry


def _can_hold(noun: str, text: str, problems: list[Diagnostic]) -> bool:
    if not UNSHOWABLE.search(text) and text == text.strip() and text:
        return True
    problems.append(
        NOT_EXPORTED.found(
            f"{noun} {quote(text)} is left out", help="rename it on GitHub: no blanks at the ends, one line"
        )
    )
    return False


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
