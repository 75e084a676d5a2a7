"""Planned issues against those on GitHub: which is which, and what is to change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from milepost.core.change import Change, Field, Findings, Note, Noun, Verb
from milepost.core.identity import Marker, normal, split_body
from milepost.core.milestones import find_milestone
from milepost.core.model import UNMANAGED, DesiredState, Issue, Milestone, PlannedIssue, Snapshot, State
from milepost.diagnostics import Diagnostic, Rule, Severity

AMBIGUOUS_ISSUE = Rule(
    "ambiguous-issue",
    Severity.ERROR,
    "Several open issues have the title of a planned one, and none is marked.",
)
UNKNOWN_NUMBER = Rule("unknown-number", Severity.ERROR, "The plan names an issue number that is not an issue here.")
DUPLICATE_KEY = Rule("duplicate-key", Severity.WARNING, "Two issues carry the key of one planned issue.")
UNTRUSTED_MARKER = Rule(
    "untrusted-marker",
    Severity.WARNING,
    "An issue by an outsider carries the key of a planned one; it is ignored.",
)
CLOSED_MILESTONE = Rule(
    "closed-milestone", Severity.WARNING, "An issue is planned for a milestone that is closed on GitHub."
)
RULES = (AMBIGUOUS_ISSUE, UNKNOWN_NUMBER, DUPLICATE_KEY, UNTRUSTED_MARKER, CLOSED_MILESTONE)


@dataclass(frozen=True, kw_only=True)
class Match:
    """A planned issue and the one that stands for it, if any; `twins` carry the same key."""

    planned: PlannedIssue
    live: Issue | None = None
    marker: Marker | None = None
    twins: tuple[Issue, ...] = ()
    is_adopted: bool = False


def match_issues(desired: DesiredState, snapshot: Snapshot) -> tuple[tuple[Match, ...], tuple[Diagnostic, ...]]:
    """Each planned issue with the issue that stands for it, by number, key, former key, or title."""
    marked, titled = _index(snapshot.issues)
    numbered = {each.number: each for each in snapshot.issues}
    claimed = {each.number for each in desired.issues if each.number}
    matches, problems = [], list(_judge_markers(desired, snapshot))
    for planned in desired.issues:
        match = _match_number(planned, numbered) or _match_key(planned, marked, claimed)
        if match is None:
            candidates = [each for each in titled[planned.title] if each.number not in claimed]
            match, ambiguous = _match_title(planned, candidates)
            problems += ambiguous
        if planned.number and match.live is None:
            problems.append(_unknown_number(planned))
        claimed |= {each.number for each in (match.live, *match.twins) if each}
        matches.append(match)
    return tuple(matches), tuple(problems)


def list_unplaced(desired: DesiredState, snapshot: Snapshot) -> tuple[PlannedIssue, ...]:
    """The planned issues that nothing read so far stands for; only these are worth a scan."""
    marked, _ = _index(snapshot.issues)
    return tuple(
        each
        for each in desired.issues
        if not each.number and not any(key in marked for key in (each.key, *each.former_keys))
    )


def diff_issues(
    desired: DesiredState, snapshot: Snapshot, matches: Iterable[Match]
) -> tuple[Findings, tuple[Diagnostic, ...]]:
    """The changes that make the planned issues true; creations come parents first."""
    milestones = {each.title: find_milestone(each, snapshot) for each in desired.milestones}
    states = _states_after(desired, milestones)
    found = {match.planned.key: match for match in matches}
    findings, problems, unchanged = Findings(), [], 0
    for match in _parents_first(found):
        place = _Place(match, milestones, states, snapshot)
        problems += place.problems()
        if match.live is None and (match.planned.number or place.is_closed):
            # Nothing will stand for it, so nothing can be nested below it either.
            del found[match.planned.key]
            continue
        changes = [*_diff_twins(match, problems), *_diff(match, place, found)]
        findings.notes.extend(place.notes())
        findings.changes.extend(changes)
        unchanged += match.live is not None and not changes
    return Findings(changes=findings.changes, notes=findings.notes, unchanged=unchanged), tuple(problems)


def _index(issues: Iterable[Issue]) -> tuple[dict[str, list[Issue]], dict[str, list[Issue]]]:
    """The trusted issues by key, and the open unmarked trusted ones by title, lowest number first."""
    marked: dict[str, list[Issue]] = defaultdict(list)
    titled: dict[str, list[Issue]] = defaultdict(list)
    for each in sorted(issues, key=lambda issue: issue.number):
        marker = split_body(each.body)[1]
        if not (each.is_trusted or each.is_own):
            continue
        if marker is None and each.state is State.OPEN:
            titled[each.title].append(each)
        if marker is not None and marker.duplicate_of is None:
            marked[marker.key].append(each)
    return marked, titled


def _match_number(planned: PlannedIssue, numbered: Mapping[int, Issue]) -> Match | None:
    if planned.number is None:
        return None
    live = numbered.get(planned.number)
    return Match(planned=planned, live=live, marker=split_body(live.body)[1] if live else None)


def _match_key(planned: PlannedIssue, marked: Mapping[str, list[Issue]], claimed: set[int]) -> Match | None:
    for key in (planned.key, *planned.former_keys):
        found = [each for each in marked.get(key, ()) if each.number not in claimed]
        if found:
            first, *twins = found
            return Match(planned=planned, live=first, marker=split_body(first.body)[1], twins=tuple(twins))
    return None


def _match_title(planned: PlannedIssue, candidates: list[Issue]) -> tuple[Match, list[Diagnostic]]:
    if len(candidates) == 1:
        return Match(planned=planned, live=candidates[0], is_adopted=True), []
    if not candidates:
        return Match(planned=planned), []
    numbers = ", ".join(f"number {each.number}" for each in candidates)
    problem = AMBIGUOUS_ISSUE.found(
        f'issue "{planned.title}" could be any of {numbers}',
        at=planned.at,
        help="say which with `number:`, or close or retitle the others",
    )
    return Match(planned=planned), [problem]


def _unknown_number(planned: PlannedIssue) -> Diagnostic:
    return UNKNOWN_NUMBER.found(
        f'issue "{planned.title}": number {planned.number} is not an issue of this repository',
        at=planned.at,
        why="It does not exist, is a pull request, or was transferred.",
        help="correct `number:`, or remove it to have the issue created",
    )


def _judge_markers(desired: DesiredState, snapshot: Snapshot) -> Iterable[Diagnostic]:
    keys = {each.key: each for each in desired.issues}
    numbers = {each.number for each in desired.issues}
    for issue in snapshot.issues:
        marker = split_body(issue.body)[1]
        is_foreign = issue.number not in numbers and not (issue.is_trusted or issue.is_own)
        if marker and marker.key in keys and is_foreign:
            yield UNTRUSTED_MARKER.found(
                f'issue number {issue.number} by {issue.author} carries the key "{marker.key}"',
                at=keys[marker.key].at,
                why="Its author is not this token's login, an owner, a member or a collaborator.",
                help=f"if it is meant to be the planned issue, write `number: {issue.number}` in the plan file",
            )


def _states_after(desired: DesiredState, milestones: Mapping[str, Milestone | None]) -> dict[str, State]:
    """The state in which issues may be put into each planned milestone: before any is closed by the plan."""
    states = {}
    for planned in desired.milestones:
        live = milestones[planned.title]
        is_reopened = planned.state is State.OPEN
        states[planned.title] = State.OPEN if live is None or is_reopened else live.state
    return states


def _parents_first(found: Mapping[str, Match]) -> list[Match]:
    ordered: dict[str, Match] = {}

    def add(key: str, depth: int = 0) -> None:
        parent = found[key].planned.parent
        if isinstance(parent, str) and parent in found and depth < len(found):
            add(parent, depth + 1)
        ordered.setdefault(key, found[key])

    for key in found:
        add(key)
    return list(ordered.values())


class _Place:
    """The three-way merge of one issue's milestone: plan, last applied, live."""

    def __init__(
        self,
        match: Match,
        milestones: Mapping[str, Milestone | None],
        states: Mapping[str, State],
        snapshot: Snapshot,
    ) -> None:
        self.planned, self.live, self.marker = match.planned, match.live, match.marker
        self.title = match.planned.milestone
        self.target = milestones.get(self.title) if self.title else None
        self.is_closed = bool(self.title) and states.get(self.title or "") is State.CLOSED
        self.gone = snapshot.gone_milestones

    @property
    def is_there(self) -> bool:
        """The issue is in the planned milestone, or none is planned."""
        return self.title is None or bool(self.live and self.target and self.live.milestone == self.target.number)

    @property
    def was_moved(self) -> bool:
        """Somebody took the issue elsewhere since it was last applied."""
        if self.live is None or self.marker is None or self.is_there:
            return False
        last, now = self.marker.milestone, self.live.milestone
        was_deleted = now is None and last in self.gone
        return now != last and not was_deleted

    @property
    def is_to_move(self) -> bool:
        return not (self.is_there or self.was_moved or self.is_closed)

    @property
    def is_stale(self) -> bool:
        """The issue is where it is planned, and its marker says otherwise."""
        now = self.live.milestone if self.live else None
        return bool(self.marker) and self.title is not None and self.is_there and self.marker.milestone != now  # type: ignore[union-attr]

    def problems(self) -> list[Diagnostic]:
        if self.is_there or self.was_moved or not self.is_closed:
            return []
        verb = "moved" if self.live else "created"
        return [
            CLOSED_MILESTONE.found(
                f'issue "{self.planned.title}" is not {verb}: milestone "{self.title}" is closed on GitHub',
                at=self.planned.at,
                help="plan it for an open milestone, or write `state: open` for this one",
            )
        ]

    def notes(self) -> list[Note]:
        if not self.was_moved:
            return []
        now = self.live.milestone_title if self.live else None
        where = f'to "{now}"' if now else "out of its milestone"
        text = f'moved on GitHub {where}; the plan says "{self.title}"; left alone'
        return [Note(address=f'issue["{self.planned.title}"]', text=text)]


def _diff_twins(match: Match, problems: list[Diagnostic]) -> list[Change]:
    changes = []
    for twin in match.twins:
        assert match.live is not None
        if twin.is_own and twin.comments == 0 and _is_untouched(twin, match.planned):
            changes.append(_close_twin(twin, match))
        else:
            problems.append(_two_keys(twin, match))
    return changes


def _is_untouched(twin: Issue, planned: PlannedIssue) -> bool:
    """Only what we wrote: the planned title, and no text but the planned one."""
    text = normal(planned.body) if planned.body is not UNMANAGED else ""
    return twin.title == planned.title and split_body(twin.body)[0] == text and twin.state is State.OPEN


def _close_twin(twin: Issue, match: Match) -> Change:
    kept = match.live.number if match.live else 0
    fields = (Field("state", "open", "closed"), Field("duplicate-of", None, kept))
    return Change(
        verb=Verb.CLOSE,
        noun=Noun.ISSUE,
        name=twin.title,
        number=twin.number,
        key=match.planned.key,
        fields=fields,
        reason=f"number {kept} carries the same key",
        at=match.planned.at,
    )


def _two_keys(twin: Issue, match: Match) -> Diagnostic:
    kept = match.live.number if match.live else 0
    return DUPLICATE_KEY.found(
        f'issues number {kept} and {twin.number} both carry the key "{match.planned.key}"',
        at=match.planned.at,
        why=f"Number {kept} is taken for the planned issue; number {twin.number} was written or changed by somebody.",
        help=f"delete the last line of the text of number {twin.number}, or close it and delete that line",
    )


def _diff(match: Match, place: _Place, found: Mapping[str, Match]) -> list[Change]:
    planned, live = match.planned, match.live
    if live is None:
        return [_change(match, Verb.CREATE, tuple(_create_fields(planned, found)))]
    fields = [*_written_fields(planned, live, found), *_place_fields(match, live, place)]
    if not fields:
        return []
    return [_change(match, _verb(fields), tuple(fields))]


def _verb(fields: Iterable[Field]) -> Verb:
    states = [each.after for each in fields if each.name == "state"]
    if states:
        return Verb.CLOSE if states == ["closed"] else Verb.REOPEN
    return Verb.MOVE if any(each.name == "milestone" for each in fields) else Verb.UPDATE


def _create_fields(planned: PlannedIssue, found: Mapping[str, Match]) -> Iterable[Field]:
    if planned.milestone:
        yield Field("milestone", None, planned.milestone)
    if planned.body is not UNMANAGED and normal(planned.body):
        yield Field("body", None, normal(planned.body))
    if planned.labels:
        yield Field("labels", None, planned.labels)
    if planned.assignees:
        yield Field("assignees", None, planned.assignees)
    if planned.type is not UNMANAGED:
        yield Field("type", None, planned.type)
    parent = _parent(planned, found)
    if parent is not None:
        yield Field("parent", None, parent)
    if planned.state is State.CLOSED:
        yield Field("state", "open", "closed")


def _written_fields(planned: PlannedIssue, live: Issue, found: Mapping[str, Match]) -> Iterable[Field]:
    text, marker = split_body(live.body)
    if live.title != planned.title:
        yield Field("title", live.title, planned.title)
    if planned.body is not UNMANAGED and normal(planned.body) != text:
        yield Field("body", text, normal(planned.body))
    if planned.type is not UNMANAGED and (live.type or "").casefold() != planned.type.casefold():
        yield Field("type", live.type, planned.type)
    if planned.state is not UNMANAGED and planned.state is not live.state:
        yield Field("state", live.state.value, planned.state.value)
    yield from _added("labels", live.labels, planned.labels)
    yield from _added("assignees", live.assignees, planned.assignees)
    parent = _parent(planned, found)
    if parent is not None and parent != live.parent:
        yield Field("parent", live.parent, parent)
    if marker is None and planned.number is None:
        yield Field("marker", None, planned.key)
    if marker is not None and marker.key != planned.key:
        yield Field("marker", marker.key, planned.key)


def _added(name: str, live: tuple[str, ...], planned: tuple[str, ...]) -> Iterable[Field]:
    """Labels and assignees that people added stay: only missing ones count."""
    present = {each.casefold() for each in live}
    missing = tuple(each for each in planned if each.casefold() not in present)
    if missing:
        yield Field(name, live, (*live, *missing))


def _parent(planned: PlannedIssue, found: Mapping[str, Match]) -> int | str | None:
    """The parent's number when there is one already, else its key; None when there will be none."""
    if not isinstance(planned.parent, str):
        return planned.parent
    if planned.parent not in found:
        return None
    live = found[planned.parent].live
    return live.number if live else planned.parent


def _place_fields(match: Match, live: Issue, place: _Place) -> Iterable[Field]:
    if place.is_to_move:
        yield Field("milestone", live.milestone_title, place.title)
    elif place.is_stale and match.marker and match.marker.key == match.planned.key:
        before, after = match.marker.milestone, live.milestone
        yield Field("marker", f"{match.marker.key} in number {before}", f"{match.marker.key} in number {after}")


def _change(match: Match, verb: Verb, fields: tuple[Field, ...]) -> Change:
    planned, live = match.planned, match.live
    reason = "adopted: the only open issue with this title" if match.is_adopted else ""
    return Change(
        verb=verb,
        noun=Noun.ISSUE,
        name=planned.title,
        number=live.number if live else None,
        key=planned.key,
        milestone=live.milestone if live else None,
        fields=fields,
        reason=reason,
        at=planned.at,
    )
