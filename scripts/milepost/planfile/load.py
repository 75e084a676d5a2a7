"""A plan file as the desired state, or every problem with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from milepost.core.identity import KEY, MAX_KEY_LENGTH, issue_key
from milepost.core.model import (
    UNMANAGED,
    DesiredState,
    Environment,
    Planned,
    PlannedIssue,
    PlannedLabel,
    PlannedMilestone,
    State,
)
from milepost.diagnostics import Diagnostic, Location, Rule, Severity, has_errors, in_file_order
from milepost.planfile.dates import add_days, read_day, read_distance
from milepost.planfile.lint import lint
from milepost.planfile.relations import judge_relations
from milepost.planfile.source import MOST_BYTES, Node, parse_plan
from milepost.planfile.validate import Path_, find, nearest, quote, validate

MISSING_PLAN = Rule("missing-plan", Severity.ERROR, "There is no plan file where it is looked for.")
BAD_TIMEZONE = Rule("bad-timezone", Severity.ERROR, "The time zone is not an IANA name.")
BAD_DATE = Rule("bad-date", Severity.ERROR, "A date is not a day of the calendar.")
NO_START = Rule("no-start", Severity.ERROR, "A due date is counted from a day that the plan does not give.")
DUE_BEFORE_START = Rule("due-before-start", Severity.ERROR, "A milestone is due before it starts.")
BAD_TEXT = Rule("bad-text", Severity.ERROR, "A name or title holds characters that GitHub cannot show on one line.")
BAD_BRANCH = Rule("bad-branch", Severity.ERROR, "A branch name is not one that git allows.")
BAD_KEY_TEXT = Rule("bad-issue-key", Severity.ERROR, "An issue has no usable key.")
BODY_TWICE = Rule("body-twice", Severity.ERROR, "An issue has both `body` and `body-file`.")
BODY_FILE = Rule("bad-body-file", Severity.ERROR, "A `body-file` cannot be read, or is outside the workspace.")
BODY_TOO_LONG = Rule("body-too-long", Severity.ERROR, "An issue's text is longer than GitHub takes.")
RULES = (
    MISSING_PLAN,
    BAD_TIMEZONE,
    BAD_DATE,
    NO_START,
    DUE_BEFORE_START,
    BAD_TEXT,
    BAD_BRANCH,
    BAD_KEY_TEXT,
    BODY_TWICE,
    BODY_FILE,
    BODY_TOO_LONG,
)

# GitHub takes 65,536 characters; the marker below the text needs some of them.
LONGEST_BODY = 65_536 - MAX_KEY_LENGTH - 100
# git check-ref-format(1).
BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[./-]|[./]$|^@$")
UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def load_plan(path: Path, *, workspace: Path) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    """The desired state that the file of the workspace holds; None when it has any error."""
    file = workspace / path
    try:
        data = _read(file)
    except OSError as trouble:
        reason = f"{path} cannot be read: {trouble.strerror or type(trouble).__name__}"
        way_out = "name the file with the input `plan`; in a workflow, check the repository out first"
        return None, (MISSING_PLAN.found(reason, help=way_out),)
    return load_plan_text(data, file=str(path), workspace=workspace)


def load_plan_text(
    data: bytes, *, file: str, workspace: Path | None
) -> tuple[DesiredState | None, tuple[Diagnostic, ...]]:
    """The desired state that the bytes hold; None when they have any error. Never raises."""
    root, problems = parse_plan(data, file=file)
    if root is None:
        return None, in_file_order(problems)
    value, schema_problems = validate(root)
    if schema_problems:
        return None, in_file_order((*problems, *schema_problems))
    loader = _Loader(value, root, workspace)
    desired = loader.load()
    problems += tuple(loader.problems)
    if not has_errors(problems):
        problems += lint(desired, value.get("lint") or {}, find(root, ("lint", "milestone-names")).at)
    return (None if has_errors(problems) else desired), in_file_order(problems)


def _read(file: Path) -> bytes:
    """The bytes of the file, one more than are allowed at most: an endless file must not be read whole."""
    with file.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)


class _Loader:
    """Turns values that fit the schema into the desired state, and notes what the schema cannot say."""

    def __init__(self, value: dict[str, Any], root: Node, workspace: Path | None) -> None:
        self.value, self.root, self.workspace = value, root, workspace
        self.problems: list[Diagnostic] = []
        # Where each planned object stands, by the place of its title.
        self.paths: dict[Location, Path_] = {}

    def load(self) -> DesiredState:
        milestones = tuple(self._milestones())
        desired = DesiredState(
            repository=self.value.get("repository"),
            timezone=self._timezone(),
            language=cast(Any, self.value.get("language", "en")),
            labels=tuple(self._labels()),
            milestones=milestones,
            issues=tuple(self._issues(milestones)),
            environments=dict(self._environments()),
        )
        has_labels = "labels" in self.value
        self.problems += judge_relations(desired, self._inside, has_labels=has_labels)
        return desired

    def _at(self, *path: Any) -> Location:
        return find(self.root, path).at

    def _inside(self, title: Location, *path: Any) -> Location:
        """The place of a part of the object that has its title there."""
        return self._at(*self.paths[title], *path)

    def _timezone(self) -> str:
        name = str(self.value.get("timezone", "UTC"))
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            way_out = nearest(name, sorted(available_timezones()), otherwise="write a name like Asia/Shanghai or UTC")
            self.problems.append(
                BAD_TIMEZONE.found(f"{quote(name)} is not a time zone", at=self._at("timezone"), help=way_out)
            )
            return "UTC"
        return name

    def _labels(self) -> Iterator[PlannedLabel]:
        for index, each in enumerate(self.value.get("labels") or []):
            path = ("labels", index)
            self._judge_text(each, ("name", "was", "description"), path)
            yield PlannedLabel(
                name=each["name"],
                was=each.get("was"),
                color=each["color"].lstrip("#").lower() if "color" in each else UNMANAGED,
                description=each.get("description", UNMANAGED),
                is_absent=each.get("state") == "absent",
                at=self._at(*path, "name"),
            )

    def _environments(self) -> Iterator[tuple[str, Environment]]:
        for name, each in (self.value.get("environments") or {}).items():
            for index, waiver in enumerate(each.get("waive") or []):
                self._day(waiver["expires"], ("environments", name, "waive", index, "expires"))
            yield name, Environment(name=name, image=each.get("image"), at=self._at("environments", name))

    def _milestones(self) -> Iterator[PlannedMilestone]:
        previous: date | None = None
        for index, each in enumerate(self.value.get("milestones") or []):
            path = ("milestones", index)
            self._judge_text(each, ("title", "was"), path)
            start = self._day(each["start"], (*path, "start")) if "start" in each else None
            due = self._due(each, path, start, previous)
            previous = due if isinstance(due, date) else previous
            self.paths[self._at(*path, "title")] = path
            yield PlannedMilestone(
                title=each["title"],
                was=each.get("was"),
                start=start,
                due=due,
                description=each.get("description", UNMANAGED),
                state=_state(each),
                environment=each.get("environment"),
                branch=self._branch(each, path),
                at=self._at(*path, "title"),
            )

    def _due(
        self, each: dict[str, Any], path: Path_, start: date | None, previous: date | None
    ) -> Planned[date | None]:
        if "due" not in each:
            return UNMANAGED
        text, at = each["due"], self._at(*path, "due")
        if text is None:
            return None
        days = read_distance(text)
        due = self._day(text, (*path, "due")) if days is None else self._counted(text, days, start or previous, at)
        if due is not None and start is not None and due < start:
            summary = f"milestone {quote(each['title'])} is due on {due}, before its start on {start}"
            self.problems.append(DUE_BEFORE_START.found(summary, at=at, help="correct `start` or `due`"))
        return due if due is not None else UNMANAGED

    def _counted(self, text: str, days: int, origin: date | None, at: Location) -> date | None:
        if origin is None:
            summary = f"{quote(text)} is counted from nothing: no `start` here, and no due date before"
            way_out = "add `start:` to the milestone, or write the due date out; it is never counted from today"
            self.problems.append(NO_START.found(summary, at=at, help=way_out))
            return None
        due = add_days(origin, days)
        if due is None:
            self.problems.append(BAD_DATE.found(f"{quote(text)} leaves the calendar", at=at, help="write fewer days"))
        return due

    def _day(self, text: str, path: Path_) -> date | None:
        day, reason = read_day(text)
        if day is None:
            is_due = path[-1] == "due"
            way_out = "a day like 2026-12-15, or `+10d` or `+2w`" if is_due else "a day like 2026-12-15"
            self.problems.append(BAD_DATE.found(f"{quote(text)} {reason}", at=self._at(*path), help=way_out))
        return day

    def _branch(self, each: dict[str, Any], path: Path_) -> str | None:
        name = each.get("branch")
        if name is not None and (BAD_REF.search(name) or name.startswith("refs/")):
            way_out = "leave out blanks, `..`, `~^:?*[\\`, a leading or final `/` or `.`, `refs/` and `.lock`"
            at = self._at(*path, "branch")
            self.problems.append(BAD_BRANCH.found(f"git allows no branch {quote(name)}", at=at, help=way_out))
        return name

    def _issues(self, milestones: tuple[PlannedMilestone, ...]) -> Iterator[PlannedIssue]:
        for index, each in enumerate(self.value.get("milestones") or []):
            for number, issue in enumerate(each.get("issues") or []):
                yield self._issue(issue, ("milestones", index, "issues", number), milestones[index])
        by_title = {each.title: each for each in milestones}
        for index, issue in enumerate(self.value.get("issues") or []):
            yield self._issue(issue, ("issues", index), by_title.get(issue.get("milestone") or ""))

    def _issue(self, each: dict[str, Any], path: Path_, milestone: PlannedMilestone | None) -> PlannedIssue:
        self._judge_text(each, ("title", "was"), path)
        for name in ("labels", "assignees"):
            for index, text in enumerate(each.get(name) or []):
                self._judge_one_text(text, (*path, name, index))
        title = each["title"]
        self.paths[self._at(*path, "title")] = path
        place = milestone.title if milestone else each.get("milestone")
        return PlannedIssue(
            key=self._key(each, path, place),
            title=title,
            number=each.get("number"),
            former_keys=_former_keys(each, milestone),
            body=self._body(each, path),
            labels=tuple(dict.fromkeys(each.get("labels") or ())),
            assignees=tuple(dict.fromkeys(each.get("assignees") or ())),
            type=each.get("type", UNMANAGED),
            state=_state(each),
            milestone=place,
            parent=_parent(each.get("parent")),
            at=self._at(*path, "title"),
        )

    def _key(self, each: dict[str, Any], path: Path_, milestone: str | None) -> str:
        key = each.get("key") or issue_key(milestone, each["title"])
        if not KEY.fullmatch(key) or len(key) > MAX_KEY_LENGTH:
            summary = f"issue {quote(each['title'])} has no letter or digit to make a key of"
            if len(key) > MAX_KEY_LENGTH:
                summary = f"the key of issue {quote(each['title'])} is longer than {MAX_KEY_LENGTH} characters"
            at = self._at(*path, "key" if "key" in each else "title")
            self.problems.append(BAD_KEY_TEXT.found(summary, at=at, help="write a short `key:`"))
        return str(key)

    def _body(self, each: dict[str, Any], path: Path_) -> Planned[str]:
        if "body" in each and "body-file" in each:
            at = self._at(*path, "body-file")
            self.problems.append(BODY_TWICE.found("`body` and `body-file` stand together", at=at, help="keep one"))
            return UNMANAGED
        name = "body-file" if "body-file" in each else "body"
        text = self._read_body(each["body-file"], (*path, name)) if name == "body-file" else each.get("body")
        if text is None:
            return UNMANAGED
        if len(text) > LONGEST_BODY:
            summary = f"the text of issue {quote(each['title'])} has {len(text):,} characters"
            way_out = f"GitHub takes {LONGEST_BODY:,} beside our marker"
            self.problems.append(BODY_TOO_LONG.found(summary, at=self._at(*path, name), help=way_out))
        return str(text)

    def _read_body(self, name: str, path: Path_) -> str | None:
        reason = ""
        root = (self.workspace or Path(".")).resolve()
        try:
            file = (root / name).resolve()
            if not file.is_relative_to(root):
                reason = "is outside the workspace"
            else:
                data = _read(file)
                reason = "is larger than 1 MiB" if len(data) > MOST_BYTES else ""
                text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            reason = "is not UTF-8"
        except (OSError, ValueError, RuntimeError) as trouble:
            reason = f"cannot be read: {getattr(trouble, 'strerror', None) or 'not a path'}"
        if not reason:
            return text
        way_out = "name a file in the workspace, by its path from there"
        self.problems.append(BODY_FILE.found(f"{quote(name)} {reason}", at=self._at(*path), help=way_out))
        return None

    def _judge_text(self, each: dict[str, Any], names: tuple[str, ...], path: Path_) -> None:
        for name in names:
            if each.get(name) is not None:
                self._judge_one_text(each[name], (*path, name))

    def _judge_one_text(self, text: str, path: Path_) -> None:
        found = UNSHOWABLE.search(text)
        if found or not text.strip() or text != text.strip():
            what = f"the character U+{ord(found[0]):04X}" if found else "blanks at an end, or nothing else"
            summary = f"`{path[-1] if isinstance(path[-1], str) else path[-2]}` holds {what}"
            self.problems.append(BAD_TEXT.found(summary, at=self._at(*path), help="write it on one line without them"))


def _former_keys(each: dict[str, Any], milestone: PlannedMilestone | None) -> tuple[str, ...]:
    """The keys under which earlier titles of the issue, or of its milestone, were applied."""
    title, was = each["title"], each.get("was")
    places = [milestone.title, milestone.was] if milestone else [each.get("milestone")]
    titles = [title, was] if "key" not in each else [was]
    keys = [issue_key(place, one) for place in dict.fromkeys(places) for one in titles if one]
    if was and KEY.fullmatch(was):
        keys.append(was)
    return tuple(key for key in dict.fromkeys(keys) if key != (each.get("key") or issue_key(places[0], title)))


def _state(each: dict[str, Any]) -> Planned[State]:
    return State(each["state"]) if "state" in each else UNMANAGED


def _parent(text: str | None) -> str | int | None:
    if text is None:
        return None
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else text
