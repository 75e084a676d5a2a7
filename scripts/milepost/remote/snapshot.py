"""Reads what a plan asks about, once, in few queries.

1. repository, planned labels, planned branches, numbered issues, milestones (open ones, then closed ones only
   while a planned title is missing)
2. the issues of the planned milestones, several milestones to a query
3. only for planned types: those issues by REST
4. only for planned issues that are nowhere there: open issues, then closed ones since the plan took hold
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from milepost.core.identity import split_body
from milepost.core.issues import list_unplaced, match_issues
from milepost.core.milestones import find_milestone, is_marked
from milepost.core.model import (
    UNMANAGED,
    DesiredState,
    Issue,
    Label,
    Milestone,
    Snapshot,
    State,
)
from milepost.remote.client import Client
from milepost.remote.milestones import milestone_of

NEEDS = "issues: read, pull-requests: read"
PAGE = 100
# Two full pages of issues a query: any two successive queries then hold more than 200 issues, so that
# there are never more queries than pages of 100 would take.
ISSUES_PER_QUERY = 200
BRANCHES_PER_QUERY = 50
# A milestone, the cursor after which to read, and how many issues it is said to have from there.
Window = tuple[str, "str | None", int]
TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")

MILESTONE = """
fragment M on Milestone {
  id number title description state dueOn createdAt
  issues(first: 1) { totalCount } pullRequests(first: 1) { totalCount }
}"""
ISSUE = """
fragment I on Issue {
  number title body state stateReason createdAt author { __typename login } authorAssociation
  labels(first: 100) { nodes { name } } assignees(first: 20) { nodes { login } }
  milestone { number title } comments(first: 1) { totalCount }%s
}"""


@dataclass
class _Reader:
    """The parts of a snapshot while they come in."""

    client: Client
    fragment: str
    repository: dict[str, Any] = field(default_factory=dict)
    login: str = ""
    labels: list[Label] = field(default_factory=list)
    branches: list[str] = field(default_factory=list)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
        default = self.repository.get("defaultBranchRef") or {}
        return Snapshot(
            repository=self.repository["nameWithOwner"],
            default_branch=default.get("name", ""),
            is_fork=self.repository["isFork"],
            login=self.login,
            labels=tuple(self.labels),
            milestones=tuple(self.milestones.values()),
            issues=tuple(self.issues.values()),
            branches=tuple(self.branches),
            gone_milestones=tuple(self.gone),
        )

    def query(self, declarations: Sequence[str], fields: str, variables: dict[str, Any], fragments: str) -> Any:
        """The repository's part of an answer."""
        declared = ", ".join(["$owner: String!", "$name: String!", *declarations])
        text = (
            f"query({declared}) {{ viewer {{ login }} repository(owner: $owner, name: $name)"
            f" {{ nameWithOwner isFork defaultBranchRef {{ name }} {fields} }} }}{fragments}"
        )
        needs = f"{NEEDS}, contents: read" if "ref(" in fields else NEEDS
        data = self.client.query(text, {**self.client.names, **variables}, needs=needs)
        self.login, self.repository = data["viewer"]["login"], data["repository"]
        return data["repository"]

    def keep_issue(self, node: dict[str, Any]) -> None:
        issue = _issue(node, self.login)
        self.issues[issue.number] = issue


def read_snapshot(client: Client, desired: DesiredState, *, prune: bool = False) -> Snapshot:
    """All of the repository that the plan asks about; with `prune`, all open issues and milestones too."""
    reader = _Reader(client, _fragment(desired))
    _read_named(reader, desired, is_everything=prune)
    _read_planned_issues(reader, desired)
    _read_unplaced(reader, desired, is_everything=prune)
    _read_gone(reader)
    _read_types(reader, desired)
    return reader.snapshot()


def read_everything(client: Client, *, closed: bool) -> Snapshot:
    """All labels, and all open milestones and issues of the repository; with `closed` the closed ones too."""
    reader = _Reader(client, ISSUE % "")
    _read_all_labels(reader)
    for states in (["OPEN"], ["CLOSED"]) if closed else (["OPEN"],):
        _read_milestones(reader, states)
        _read_issues(reader, states, since=None)
    return reader.snapshot()


def _fragment(desired: DesiredState) -> str:
    """Parents are asked for only when planned: older Enterprise Servers do not know them."""
    return ISSUE % (" parent { number }" if any(each.parent is not None for each in desired.issues) else "")


def _read_named(reader: _Reader, desired: DesiredState, *, is_everything: bool) -> None:
    """The repository, and what the plan calls by name, as few queries as the longest list needs."""
    names = [name for each in desired.labels for name in (each.name, each.was) if name]
    branches = list(dict.fromkeys(each.branch for each in desired.milestones if each.branch))
    numbers = [each.number for each in desired.issues if each.number]
    pages = _MilestonePages(desired, is_everything=is_everything)
    while reader.repository == {} or names or branches or numbers or pages.states:
        some = _Some(names[:PAGE], branches[:BRANCHES_PER_QUERY], numbers[:PAGE])
        names, branches, numbers = names[PAGE:], branches[BRANCHES_PER_QUERY:], numbers[PAGE:]
        _read_some(reader, some, pages)


@dataclass(frozen=True)
class _Some:
    """What one query asks for by name."""

    labels: Sequence[str]
    branches: Sequence[str]
    numbers: Sequence[int]


class _MilestonePages:
    """Where the reading of milestones stands: open ones first, closed ones only when they are needed."""

    def __init__(self, desired: DesiredState, *, is_everything: bool) -> None:
        self.wanted = {each.title for each in desired.milestones}
        self.is_everything = is_everything
        self.states = ["OPEN"] if self.wanted or is_everything else []
        self.after: str | None = None

    def turn(self, connection: dict[str, Any], seen: Iterable[Milestone]) -> None:
        """The next page, or the next state, or the end."""
        self.after = connection["pageInfo"]["endCursor"]
        has_all = not self.is_everything and self.wanted <= {each.title for each in seen}
        if has_all:
            self.states = []
        elif not connection["pageInfo"]["hasNextPage"]:
            self.states, self.after = (["CLOSED"] if self.states == ["OPEN"] else []), None


def _read_some(reader: _Reader, some: _Some, pages: _MilestonePages) -> None:
    declarations, fields, variables = [], [], {}
    for prefix, kind, values, text in (
        ("l", "String!", some.labels, "label(name: ${0}) {{ name color description }}"),
        (
            "b",
            "String!",
            [f"refs/heads/{each}" for each in some.branches],
            "ref(qualifiedName: ${0}) {{ name }}",
        ),
        ("i", "Int!", some.numbers, "issue(number: ${0}) {{ ...I }}"),
    ):
        for index, value in enumerate(values):
            name = f"{prefix}{index}"
            declarations.append(f"${name}: {kind}")
            fields.append(f"{name}: {text.format(name)}")
            variables[name] = value
    if pages.states:
        declarations += ["$states: [MilestoneState!]", "$after: String"]
        fields.append(f"milestones({MILESTONE_PAGE}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...M }} }}")
        variables |= {"states": pages.states, "after": pages.after}
    fragments = (MILESTONE if pages.states else "") + (reader.fragment if some.numbers else "")
    answer = reader.query(declarations, " ".join(fields), variables, fragments)
    _keep_some(reader, some, pages, answer)


MILESTONE_PAGE = "first: 100, states: $states, after: $after, orderBy: {field: NUMBER, direction: DESC}"


def _keep_some(reader: _Reader, some: _Some, pages: _MilestonePages, answer: dict[str, Any]) -> None:
    found = [answer[f"l{index}"] for index in range(len(some.labels))]
    reader.labels += [label for label in map(_label, filter(None, found)) if label not in reader.labels]
    reader.branches += [name for index, name in enumerate(some.branches) if answer[f"b{index}"]]
    for index in range(len(some.numbers)):
        if answer[f"i{index}"]:
            reader.keep_issue(answer[f"i{index}"])
    if pages.states:
        _keep_milestones(reader, answer["milestones"])
        pages.turn(answer["milestones"], reader.milestones.values())


def _keep_milestones(reader: _Reader, connection: dict[str, Any]) -> None:
    for node in connection["nodes"]:
        reader.milestones[node["number"]] = milestone_of(node)


def _read_planned_issues(reader: _Reader, desired: DesiredState) -> None:
    """The issues of every planned milestone that exists."""
    snapshot = reader.snapshot()
    live = [each for planned in desired.milestones if (each := find_milestone(planned, snapshot))]
    windows: list[Window] = [(each.node_id, None, count) for each in live for count in [each.issues] if count]
    while windows:
        batch, windows = _cut_batch(windows)
        windows += _read_batch(reader, batch)


def _cut_batch(windows: list[Window]) -> tuple[list[Window], list[Window]]:
    """As many windows as fit into one query, and the rest."""
    total, length = 0, 0
    for _, _, count in windows:
        if length and total + min(count, PAGE) > ISSUES_PER_QUERY:
            break
        total, length = total + min(count, PAGE), length + 1
    return windows[:length], windows[length:]


def _read_batch(reader: _Reader, batch: list[Window]) -> list[Window]:
    """The issues of the batch are kept; the value is what remains of its milestones."""
    declarations: list[str] = []
    fields: list[str] = []
    variables: dict[str, Any] = {}
    for index, (node_id, after, count) in enumerate(batch):
        declarations += [f"$m{index}: ID!", f"$n{index}: Int!", f"$a{index}: String"]
        fields.append(
            f"m{index}: node(id: $m{index}) {{ ... on Milestone {{ issues(first: $n{index}, after: $a{index})"
            " { pageInfo { hasNextPage endCursor } nodes { ...I } } } }"
        )
        variables |= {f"m{index}": node_id, f"n{index}": min(count, PAGE), f"a{index}": after}
    text = f"query({', '.join(declarations)}) {{ {' '.join(fields)} }}{reader.fragment}"
    answer = reader.client.query(text, variables, needs=NEEDS)
    rest: list[Window] = []
    for index, (node_id, _, count) in enumerate(batch):
        connection = (answer[f"m{index}"] or {}).get("issues")
        if connection is None:  # deleted meanwhile
            continue
        for node in connection["nodes"]:
            reader.keep_issue(node)
        if connection["pageInfo"]["hasNextPage"]:
            rest.append((node_id, connection["pageInfo"]["endCursor"], max(1, count - PAGE)))
    return rest


def _read_unplaced(reader: _Reader, desired: DesiredState, *, is_everything: bool) -> None:
    """The scan for planned issues that are not in their place."""
    if not is_everything and not list_unplaced(desired, reader.snapshot()):
        return
    _read_issues(reader, ["OPEN"], since=None)
    unplaced = list_unplaced(desired, reader.snapshot())
    if not unplaced:
        return
    if any(each.milestone is None for each in unplaced):
        # Nothing tells since when such an issue may have been closed.
        _read_issues(reader, ["CLOSED"], since=None)
    elif since := _since(reader, desired):
        _read_issues(reader, ["CLOSED"], since=since)


def _since(reader: _Reader, desired: DesiredState) -> str | None:
    """No marker was written before this time; None when there is no sign of an earlier run."""
    snapshot = reader.snapshot()
    planned = [each for one in desired.milestones if (each := find_milestone(one, snapshot))]
    marked = [each for each in snapshot.milestones if is_marked(each)]
    issues = [each for each in snapshot.issues if split_body(each.body)[1]]
    times = [each.created_at for each in (*planned, *marked)] + [each.created_at for each in issues]
    return min(times, default=None)


def _read_issues(reader: _Reader, states: list[str], *, since: str | None) -> None:
    declarations = ["$states: [IssueState!]", "$since: DateTime", "$after: String"]
    fields = (
        "issues(first: 100, states: $states, after: $after, filterBy: {since: $since},"
        " orderBy: {field: CREATED_AT, direction: DESC})"
        " { pageInfo { hasNextPage endCursor } nodes { ...I } }"
    )
    variables = {"states": states, "since": since}
    for connection in _pages(reader, declarations, "issues", fields, variables, reader.fragment):
        for node in connection["nodes"]:
            reader.keep_issue(node)


def _read_gone(reader: _Reader) -> None:
    """Looks for the milestones that markers name and nobody has seen."""
    markers = [split_body(each.body)[1] for each in reader.issues.values() if each.milestone is None]
    named = {each.milestone for each in markers if each and each.milestone is not None}
    unseen = sorted(named - set(reader.milestones))
    for start in range(0, len(unseen), PAGE):
        some = unseen[start : start + PAGE]
        declarations = [f"$m{index}: Int!" for index in range(len(some))]
        fields = " ".join(f"m{index}: milestone(number: $m{index}) {{ number }}" for index in range(len(some)))
        variables = {f"m{index}": number for index, number in enumerate(some)}
        answer = reader.query(declarations, fields, variables, "")
        reader.gone += [number for index, number in enumerate(some) if answer[f"m{index}"] is None]


def _read_types(reader: _Reader, desired: DesiredState) -> None:
    """The types of the issues whose type is planned; GitHub's published GraphQL schema does not have them."""
    matches, _ = match_issues(desired, reader.snapshot())
    typed = [each.live for each in matches if each.live and each.planned.type is not UNMANAGED]
    for milestone in dict.fromkeys(each.milestone for each in typed if each.milestone is not None):
        for page in _rest_pages(reader.client, {"milestone": str(milestone), "state": "all"}):
            _keep_types(reader, page)
    for each in typed:
        if each.milestone is None:
            _keep_types(reader, [reader.client.get(f"/issues/{each.number}", needs=NEEDS)])


def _rest_pages(client: Client, filters: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    for number in itertools.count(1):
        parameters = {**filters, "per_page": str(PAGE), "page": str(number)}
        page: list[dict[str, Any]] = client.get("/issues", needs=NEEDS, parameters=parameters)
        yield page
        if len(page) < PAGE:
            return


def _keep_types(reader: _Reader, page: list[dict[str, Any]]) -> None:
    for each in page:
        known = reader.issues.get(each["number"])
        if known:
            reader.issues[known.number] = replace(known, type=(each.get("type") or {}).get("name"))


def _read_all_labels(reader: _Reader) -> None:
    fields = (
        "labels(first: 100, after: $after, orderBy: {field: NAME, direction: ASC})"
        " { pageInfo { hasNextPage endCursor } nodes { name color description } }"
    )
    for connection in _pages(reader, ["$after: String"], "labels", fields, {}, ""):
        reader.labels += [_label(node) for node in connection["nodes"]]


def _read_milestones(reader: _Reader, states: list[str]) -> None:
    fields = f"milestones({MILESTONE_PAGE}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...M }} }}"
    declarations = ["$states: [MilestoneState!]", "$after: String"]
    for connection in _pages(reader, declarations, "milestones", fields, {"states": states}, MILESTONE):
        _keep_milestones(reader, connection)


def _pages(
    reader: _Reader,
    declarations: list[str],
    name: str,
    fields: str,
    variables: dict[str, Any],
    fragments: str,
) -> Iterator[dict[str, Any]]:
    """Every page of a connection that takes `$after`."""
    after: str | None = None
    while True:
        connection = reader.query(declarations, fields, {**variables, "after": after}, fragments)[name]
        yield connection
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]


def _label(node: dict[str, Any]) -> Label:
    return Label(name=node["name"], color=node["color"], description=node["description"] or "")


def _issue(node: dict[str, Any], login: str) -> Issue:
    author = node["author"] or {"__typename": "User", "login": "ghost"}
    # GraphQL leaves the ending out of a bot's login, REST and `viewer` do not.
    is_bot = author["__typename"] == "Bot" and not author["login"].endswith("[bot]")
    name = author["login"] + ("[bot]" if is_bot else "")
    milestone = node["milestone"] or {}
    return Issue(
        number=node["number"],
        title=node["title"],
        body=node["body"] or "",
        state=State(node["state"].lower()),
        state_reason=(node["stateReason"] or "").lower() or None,
        author=name,
        is_own=name == login,
        is_trusted=node["authorAssociation"] in TRUSTED,
        labels=tuple(each["name"] for each in node["labels"]["nodes"]),
        assignees=tuple(each["login"] for each in node["assignees"]["nodes"]),
        milestone=milestone.get("number"),
        milestone_title=milestone.get("title"),
        parent=(node.get("parent") or {}).get("number"),
        comments=node["comments"]["totalCount"],
        created_at=node["createdAt"],
    )
