"""Reads what a release rests on: the milestone, the commit with its tag, statuses and files, the items.

1. the board: who we are, the repository, the milestone by number or title, the open milestones
2. the standing: the commit, the tag, the release, what was released before, statuses and files at that commit;
   one read more only for a release that is there: GraphQL tells neither the digests of assets nor their ids
3. the items of the milestone, a hundred issues and a hundred pull requests to a query, and with the first what was done
   in no milestone
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha1
from typing import Any

from milepost.core.model import Milestone, Snapshot
from milepost.core.release import ClosedMilestone, Item, Release, Status, Tag
from milepost.core.versions import find_previous
from milepost.errors import Refused
from milepost.remote.client import Client
from milepost.remote.contents import read_file
from milepost.remote.errors import NOT_FOUND
from milepost.remote.milestones import due_from_wire, milestone_of
from milepost.remote.releases import read_release
from milepost.remote.tags import TAG, tag_of

READ_BOARD = "contents: read, issues: read, pull-requests: read"
READ_ITEMS = "issues: read, pull-requests: read"
READ_COMMIT = "contents: read"
# Takes `actions: read`; without it jobs of one name, of two workflows, count as one.
RUN = ("workflowRun",)
READ_STATUSES = "contents: read`, `checks: read` and `statuses: read"

BOARD = """
query($owner: String!, $name: String!, $number: Int!, $title: String!, $isNumbered: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner isFork defaultBranchRef { name target { oid } }
    numbered: milestone(number: $number) @include(if: $isNumbered) { ...M }
    titled: milestones(first: 100, query: $title) @skip(if: $isNumbered) { nodes { ...M } }
    newest: milestones(first: 100, orderBy: {field: UPDATED_AT, direction: DESC}) @skip(if: $isNumbered) {
      nodes { ...M }
    }
    opened: milestones(first: 100, states: OPEN, orderBy: {field: DUE_DATE, direction: ASC}) { nodes { ...M } }
  }
}
fragment M on Milestone {
  number id title description state dueOn createdAt closedAt url creator { __typename login }
  issues(first: 1) { totalCount } pullRequests(first: 1) { totalCount }
  openIssues: issues(first: 1, states: OPEN) { totalCount }
  openPulls: pullRequests(first: 1, states: OPEN) { totalCount }
}"""
# The head of the branch comes last: when it is not the commit of the files above, it has moved in between.
STANDING = """
query(
  $owner: String!, $name: String!, $at: String!, $tag: String!, $ref: String!, $branch: String!
  $plan: String!, $template: String!, $hasTemplate: Boolean!, $hasStatuses: Boolean!
) {
  repository(owner: $owner, name: $name) {
    at: object(expression: $at) { ... on Commit { oid statusCheckRollup @include(if: $hasStatuses) { ...S } } }
    tag: ref(qualifiedName: $ref) { ...T }
    release(tagName: $tag) { ...R }
    releases(first: 100, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...R } }
    plan: object(expression: $plan) { ...B }
    template: object(expression: $template) @include(if: $hasTemplate) { ...B }
    branch: ref(qualifiedName: $branch) { target { oid } }
  }
}
fragment B on Blob { oid text isBinary isTruncated byteSize }
fragment R on Release { databaseId tagName isDraft isPrerelease publishedAt }"""
ROLLUP = """
fragment S on StatusCheckRollup {
  contexts(first: 100, after: %s) {
    pageInfo { hasNextPage endCursor }
    nodes {
      __typename
      ... on StatusContext { context state createdAt }
      ... on CheckRun {
        databaseId name status conclusion startedAt checkSuite { app { slug } workflowRun { workflow { name } } }
      }
    }
  }
}"""
STATUSES = """
query($owner: String!, $name: String!, $oid: GitObjectID!, $after: String) {
  repository(owner: $owner, name: $name) {
    object(oid: $oid) { ... on Commit { oid statusCheckRollup { ...S } } }
  }
}"""
ITEMS = """
query(
  $owner: String!, $name: String!, $number: Int!
  $issuesAfter: String, $pullsAfter: String, $moreIssues: Boolean!, $morePulls: Boolean!
  $since: DateTime, $hasSince: Boolean!
) {
  repository(owner: $owner, name: $name) {
    milestone(number: $number) {
      issues(first: 100, after: $issuesAfter) @include(if: $moreIssues) { pageInfo { hasNextPage endCursor } nodes { ...I } }
      pullRequests(first: 100, after: $pullsAfter) @include(if: $morePulls) {
        pageInfo { hasNextPage endCursor } nodes { ...P }
      }
    }
    homelessIssues: issues(
      first: 100, states: CLOSED, filterBy: {milestone: null, since: $since}, orderBy: {field: UPDATED_AT, direction: DESC}
    ) @include(if: $hasSince) { nodes { ...I } }
    homelessPulls: pullRequests(first: 100, states: MERGED, orderBy: {field: UPDATED_AT, direction: DESC})
      @include(if: $hasSince) { nodes { ...P milestone { number } } }
  }
}"""
MEMBERS = """
fragment I on Issue {
  number title url state stateReason closedAt author { __typename login } labels(first: 100) { nodes { name } }
}
fragment P on PullRequest {
  number title url state merged closedAt author { __typename login } labels(first: 100) { nodes { name } }
}"""


@dataclass(frozen=True, kw_only=True)
class Board:
    """The repository as a release begins; `head` is that of the default branch.

    `opened` are up to 100 open milestones, and the one that was asked for when it is open.
    `issues` and `pull_requests` count what the milestone holds.
    """

    repository: str
    is_fork: bool
    login: str
    default_branch: str
    head: str
    milestone: ClosedMilestone | None
    issues: int
    pull_requests: int
    opened: tuple[Milestone, ...]

    @property
    def snapshot(self) -> Snapshot:
        """The board as `apply_plan` takes it."""
        return Snapshot(
            repository=self.repository,
            default_branch=self.default_branch,
            is_fork=self.is_fork,
            login=self.login,
            labels=(),
            milestones=self.opened,
            issues=(),
        )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What there is of the release and what it rests on.

    `commit` is the one asked for, or the head of the branch; None when there is none. `head` is that of the branch.
    `previous` is the tag of the release that came before. `statuses` is empty when they were not asked for.
    """

    commit: str | None
    head: str | None
    tag: Tag | None
    release: Release | None
    previous: str | None
    previous_at: str | None
    plan: bytes | None
    template: bytes | None
    statuses: tuple[Status, ...]


def read_milestone(client: Client, *, number: int | None = None, title: str = "") -> Board:
    """The board, with the milestone of that number, or of exactly that title; one read.

    GitHub's own search by title comes first; should it miss a title with signs, the hundred that changed last are there.
    """
    variables = {**client.names, "number": number or 0, "title": title, "isNumbered": number is not None}
    data = client.query(BOARD, variables, needs=READ_BOARD)
    repository = data["repository"]
    found = _choose(repository, title)
    branch = repository["defaultBranchRef"] or {"name": "", "target": {"oid": ""}}
    nodes = [*repository["opened"]["nodes"], *([found] if found and found["state"] == "OPEN" else [])]
    opened = {each["number"]: milestone_of(each) for each in nodes}
    return Board(
        repository=repository["nameWithOwner"],
        is_fork=repository["isFork"],
        login=data["viewer"]["login"],
        default_branch=branch["name"],
        head=branch["target"]["oid"],
        milestone=_closed_milestone(found) if found else None,
        issues=found["issues"]["totalCount"] if found else 0,
        pull_requests=found["pullRequests"]["totalCount"] if found else 0,
        opened=tuple(opened.values()),
    )


def read_commit(
    client: Client,
    *,
    branch: str,
    tag: str,
    plan_path: str,
    login: str,
    template_path: str | None = None,
    commit: str | None = None,
    has_statuses: bool = False,
) -> Standing:
    """The standing at the commit, or at the head of the branch; one read, and one more for a release that is there.

    A file that GraphQL cannot tell to the byte costs one more, and so does each hundred statuses beyond the first.
    A draft is found by its tag, as everywhere: GitHub's own command line does the same (cli/cli, fetchDraftRelease).
    """
    ask = partial(_ask_standing, client, branch, tag, plan_path, template_path, has_statuses)
    data = ask(commit or f"refs/heads/{branch}")
    head = data["branch"]["target"]["oid"] if data["branch"] else None
    if commit is None and head is not None and (data["at"] or {}).get("oid") != head:
        data = ask(head)  # a commit came between the answer's parts
    found = (data["at"] or {}).get("oid")
    files = {name: _read_blob(client, data.get(name), path, found) for name, path in _paths(plan_path, template_path)}
    before = _previous(data, tag)
    return Standing(
        commit=found,
        head=head,
        tag=tag_of(tag, data["tag"]),
        release=_release(client, data, tag, login),
        previous=before["tagName"] if before else None,
        previous_at=before["publishedAt"] if before else None,
        plan=files["plan"],
        template=files.get("template"),
        statuses=_statuses(client, data["at"]) if has_statuses else (),
    )


def read_statuses(client: Client, commit: str) -> tuple[Status, ...]:
    """The newest status and check run of each name and source at the commit; a read for each hundred."""
    return _statuses(client, _ask_statuses(client, commit, None))


def read_items(
    client: Client, milestone: int, *, since: str | None = None
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """All issues and pull requests of the milestone, and what was done since that moment in none, both by number.

    Of the latter the newest hundred of each, with the first read; reads are as many as there are hundreds, and one at most.
    """
    items: list[Item] = []
    homeless: tuple[Item, ...] = ()
    cursors: dict[str, str | None] = {"issues": None, "pullRequests": None}
    while cursors:
        variables = {
            **client.names,
            "number": milestone,
            "issuesAfter": cursors.get("issues"),
            "pullsAfter": cursors.get("pullRequests"),
            "moreIssues": "issues" in cursors,
            "morePulls": "pullRequests" in cursors,
            "since": since,
            "hasSince": since is not None and not items,
        }
        data = client.query(ITEMS + MEMBERS, variables, needs=READ_ITEMS)["repository"]
        if data["milestone"] is None:
            summary = f"milestone {milestone} was deleted while it was read"
            raise Refused(NOT_FOUND.found(summary, help="nothing was released; look at who deleted it"), status=404)
        if since is not None and "homelessIssues" in data:
            homeless = _homeless(data, since)
        pages = {part: data["milestone"][part] for part in cursors}
        for part, page in pages.items():
            items += [_item(node, is_pull=part == "pullRequests") for node in page["nodes"]]
        cursors = {
            part: page["pageInfo"]["endCursor"] for part, page in pages.items() if page["pageInfo"]["hasNextPage"]
        }
    return _by_number(items), homeless


def _homeless(data: Mapping[str, Any], since: str) -> tuple[Item, ...]:
    """Issues completed and pull requests merged since that moment."""
    items = [_item(node, is_pull=False) for node in data["homelessIssues"]["nodes"]]
    items += [_item(node, is_pull=True) for node in data["homelessPulls"]["nodes"] if node["milestone"] is None]
    return _by_number(
        each
        for each in items
        if (each.closed_at or "") >= since and (each.is_merged or (not each.is_pull and each.reason == "completed"))
    )


def _choose(repository: Mapping[str, Any], title: str) -> Mapping[str, Any] | None:
    if "numbered" in repository:
        found: Mapping[str, Any] | None = repository["numbered"]
        return found
    nodes = [*repository["titled"]["nodes"], *repository["newest"]["nodes"]]
    return next((each for each in nodes if each["title"] == title), None)


def _closed_milestone(node: Mapping[str, Any]) -> ClosedMilestone:
    creator, is_bot = _author(node["creator"])
    return ClosedMilestone(
        number=node["number"],
        title=node["title"],
        description=node["description"] or "",
        is_open=node["state"] == "OPEN",
        due=due_from_wire(node["dueOn"]),
        created_at=node["createdAt"],
        closed_at=node["closedAt"],
        creator=creator,
        is_creator_bot=is_bot,
        url=node["url"],
    )


def _author(node: Mapping[str, Any] | None) -> tuple[str | None, bool]:
    """The login as REST and events write it, where a bot's ends in `[bot]`; None for a deleted account."""
    if node is None:
        return None, False
    is_bot = node["__typename"] == "Bot"
    login = str(node["login"])
    return (f"{login}[bot]" if is_bot and not login.endswith("[bot]") else login), is_bot


def _ask_standing(
    client: Client, branch: str, tag: str, plan_path: str, template_path: str | None, has_statuses: bool, at: str
) -> Mapping[str, Any]:
    variables = {
        **client.names,
        "at": at,
        "tag": tag,
        "ref": f"refs/tags/{tag}",
        "branch": f"refs/heads/{branch}",
        "plan": f"{at}:{plan_path}",
        "template": f"{at}:{template_path}",
        "hasTemplate": template_path is not None,
        "hasStatuses": has_statuses,
    }
    needs = READ_STATUSES if has_statuses else READ_COMMIT
    found = client.query(STANDING + TAG + ROLLUP % "null", variables, needs=needs, optional=RUN)["repository"]
    assert isinstance(found, dict)
    return found


def _paths(plan_path: str, template_path: str | None) -> list[tuple[str, str]]:
    return [("plan", plan_path)] + ([("template", template_path)] if template_path is not None else [])


def _read_blob(client: Client, blob: Mapping[str, Any] | None, path: str, commit: str | None) -> bytes | None:
    """The file to the byte: git's own name for it tells whether the text is all of it."""
    if not blob or commit is None:
        return None
    data = str(blob.get("text") or "").encode("utf-8", "surrogatepass")
    if sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == blob.get("oid"):
        return data
    return read_file(client, path, commit)


def _release(client: Client, data: Mapping[str, Any], tag: str, login: str) -> Release | None:
    """The published release of the tag, else the oldest draft, as REST tells it."""
    nodes = [each for each in [data["release"], *data["releases"]["nodes"]] if each and each["tagName"] == tag]
    if not nodes:
        return None
    first = min(nodes, key=lambda each: (each["isDraft"], each["databaseId"]))
    return read_release(client, first["databaseId"], login=login)


def _previous(data: Mapping[str, Any], tag: str) -> Mapping[str, Any] | None:
    """The published release of another tag that came before."""
    nodes = [each for each in data["releases"]["nodes"] if not each["isDraft"] and each["tagName"] != tag]
    newest = {each["tagName"]: each for each in sorted(nodes, key=lambda each: str(each["publishedAt"]), reverse=True)}
    return newest.get(find_previous(tag, newest) or "")


def _ask_statuses(client: Client, commit: str, after: str | None) -> Mapping[str, Any] | None:
    variables = {**client.names, "oid": commit, "after": after}
    found = client.query(STATUSES + ROLLUP % "$after", variables, needs=READ_STATUSES, optional=RUN)["repository"][
        "object"
    ]
    assert found is None or isinstance(found, dict)
    return found


def _statuses(client: Client, commit: Mapping[str, Any] | None) -> tuple[Status, ...]:
    """The newest of each name and source, from this page of the commit's rollup and those after it."""
    newest: dict[tuple[str, str], tuple[tuple[str, int], Status]] = {}
    while commit and commit.get("statusCheckRollup"):
        contexts = commit["statusCheckRollup"]["contexts"]
        for node in contexts["nodes"]:
            order, status = _status(node)
            key = status.name, status.source
            if key not in newest or newest[key][0] <= order:
                newest[key] = order, status
        if not contexts["pageInfo"]["hasNextPage"]:
            break
        commit = _ask_statuses(client, commit["oid"], contexts["pageInfo"]["endCursor"])
    return tuple(status for _, (_, status) in sorted(newest.items()))


def _status(node: Mapping[str, Any]) -> tuple[tuple[str, int], Status]:
    """When it was, and what it says; a check run that is not done yet says how far it is."""
    if node["__typename"] == "StatusContext":
        return (str(node["createdAt"]), 0), Status(name=node["context"], state=node["state"].lower())
    # One that was not even started is newer than any that was.
    order = (str(node["startedAt"] or "~"), node["databaseId"] or 0)
    suite = node["checkSuite"] or {}
    app, run = suite.get("app") or {}, suite.get("workflowRun") or {}
    source = f"{app.get('slug') or ''}/{run.get('workflow', {}).get('name', '')}"
    return order, Status(name=node["name"], state=str(node["conclusion"] or node["status"]).lower(), source=source)


def _item(node: Mapping[str, Any], *, is_pull: bool) -> Item:
    author, is_bot = _author(node["author"])
    return Item(
        number=node["number"],
        title=node["title"],
        url=node["url"],
        is_pull=is_pull,
        is_open=node["state"] == "OPEN",
        is_merged=bool(node.get("merged")),
        author=author,
        is_bot=is_bot,
        labels=tuple(each["name"] for each in node["labels"]["nodes"]),
        reason=(node.get("stateReason") or "").lower() or None,
        closed_at=node["closedAt"],
    )


def _by_number(items: Iterable[Item]) -> tuple[Item, ...]:
    """Each once: one that was moved between two pages may be on both."""
    found = {each.number: each for each in items}
    return tuple(found[number] for number in sorted(found))
