"""Reads what a report of progress tells, in as few reads as there are hundreds of issues, and some.

1. the board: open milestones and the newest closed ones, open pull requests with what they close, issues without
   milestone, the report issue
2. the open issues of all milestones by REST: only that tells what blocks an issue
3. the closed issues of the open milestones, several milestones to a query, and what the last sprints carried over
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from milepost.core.course import WINDOW
from milepost.core.identity import block_values, split_description
from milepost.core.points import read_points
from milepost.core.progress import Item, Status, Track
from milepost.core.records import FOLDER, read_record
from milepost.core.sprint_line import COUNTS, read_sprint_line
from milepost.remote.client import Client
from milepost.remote.history import BRANCH
from milepost.remote.milestones import due_from_wire

NEEDS = "issues: read"
PAGE = 100
# Any two successive queries then hold more than 200 issues, so that there are never more than pages of 100 would take.
ISSUES_PER_QUERY = 200
MOST_HOMELESS = 10
COMPLETED = COUNTS.index("completed")
LABEL = "milepost-report"
MARKER = "<!-- milepost:progress"
DROPPED_STATES = ("NOT_PLANNED", "DUPLICATE")
DROPPED_REASONS = ("not_planned", "duplicate")

BOARD = """
query($owner: String!, $name: String!, $after: String, $label: String!, $isFirst: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner isFork defaultBranchRef { name }
    milestones(first: 100, after: $after, states: OPEN, orderBy: {field: NUMBER, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes { ...M }
    }
    closed: milestones(first: 50, states: CLOSED, orderBy: {field: UPDATED_AT, direction: DESC})
      @include(if: $isFirst) { nodes { ...M } }
    homeless: issues(first: 11, states: OPEN, filterBy: {milestone: null}, orderBy: {field: CREATED_AT, direction: DESC})
      @include(if: $isFirst) { totalCount nodes { number title createdAt updatedAt } }
    report: issues(first: 20, labels: [$label], orderBy: {field: CREATED_AT, direction: ASC})
      @include(if: $isFirst) { nodes {
        number id state body viewerDidAuthor
      } }
  }
  claims: repository(owner: $owner, name: $name) @include(if: $isFirst) {
    pullRequests(first: 100, states: OPEN) { totalCount nodes {
      author { __typename login } closingIssuesReferences(first: 10) { nodes { number repository { nameWithOwner } } }
    } }
  }
}
fragment M on Milestone {
  number id title description state dueOn createdAt closedAt
  closedIssues: issues(first: 1, states: CLOSED) { totalCount }
}"""
CLOSED = """
fragment C on Issue { number title stateReason createdAt closedAt updatedAt%s }"""
BLOB = """
fragment B on Blob { text }"""
LABELS = " labels(first: 50) { nodes { name } }"

Window = tuple[int, str, "str | None", int]


@dataclass(frozen=True, kw_only=True)
class ReportIssue:
    """The issue that holds the report; `twins` are later such issues."""

    number: int
    node_id: str
    body: str
    is_open: bool = True
    has_label: bool = True
    twins: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How to read: the team's time zone, its size labels, and the day."""

    zone: ZoneInfo
    today: date
    size_labels: str | None = None

    def day(self, moment: str) -> date:
        """The day of the moment in the team's calendar."""
        return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(self.zone).date()

    def points(self, labels: Sequence[str]) -> Decimal | None:
        return read_points(self.size_labels, labels) if self.size_labels else None


@dataclass(frozen=True, kw_only=True)
class Board:
    """The repository as a report begins: `tracks` are open milestones and sprints that were closed of late.

    `closed` has the id and the number of closed issues of each.
    """

    repository: str
    is_fork: bool
    default_branch: str
    login: str
    tracks: tuple[Track, ...]
    homeless: tuple[Item, ...]
    more_homeless: int
    report: ReportIssue | None
    claimants: Mapping[int, tuple[str, ...]]
    has_all_pulls: bool
    closed: Mapping[int, tuple[str, int]] = field(repr=False)


def read_board(client: Client, terms: Terms) -> Board:
    """The board; one read for each hundred open milestones."""
    nodes: list[Mapping[str, Any]] = []
    first: Mapping[str, Any] = {}
    after, login, pulls = None, "", None
    while True:
        variables = {**client.names, "after": after, "label": LABEL, "isFirst": not first}
        # What is not to be seen takes all of its repository along, so it is asked for beside it.
        data = client.query(BOARD, variables, needs=NEEDS, optional=("claims",))
        repository, login = data["repository"], data["viewer"]["login"]
        if not first:
            first, pulls = repository, (data["claims"] or {}).get("pullRequests")
        nodes += repository["milestones"]["nodes"]
        if not repository["milestones"]["pageInfo"]["hasNextPage"]:
            break
        after = repository["milestones"]["pageInfo"]["endCursor"]
    closed = [each for each in first["closed"]["nodes"] if _is_late_sprint(each, terms)]
    report = _report(first["report"])
    homeless = [each for each in first["homeless"]["nodes"] if report is None or each["number"] != report.number]
    return Board(
        repository=first["nameWithOwner"],
        is_fork=first["isFork"],
        default_branch=(first["defaultBranchRef"] or {}).get("name", ""),
        login=login,
        tracks=tuple(_track(each, terms) for each in (*closed, *nodes)),
        homeless=tuple(_homeless(each, terms) for each in homeless[:MOST_HOMELESS]),
        more_homeless=max(0, first["homeless"]["totalCount"] - (report is not None) - MOST_HOMELESS),
        report=report,
        claimants=_claimants(pulls["nodes"] if pulls else (), first["nameWithOwner"]),
        has_all_pulls=pulls is not None and pulls["totalCount"] <= PAGE,
        closed={each["number"]: (each["id"], each["closedIssues"]["totalCount"]) for each in (*closed, *nodes)},
    )


def find_report(client: Client, *, login: str) -> ReportIssue | None:
    """Our open issue with the marker, where somebody took its label away; asked only when one is to be written."""
    page = 1
    while True:
        parameters = {"creator": login, "state": "open", "per_page": str(PAGE), "page": str(page)}
        issues = client.get("/issues", needs=NEEDS, parameters=parameters)
        for each in issues:
            if (each["body"] or "").startswith(MARKER) and "pull_request" not in each:
                return ReportIssue(number=each["number"], node_id=each["node_id"], body=each["body"], has_label=False)
        if len(issues) < PAGE:
            return None
        page += 1


def read_open_items(client: Client, board: Board, terms: Terms) -> tuple[Board, tuple[Item, ...]]:
    """The open issues of the open milestones, and the board that knows how many open pull requests those hold."""
    known = {each.number for each in board.tracks if each.is_open}
    found: dict[int, Item] = {}
    pulls: Counter[int] = Counter()
    page = 1
    while known:
        parameters = {"milestone": "*", "state": "open", "per_page": str(PAGE), "page": str(page)}
        items = client.get("/issues", needs=NEEDS, parameters=parameters)
        for each in items:
            if each["milestone"]["number"] in known:
                if "pull_request" in each:
                    pulls[each["milestone"]["number"]] += 1
                else:
                    found[each["number"]] = _open_item(each, board, terms)
        if len(items) < PAGE:
            break
        page += 1
    tracks = tuple(replace(each, pulls=pulls[each.number]) for each in board.tracks)
    return replace(board, tracks=tracks), tuple(found.values())


def read_closed_items(
    client: Client, board: Board, terms: Terms, *, with_sprints: bool, with_records: bool
) -> tuple[tuple[Item, ...], dict[int, int]]:
    """The closed issues of the open milestones, and how often issues were carried by the last sprints' records.

    `with_sprints` also reads those of the sprints that were closed of late.
    """
    wanted = [each for each in board.tracks if each.is_open or with_sprints]
    windows: list[Window] = [
        (each.number, node_id, None, count)
        for each in wanted
        for node_id, count in [board.closed[each.number]]
        if count
    ]
    records = _last_records(board) if with_records else []
    items: list[Item] = []
    carries: dict[int, int] = {}
    while windows or records:
        batch, windows = _cut_batch(windows)
        answer, rest = _read_batch(client, batch, records, terms)
        items += answer[0]
        carries |= answer[1]
        windows, records = [*windows, *rest], []
    return tuple(items), carries


def _last_records(board: Board) -> list[str]:
    """Where the sprint before each open one was recorded."""
    sprints = [each for each in board.tracks if each.is_open and each.cadence and each.sprint]
    return [f"refs/heads/{BRANCH}:{FOLDER}/{each.cadence}/{(each.sprint or 0) - 1}/closed.json" for each in sprints]


def _cut_batch(windows: list[Window]) -> tuple[list[Window], list[Window]]:
    """As many windows as fit into one query, and the rest."""
    total, length = 0, 0
    for _, _, _, count in windows:
        if length and total + min(count, PAGE) > ISSUES_PER_QUERY:
            break
        total, length = total + min(count, PAGE), length + 1
    return windows[:length], windows[length:]


def _read_batch(
    client: Client, batch: list[Window], records: list[str], terms: Terms
) -> tuple[tuple[list[Item], dict[int, int]], list[Window]]:
    """What the batch and the records hold; and what remains of the batch's milestones."""
    declared, fields = [], []
    variables: dict[str, Any] = {}
    for index, (_, node_id, after, count) in enumerate(batch):
        declared += [f"$m{index}: ID!", f"$n{index}: Int!", f"$a{index}: String"]
        fields.append(
            f"m{index}: node(id: $m{index}) {{ ... on Milestone {{ issues(first: $n{index}, after: $a{index},"
            " states: CLOSED) { pageInfo { hasNextPage endCursor } nodes { ...C } } } }"
        )
        variables |= {f"m{index}": node_id, f"n{index}": min(count, PAGE), f"a{index}": after}
    if records:
        declared += ["$owner: String!", "$name: String!", *(f"$r{index}: String!" for index in range(len(records)))]
        blobs = " ".join(f"r{index}: object(expression: $r{index}) {{ ...B }}" for index in range(len(records)))
        fields.append(f"repository(owner: $owner, name: $name) {{ {blobs} }}")
        variables |= {**client.names, **{f"r{index}": path for index, path in enumerate(records)}}
    fragments = (CLOSED % (LABELS if terms.size_labels else "") if batch else "") + (BLOB if records else "")
    text = f"query({', '.join(declared)}) {{ {' '.join(fields)} }}{fragments}"
    answer = client.query(text, variables, needs=NEEDS)
    items, rest = [], []
    for index, (number, node_id, _, count) in enumerate(batch):
        connection = (answer[f"m{index}"] or {}).get("issues") or {"nodes": [], "pageInfo": {"hasNextPage": False}}
        items += [_closed_item(each, number, terms) for each in connection["nodes"]]
        if connection["pageInfo"]["hasNextPage"]:
            rest.append((number, node_id, connection["pageInfo"]["endCursor"], max(1, count - PAGE)))
    found = [(answer["repository"][f"r{index}"] or {}).get("text") for index in range(len(records))]
    return (items, _carries(filter(None, found))), rest


def _carries(texts: Iterable[str]) -> dict[int, int]:
    records = filter(None, map(read_record, texts))
    return {each.number: each.carries for record in records for each in record.carried}


def _is_late_sprint(node: Mapping[str, Any], terms: Terms) -> bool:
    line = read_sprint_line(node["description"] or "")
    return line is not None and line.due >= terms.today - WINDOW


def _track(node: Mapping[str, Any], terms: Terms) -> Track:
    description = node["description"] or ""
    line = read_sprint_line(description)
    return Track(
        number=node["number"],
        title=node["title"],
        is_open=node["state"] == "OPEN",
        due=due_from_wire(node["dueOn"]),
        start=line.start if line else _planned_start(description),
        created=terms.day(node["createdAt"]),
        cadence=line.cadence if line else None,
        sprint=line.number if line else None,
        frozen=line.counts[COMPLETED] if line and line.counts else None,
    )


def _planned_start(description: str) -> date | None:
    """The start that the plan file gave, as the sync action noted it."""
    _, block = split_description(description)
    text = block_values(block.get("sync") or "").get("start", "") if block else ""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _report(connection: Mapping[str, Any]) -> ReportIssue | None:
    """The oldest open one that is ours, else the newest closed one; anybody may put the label on theirs."""
    own = [each for each in connection["nodes"] if each["viewerDidAuthor"] and (each["body"] or "").startswith(MARKER)]
    opened = [each for each in own if each["state"] == "OPEN"]
    if not own:
        return None
    chosen = opened[0] if opened else own[-1]
    return ReportIssue(
        number=chosen["number"],
        node_id=chosen["id"],
        body=chosen["body"],
        is_open=bool(opened),
        twins=tuple(each["number"] for each in opened[1:]),
    )


def _homeless(node: Mapping[str, Any], terms: Terms) -> Item:
    return Item(
        number=node["number"],
        title=node["title"],
        created=terms.day(node["createdAt"]),
        updated=terms.day(node["updatedAt"]),
    )


def _claimants(pulls: Iterable[Mapping[str, Any] | None], repository: str) -> dict[int, tuple[str, ...]]:
    """Who has an open pull request that closes the issue, each once."""
    found: dict[int, dict[str, None]] = {}
    for each in filter(None, pulls):
        for issue in (each["closingIssuesReferences"] or {}).get("nodes") or ():
            if issue and issue["repository"]["nameWithOwner"] == repository:
                login = (each["author"] or {}).get("login") or "ghost"
                found.setdefault(issue["number"], {})[login] = None
    return {number: tuple(logins) for number, logins in found.items()}


def _open_item(value: Mapping[str, Any], board: Board, terms: Terms) -> Item:
    item = item_of(value, terms)
    dependencies = value.get("issue_dependencies_summary") or {}
    return replace(item, blockers=dependencies.get("blocked_by") or 0, claimants=board.claimants.get(item.number, ()))


def item_of(value: Mapping[str, Any], terms: Terms) -> Item:
    """The issue as REST tells it."""
    labels = tuple(each if isinstance(each, str) else each["name"] for each in value["labels"])
    is_dropped = value.get("state_reason") in DROPPED_REASONS
    closed = Status.DROPPED if is_dropped else Status.COMPLETED
    return Item(
        number=value["number"],
        title=value["title"],
        milestone=(value["milestone"] or {}).get("number"),
        status=Status.OPEN if value["state"] == "open" else closed,
        created=terms.day(value["created_at"]),
        closed=terms.day(value["closed_at"]) if value["closed_at"] else None,
        updated=terms.day(value["updated_at"]),
        labels=labels,
        assignees=tuple(each["login"] for each in value["assignees"]),
        points=terms.points(labels),
    )


def _closed_item(node: Mapping[str, Any], milestone: int, terms: Terms) -> Item:
    labels = tuple(each["name"] for each in (node.get("labels") or {}).get("nodes") or ())
    return Item(
        number=node["number"],
        title=node["title"],
        milestone=milestone,
        status=Status.DROPPED if node["stateReason"] in DROPPED_STATES else Status.COMPLETED,
        created=terms.day(node["createdAt"]),
        closed=terms.day(node["closedAt"]),
        updated=terms.day(node["updatedAt"]),
        labels=labels,
        points=terms.points(labels),
    )
