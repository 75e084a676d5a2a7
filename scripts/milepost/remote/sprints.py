"""Reads what a day of sprints asks about: milestones of every state, and only of few of them the items.

1. the repository, all milestones with the numbers of their open items, the names of the records: a hundred
   milestones a query
2. the items of past sprints that are to be frozen or emptied, several milestones to a query
3. only for planned sets that nobody wrote down in time: the issues that changed since, with their milestone events
4. only without records: how often the items to be carried were taken out of past sprints
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.core.carry import Item
from milepost.core.model import Milestone, Snapshot
from milepost.core.records import FOLDER
from milepost.remote.client import Client
from milepost.remote.history import BRANCH
from milepost.remote.milestones import milestone_of

NEEDS = "issues: read, pull-requests: read"
NEEDS_RECORDS = f"{NEEDS}, contents: read"
NEEDS_PULLS = f"{NEEDS}, pull-requests: read"
PAGE = 100
# Nodes that one query may ask for, so that it stays far from GitHub's limits of cost.
ITEMS_PER_QUERY = 200

BOARD = """
query($owner: String!, $name: String!, $after: String) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner isFork defaultBranchRef { name }
    %s
    milestones(first: 100, after: $after, states: [OPEN, CLOSED], orderBy: {field: NUMBER, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number id title description state dueOn createdAt
        issues(first: 1) { totalCount } pullRequests(first: 1) { totalCount }
        openIssues: issues(first: 1, states: OPEN) { totalCount }
        openPulls: pullRequests(first: 1, states: OPEN) { totalCount }
      }
    }
  }
}"""
RECORDS = """
    records: object(expression: "%s:%s") {
      ... on Tree { entries { name object { ... on Tree { entries { name object { ... on Tree { entries { name } } } } } } } }
    }"""
ISSUES = """
  issues(first: $n{0}, after: $a{0}, states: $s{0}) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      number title state stateReason closedAt
      labels(first: 100) {{ nodes {{ name }} }} assignees(first: 20) {{ nodes {{ login }} }}
      closedByPullRequestsReferences(first: 1) {{ totalCount }}
    }}
  }}"""
PULLS = """
  pullRequests(first: $n{0}, after: $a{0}, states: $s{0}) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      number title state isDraft
      labels(first: 100) {{ nodes {{ name }} }} assignees(first: 20) {{ nodes {{ login }} }}
    }}
  }}"""
CHANGED = """
query($owner: String!, $name: String!, $since: DateTime!, $after: String) {
  repository(owner: $owner, name: $name) {
    issues(first: 100, after: $after, filterBy: {since: $since}, orderBy: {field: CREATED_AT, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number createdAt milestone { number }
        timelineItems(first: 100, since: $since, itemTypes: [MILESTONED_EVENT, DEMILESTONED_EVENT]) {
          nodes {
            __typename
            ... on MilestonedEvent { createdAt milestoneTitle }
            ... on DemilestonedEvent { createdAt milestoneTitle }
          }
        }
      }
    }
  }
}"""
TAKEN_OUT = """
  i{0}: issueOrPullRequest(number: $i{0}) {{
    ... on Issue {{
      number
      timelineItems(first: 100, itemTypes: [DEMILESTONED_EVENT]) {{
        nodes {{ ... on DemilestonedEvent {{ createdAt milestoneTitle }} }}
      }}
    }}
    ... on PullRequest {{
      number
      timelineItems(first: 100, itemTypes: [DEMILESTONED_EVENT]) {{
        nodes {{ ... on DemilestonedEvent {{ createdAt milestoneTitle }} }}
      }}
    }}
  }}"""


@dataclass(frozen=True, kw_only=True)
class Board:
    """The repository with its milestones, newest first, and the paths of all records on the data branch."""

    snapshot: Snapshot
    recorded: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """A planned set to rebuild: which milestone, the titles that events may call it by, and the moment."""

    milestone: int
    titles: tuple[str, ...]
    moment: datetime


@dataclass(frozen=True, kw_only=True)
class _Window:
    """A page of a milestone's issues or pull requests that is still to be read."""

    milestone: int
    node_id: str
    part: str
    states: tuple[str, ...]
    count: int
    after: str | None = None

    @property
    def first(self) -> int:
        return min(self.count, PAGE)


def read_board(client: Client, *, has_history: bool) -> Board:
    """Every milestone of the repository; with history, the names of its records too."""
    text = BOARD % (RECORDS % (BRANCH, FOLDER) if has_history else "")
    milestones: list[Milestone] = []
    after: str | None = None
    recorded: frozenset[str] = frozenset()
    while True:
        needs = NEEDS_RECORDS if has_history else NEEDS
        data = client.query(text, {**client.names, "after": after}, needs=needs)
        repository = data["repository"]
        milestones += [milestone_of(node) for node in repository["milestones"]["nodes"]]
        recorded |= frozenset(_paths(repository.get("records"), FOLDER))
        after = repository["milestones"]["pageInfo"]["endCursor"]
        if not repository["milestones"]["pageInfo"]["hasNextPage"]:
            break
    snapshot = Snapshot(
        repository=repository["nameWithOwner"],
        default_branch=(repository["defaultBranchRef"] or {}).get("name", ""),
        is_fork=repository["isFork"],
        login=data["viewer"]["login"],
        labels=(),
        milestones=tuple(milestones),
        issues=(),
    )
    return Board(snapshot=snapshot, recorded=recorded)


def read_items(
    client: Client, milestones: Iterable[Milestone], *, whole: Sequence[int], opened: Sequence[int]
) -> dict[int, tuple[Item, ...]]:
    """By milestone: all issues and the open pull requests of the whole ones, the open items of the others."""
    known = {each.number: each for each in milestones}
    windows = [window for number in whole for window in _windows(known[number], is_whole=True)]
    windows += [window for number in opened for window in _windows(known[number], is_whole=False)]
    items: dict[int, list[Item]] = {number: [] for number in (*whole, *opened)}
    while windows:
        batch, windows = _cut(windows)
        windows += _read_batch(client, batch, items)
    return {number: tuple(found) for number, found in items.items()}


def read_members(
    client: Client, rebuilt: Sequence[Rebuilt], present: Mapping[int, Sequence[Item]]
) -> dict[int, tuple[int, ...]]:
    """By milestone: the numbers of the issues that were in it at the moment, as far as GitHub's events tell."""
    members = {
        each.milestone: {item.number for item in present.get(each.milestone, ()) if not item.is_pull}
        for each in rebuilt
    }
    if rebuilt:
        since = min(each.moment for each in rebuilt)
        for issue in _read_changed(client, since):
            for each in rebuilt:
                _replay(issue, each, members[each.milestone])
    return {milestone: tuple(sorted(found)) for milestone, found in members.items()}


def count_carries(client: Client, numbers: Sequence[int], ends: Mapping[str, datetime]) -> dict[int, int]:
    """By issue and pull request: how often it was taken out of a milestone of these titles that was over by then."""
    counts: dict[int, int] = {}
    for start in range(0, len(numbers), PAGE):
        counts |= _count_some(client, numbers[start : start + PAGE], ends)
    return counts


def _paths(tree: Any, prefix: str) -> Iterator[str]:
    """The paths of all files below the tree."""
    for entry in (tree or {}).get("entries") or ():
        path, inner = f"{prefix}/{entry['name']}", entry.get("object") or {}
        if inner.get("entries") is None:
            yield path
        yield from _paths(inner, path)


def _windows(milestone: Milestone, *, is_whole: bool) -> Iterator[_Window]:
    """What is to be read of the milestone; nothing of what it is known not to hold."""
    issues = milestone.issues if is_whole else min(milestone.issues, milestone.open_items)
    pulls = min(milestone.items - milestone.issues, milestone.open_items)
    states = ("OPEN", "CLOSED") if is_whole else ("OPEN",)
    for part, count, wanted in (("issues", issues, states), ("pullRequests", pulls, ("OPEN",))):
        if count:
            yield _Window(milestone=milestone.number, node_id=milestone.node_id, part=part, states=wanted, count=count)


def _cut(windows: list[_Window]) -> tuple[list[_Window], list[_Window]]:
    """As many windows as fit into one query, and the rest."""
    total, length = 0, 0
    for each in windows:
        if length and total + each.first > ITEMS_PER_QUERY:
            break
        total, length = total + each.first, length + 1
    return windows[:length], windows[length:]


def _read_batch(client: Client, batch: Sequence[_Window], items: dict[int, list[Item]]) -> list[_Window]:
    """The items of the windows are kept; the value is what remains of them."""
    declarations: list[str] = []
    fields: list[str] = []
    variables: dict[str, Any] = {}
    for index, each in enumerate(batch):
        state = "IssueState" if each.part == "issues" else "PullRequestState"
        declarations += [f"$m{index}: ID!", f"$n{index}: Int!", f"$a{index}: String", f"$s{index}: [{state}!]"]
        part = (ISSUES if each.part == "issues" else PULLS).format(index)
        fields.append(f"m{index}: node(id: $m{index}) {{ ... on Milestone {{ {part} }} }}")
        variables |= {f"m{index}": each.node_id, f"n{index}": each.first, f"a{index}": each.after}
        variables |= {f"s{index}": list(each.states)}
    needs = NEEDS if all(each.part == "issues" for each in batch) else NEEDS_PULLS
    answer = client.query(f"query({', '.join(declarations)}) {{ {' '.join(fields)} }}", variables, needs=needs)
    rest: list[_Window] = []
    for index, each in enumerate(batch):
        connection = (answer[f"m{index}"] or {}).get(each.part)
        if connection is None:  # deleted meanwhile
            continue
        items[each.milestone] += [_item(node, is_pull=each.part != "issues") for node in connection["nodes"]]
        if connection["pageInfo"]["hasNextPage"]:
            rest.append(_next(each, connection["pageInfo"]["endCursor"]))
    return rest


def _next(window: _Window, cursor: str) -> _Window:
    return _Window(
        milestone=window.milestone,
        node_id=window.node_id,
        part=window.part,
        states=window.states,
        count=max(1, window.count - PAGE),
        after=cursor,
    )


def _item(node: Mapping[str, Any], *, is_pull: bool) -> Item:
    return Item(
        number=node["number"],
        title=node["title"],
        is_open=node["state"] == "OPEN",
        reason=(node.get("stateReason") or "").lower() or None,
        closed_at=node.get("closedAt"),
        labels=tuple(each["name"] for each in node["labels"]["nodes"]),
        assignees=tuple(each["login"] for each in node["assignees"]["nodes"]),
        is_pull=is_pull,
        is_draft=bool(node.get("isDraft")),
        has_pull=bool((node.get("closedByPullRequestsReferences") or {}).get("totalCount")),
    )


def _read_changed(client: Client, since: datetime) -> Iterator[Mapping[str, Any]]:
    variables = {**client.names, "since": _instant(since)}
    after: str | None = None
    while True:
        data = client.query(CHANGED, {**variables, "after": after}, needs=NEEDS)
        connection = data["repository"]["issues"]
        yield from connection["nodes"]
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]


def _replay(issue: Mapping[str, Any], rebuilt: Rebuilt, members: set[int]) -> None:
    """The first event after the moment tells how it was then; without one, nothing has changed since."""
    moment = _instant(rebuilt.moment)
    events = sorted(issue["timelineItems"]["nodes"], key=lambda each: str(each["createdAt"]))
    later = [each for each in events if each["createdAt"] >= moment and each["milestoneTitle"] in rebuilt.titles]
    if later:
        was_in = later[0]["__typename"] == "DemilestonedEvent"
    else:
        was_in = (issue["milestone"] or {}).get("number") == rebuilt.milestone and issue["createdAt"] < moment
    (members.add if was_in else members.discard)(issue["number"])


def _instant(moment: datetime) -> str:
    """As GitHub writes it; a line may claim a year of less than four digits."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _count_some(client: Client, numbers: Sequence[int], ends: Mapping[str, datetime]) -> dict[int, int]:
    declared = ", ".join(["$owner: String!", "$name: String!", *(f"$i{each}: Int!" for each in range(len(numbers)))])
    fields = " ".join(TAKEN_OUT.format(index) for index in range(len(numbers)))
    text = f"query({declared}) {{ repository(owner: $owner, name: $name) {{ {fields} }} }}"
    variables = {**client.names, **{f"i{index}": number for index, number in enumerate(numbers)}}
    found = client.query(text, variables, needs=NEEDS)["repository"].values()
    return {
        each["number"]: sum(_is_carry(event, ends) for event in each["timelineItems"]["nodes"])
        for each in found
        if each  # deleted or moved elsewhere meanwhile
    }


def _is_carry(event: Mapping[str, Any], ends: Mapping[str, datetime]) -> bool:
    end = ends.get(event["milestoneTitle"])
    return end is not None and event["createdAt"] >= _instant(end)
