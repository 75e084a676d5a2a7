"""The issues of a plan file: their keys, and their texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from milepost.core.identity import KEY, MAX_KEY_LENGTH, issue_key
from milepost.core.model import UNMANAGED, Planned, PlannedIssue, PlannedMilestone, State
from milepost.diagnostics import Rule, Severity
from milepost.planfile.reading import Reading
from milepost.planfile.text import MOST_BYTES
from milepost.planfile.validate import Steps
from milepost.planfile.wording import quote

BAD_ISSUE_KEY = Rule("bad-issue-key", Severity.ERROR, "An issue has no usable key.")
BODY_TWICE = Rule("body-twice", Severity.ERROR, "An issue has both `body` and `body-file`.")
BAD_BODY_FILE = Rule("bad-body-file", Severity.ERROR, "A `body-file` cannot be read, or is outside the workspace.")
BODY_TOO_LONG = Rule("body-too-long", Severity.ERROR, "An issue's text is longer than GitHub takes.")
RULES = (BAD_ISSUE_KEY, BODY_TWICE, BAD_BODY_FILE, BODY_TOO_LONG)

# GitHub takes 65,536 characters; the marker below the text needs some of them.
LONGEST_BODY = 65_536 - MAX_KEY_LENGTH - 100


def load_issues(
    reading: Reading, milestones: tuple[PlannedMilestone, ...], workspace: Path | None
) -> tuple[tuple[PlannedIssue, Steps], ...]:
    """The issues below milestones, then the others, each with its place."""
    issues = []
    for index, milestone in enumerate(milestones):
        for path, each in reading.members("milestones", index, "issues"):
            issues.append((_load_issue(reading, each, path, milestone, workspace), path))
    by_title = {each.title: each for each in milestones}
    for path, each in reading.members("issues"):
        place = by_title.get(each.get("milestone") or "")
        issues.append((_load_issue(reading, each, path, place, workspace), path))
    return tuple(issues)


def _load_issue(
    reading: Reading, each: dict[str, Any], path: Steps, milestone: PlannedMilestone | None, workspace: Path | None
) -> PlannedIssue:
    for name in ("title", "was", "type"):
        if name in each:
            reading.judge_line(each[name], *path, name)
    title = reading.name(each, "title", path)
    places = _list_places(each, milestone)
    return PlannedIssue(
        key=_read_key(reading, each, path, places[0], title),
        title=title,
        number=each.get("number"),
        former_keys=_list_former_keys(each, title, places),
        body=_read_body(reading, each, path, workspace),
        labels=reading.texts(each, "labels", path),
        assignees=reading.texts(each, "assignees", path),
        type=each.get("type", UNMANAGED),
        state=State(each["state"]) if "state" in each else UNMANAGED,
        milestone=places[0],
        parent=_read_parent(each.get("parent")),
        at=reading.at(*path, "title"),
    )


def _list_places(each: dict[str, Any], milestone: PlannedMilestone | None) -> tuple[str | None, ...]:
    """The title of the issue's milestone, and the earlier one if there is any."""
    if milestone is None:
        return (each.get("milestone"),)
    return (milestone.title, milestone.was) if milestone.was else (milestone.title,)


def _read_key(reading: Reading, each: dict[str, Any], path: Steps, milestone: str | None, title: str) -> str:
    key = str(each.get("key") or issue_key(milestone, title))
    if KEY.fullmatch(key) and len(key) <= MAX_KEY_LENGTH:
        return key
    if len(key) > MAX_KEY_LENGTH:
        summary = f"the key of issue {quote(title)} is longer than {MAX_KEY_LENGTH} characters"
    elif "key" in each:
        summary = f"{quote(key)} holds more than letters, digits and `. / + - _`, or begins or ends with one of these"
    else:
        summary = f"issue {quote(title)} has no letter or digit to make a key of"
    reading.report(BAD_ISSUE_KEY, summary, *path, "key" if "key" in each else "title", help="write a short `key:`")
    return key


def _list_former_keys(each: dict[str, Any], title: str, places: tuple[str | None, ...]) -> tuple[str, ...]:
    """The keys under which earlier titles of the issue, or of its milestone, were applied."""
    was = each.get("was")
    titles = [was] if "key" in each else [title, was]
    keys = [issue_key(place, one) for place in dict.fromkeys(places) for one in titles if one]
    if was and KEY.fullmatch(was):
        keys.append(was)
    present = each.get("key") or issue_key(places[0], title)
    return tuple(key for key in dict.fromkeys(keys) if key != present)


def _read_body(reading: Reading, each: dict[str, Any], path: Steps, workspace: Path | None) -> Planned[str]:
    if "body" in each and "body-file" in each:
        reading.report(BODY_TWICE, "`body` and `body-file` stand together", *path, "body-file", help="keep one")
        return UNMANAGED
    name = "body-file" if "body-file" in each else "body"
    if name not in each:
        return UNMANAGED
    text, reason = _read_file(each[name], workspace) if name == "body-file" else (each[name], "")
    if reason:
        way_out = "name a file in the workspace, by its path from there"
        reading.report(BAD_BODY_FILE, f"{quote(each[name])} {reason}", *path, name, help=way_out)
    elif len(text) > LONGEST_BODY:
        summary = f"the text of issue {quote(reading.name(each, 'title', path))} has {len(text):,} characters"
        way_out = f"GitHub takes {LONGEST_BODY:,} beside our marker"
        reading.report(BODY_TOO_LONG, summary, *path, name, help=way_out)
    return str(text)


def _read_file(name: str, workspace: Path | None) -> tuple[str, str]:
    """The text of the file of the workspace, and the reason why it cannot be had, if there is one."""
    if workspace is None:
        return "", "cannot be read: there is no workspace"
    try:
        root = workspace.resolve()
        file = (root / name).resolve()
        if not file.is_relative_to(root):
            return "", "is outside the workspace"
        if not file.is_file():
            return "", "is no file" if file.exists() else "is not there"
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        return ("", "is larger than 1 MiB") if len(data) > MOST_BYTES else (data.decode("utf-8-sig"), "")
    except UnicodeDecodeError:
        return "", "is not UTF-8"
    except (OSError, ValueError, RuntimeError) as trouble:
        return "", f"cannot be read: {getattr(trouble, 'strerror', None) or 'it is not a path'}"


def _read_parent(text: str | None) -> str | int | None:
    if text is None:
        return None
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else str(text)
