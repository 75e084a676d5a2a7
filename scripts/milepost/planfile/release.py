"""The `release:` section of the plan file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from milepost.core.model import PlannedMilestone
from milepost.core.next_title import is_next_pattern
from milepost.core.release_checks import judge_name
from milepost.core.releasing import (
    NotesSettings,
    NotesSource,
    OpenIssues,
    Releasing,
    Requirement,
    Section,
    is_tag_pattern,
)
from milepost.diagnostics import Rule, Severity
from milepost.planfile.reading import Reading
from milepost.planfile.wording import nearest, quote

BAD_TAG_PATTERN = Rule("bad-tag-pattern", Severity.ERROR, "The pattern of tags does not make one tag for each title.")
BAD_NEXT_PATTERN = Rule("bad-next-pattern", Severity.ERROR, "The pattern of the next milestone raises no number.")
BAD_TEMPLATE_PATH = Rule(
    "bad-template-path", Severity.ERROR, "The template of release notes is no file of this repository."
)
UNKNOWN_RELEASE_ENVIRONMENT = Rule(
    "unknown-release-environment", Severity.ERROR, "A release requires an environment that the plan does not define."
)
RULES = (BAD_TAG_PATTERN, BAD_NEXT_PATTERN, BAD_TEMPLATE_PATH, UNKNOWN_RELEASE_ENVIRONMENT)

SECTION = "release"


def load_releasing(
    reading: Reading, milestones: Iterable[PlannedMilestone], environments: Iterable[str]
) -> Releasing | None:
    """What the section asks for, each key with its default; None where the plan file has no such section."""
    value = reading.value.get(SECTION)
    if value is None:
        return None
    default = Releasing()
    releasing = Releasing(
        milestones=_read_patterns(reading, value) or default.milestones,
        tag=value.get("tag") or default.tag,
        open_issues=OpenIssues(value.get("open-issues") or default.open_issues),
        notes=_read_notes(reading, value.get("notes") or {}),
        require=_read_requirement(reading, value.get("require") or {}, tuple(environments)),
        allow=reading.texts(value, "allow", (SECTION,)),
        then=reading.texts(value, "then", (SECTION,)),
        next=value.get("next"),
    )
    _judge_patterns(reading, releasing)
    if not reading.is_broken(SECTION, "tag"):
        _judge_tags(reading, releasing, milestones)
    return releasing


def _read_patterns(reading: Reading, value: dict[str, Any]) -> tuple[str, ...]:
    patterns = value.get("milestones")
    if isinstance(patterns, str):
        reading.judge_line(patterns, SECTION, "milestones")
        return (patterns,)
    return reading.texts(value, "milestones", (SECTION,))


def _read_notes(reading: Reading, value: dict[str, Any]) -> NotesSettings:
    default, path = NotesSettings(), (SECTION, "notes")
    sections: dict[str, Any] | None = value.get("sections")
    template = value.get("template")
    if template is not None and (template.startswith("/") or "\\" in template or ".." in template.split("/")):
        summary = f"{quote(template)} is no path inside the repository"
        reading.report(BAD_TEMPLATE_PATH, summary, *path, "template", help="write it like .github/notes.md.j2")
    found = [
        Section(title=title, labels=reading.texts(sections or {}, title, (*path, "sections")))
        for title in sections or ()
    ]
    for each in found:
        reading.judge_line(each.title, *path, "sections", each.title)
    return NotesSettings(
        source=NotesSource(value.get("source") or default.source),
        sections=default.sections if sections is None else tuple(found),
        breaking=reading.texts(value, "breaking", path) if "breaking" in value else default.breaking,
        dependencies=reading.texts(value, "dependencies", path) if "dependencies" in value else default.dependencies,
        hidden=reading.texts(value, "hidden", path) if "hidden" in value else default.hidden,
        template=template,
    )


def _read_requirement(reading: Reading, value: dict[str, Any], environments: tuple[str, ...]) -> Requirement:
    default, name = Requirement(), value.get("environment")
    if name is not None and name not in environments and not reading.hides("environments"):
        summary = f"{quote(name)} is not among `environments:`"
        way_out = nearest(name, list(environments), otherwise="add it there")
        reading.report(UNKNOWN_RELEASE_ENVIRONMENT, summary, SECTION, "require", "environment", help=way_out)
    return Requirement(
        environment=name,
        workflow=value.get("workflow") or default.workflow,
        statuses=reading.texts(value, "statuses", (SECTION, "require")),
    )


def _judge_patterns(reading: Reading, releasing: Releasing) -> None:
    if not is_tag_pattern(releasing.tag):
        summary, way_out = f"{quote(releasing.tag)} holds no {{title}} or {{name}}", "write it like {title} or v{name}"
        reading.report(BAD_TAG_PATTERN, summary, SECTION, "tag", help=way_out)
    if releasing.next is not None and not is_next_pattern(releasing.next):
        summary, way_out = f"{quote(releasing.next)} raises no number", "write it like v{major}.{minor+1}.0"
        reading.report(BAD_NEXT_PATTERN, summary, SECTION, "next", help=way_out)


def _judge_tags(reading: Reading, releasing: Releasing, milestones: Iterable[PlannedMilestone]) -> None:
    """Before anything is closed: the planned titles that release make tags that git takes."""
    for each in milestones:
        if releasing.takes(each.title):
            problems = judge_name(each.title, releasing.name_tag(each.title))
            reading.problems += [replace(problem, at=each.at) for problem in problems]
