"""Reads pull requests with all that the gate judges by: one query for each, one more for what GitHub has not linked.

Nothing here trusts an event's payload: it says which pull request, and everything else is read as it is now.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from milepost.core.links import LARGEST, Address
from milepost.core.model import State
from milepost.core.pulls import Absence, Claim, LinkedIssue, PullRequest
from milepost.errors import Refused
from milepost.remote.client import Client, segment
from milepost.remote.comments import Comment
from milepost.remote.errors import NOT_FOUND

NEEDS = "pull-requests: read, issues: read"
CONTENTS = "contents: read"
# Parts of the answer that a token may not be allowed to see.
OPTIONAL = ("status", "closingIssuesReferences", "sidebar", "associatedPullRequests")
REASONS = {"COMPLETED": "completed", "NOT_PLANNED": "not planned, or a duplicate", "DUPLICATE": "a duplicate"}

CLAIM = """
fragment C on PullRequest { number state isDraft author { __typename login } repository { nameWithOwner } }"""
ISSUE = (
    """
fragment I on Issue {
  number title state stateReason repository { nameWithOwner }
  milestone { title state } assignees(first: 20) { nodes { __typename login } } labels(first: 100) { nodes { name } }
  closedByPullRequestsReferences(first: 25) { totalCount nodes { ...C } }
}"""
    + CLAIM
)
PULL = (
    """
query($owner: String!, $name: String!, $number: Int!, $plan: String!, $context: String!, $group: String!,
      $isGroup: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner defaultBranchRef { name }
    plan: object(expression: $plan) { ... on Blob { text byteSize isTruncated isBinary } }
    group: object(expression: $group) @include(if: $isGroup) {
      ... on Commit { oid status { context(name: $context) { state description } } }
    }
    pullRequest(number: $number) {
      number title body state isDraft baseRefName headRefName headRefOid isCrossRepository
      author { __typename login } labels(first: 100) { nodes { name } }
      commits(last: 1) { nodes { commit {
        oid status { context(name: $context) { state description } }
        associatedPullRequests(first: 20) { nodes { number state isDraft headRefOid } }
      } } }
      comments(first: 100) { pageInfo { hasNextPage } nodes { url body viewerDidAuthor } }
      sidebar: closingIssuesReferences(first: 100, userLinkedOnly: true) {
        nodes { number repository { nameWithOwner } }
      }
      closingIssuesReferences(first: 100) { nodes { ...I } }
    }
  }
}"""
    + ISSUE
)
OPEN_PULLS = """
query($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    nameWithOwner%s
    pullRequests(states: OPEN, first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { number state isDraft body author { __typename login } repository { nameWithOwner } }
    }
  }
}%s"""
OF_ISSUE = "\n    issue(number: %d) { closedByPullRequestsReferences(first: 100) { nodes { ...C } } }"
OF_MILESTONE = """
    milestone(number: %d) { issues(first: 100, states: OPEN%s) {
      pageInfo { hasNextPage endCursor }
      nodes { number closedByPullRequestsReferences(first: 10) { nodes { ...C } } }
    } }"""


@dataclass(frozen=True, kw_only=True)
class Status:
    """The newest status of our context."""

    state: str
    description: str


@dataclass(frozen=True, kw_only=True)
class ReadPull:
    """A pull request and what else is needed around it; `sha` is where its status stands."""

    pull: PullRequest
    plan: bytes | None
    sha: str
    status: Status | None
    login: str
    comments: tuple[Comment, ...]
    has_more_comments: bool


@dataclass(frozen=True, kw_only=True)
class OpenPull:
    """An open pull request as a scan for claims sees it."""

    claim: Claim
    body: str


def read_pull(client: Client, number: int, *, plan: str, context: str, group: str = "") -> ReadPull:
    """The pull request with the plan file of the default branch, in one read; raises Refused when it is not there.

    With `group`, the commit of a merge queue's group, that commit's status is read.
    """
    variables = {
        **client.names,
        "number": number,
        "plan": f"HEAD:{plan}",
        "context": context,
        "group": group or "HEAD",
        "isGroup": bool(group),
    }
    data = client.query(PULL, variables, needs=f"{NEEDS}, {CONTENTS}", optional=OPTIONAL)
    repository = data["repository"]
    found = repository["pullRequest"]
    if found is None:
        problem = NOT_FOUND.found(f"there is no pull request {number}", help="look at the input `pull-request`")
        raise Refused(problem, status=404)
    return ReadPull(
        pull=_pull(repository, found),
        plan=_plan(client, repository["plan"], plan),
        sha=group or found["headRefOid"],
        status=_status(_commit(repository, found, group)),
        login=(data["viewer"] or {}).get("login", ""),
        comments=tuple(_own_comments(_nodes(found["comments"]))),
        has_more_comments=found["comments"]["pageInfo"]["hasNextPage"],
    )


def read_issues(client: Client, addresses: Sequence[Address]) -> dict[tuple[str, int], LinkedIssue | Absence]:
    """What each address stands for, in one read; how many GitHub can be asked about at once is the caller's to know."""
    askable = [each for each in addresses if each.number < LARGEST]
    found = _read_issues(client, askable) if askable else {}
    return {each.key: found.get(each.key, Absence.MISSING) for each in addresses}


def list_open_pulls(client: Client) -> Iterator[OpenPull]:
    """Every open pull request with its description; one read for a hundred of them."""
    for page in _read_open(client):
        yield from (_open_pull(each) for each in _nodes(page["pullRequests"]))


@dataclass(frozen=True, kw_only=True)
class Claimants:
    """The pull requests that GitHub links to some issues, and all open ones, for those that it does not link.

    `is_gone` when the milestone is not there any more, so that nobody knows which issues were in it.
    """

    linked: tuple[int, ...]
    issues: tuple[int, ...]
    open: tuple[OpenPull, ...]
    is_gone: bool = False


def find_claimants_of_issue(client: Client, number: int) -> Claimants:
    """Who may claim the issue, in one read for each hundred open pull requests."""
    pages = list(_read_open(client, OF_ISSUE % number))
    issue = pages[0]["issue"] or {}
    linked = _open_numbers(issue.get("closedByPullRequestsReferences"), client)
    return _claimants(pages, linked, (number,))


def find_claimants_of_milestone(client: Client, number: int) -> Claimants:
    """Who may claim an open issue of the milestone, in one read for each hundred issues or open pull requests."""
    linked: list[int] = []
    issues: list[int] = []
    pages: list[Mapping[str, Any]] = []
    after = ""
    while True:
        part = OF_MILESTONE % (number, after)
        if not pages:
            pages = list(_read_open(client, part))
            milestone = pages[0]["milestone"]
        else:
            data = client.query(OPEN_PULLS % (part, CLAIM), {**client.names, "after": None}, needs=NEEDS)
            milestone = data["repository"]["milestone"]
        page = (milestone or {}).get("issues") or {"nodes": [], "pageInfo": {"hasNextPage": False}}
        for each in _nodes(page):
            issues.append(each["number"])
            linked += _open_numbers(each["closedByPullRequestsReferences"], client)
        if not page["pageInfo"]["hasNextPage"]:
            claimants = _claimants(pages, tuple(linked), tuple(issues))
            return replace(claimants, is_gone=milestone is None)
        after = f', after: "{page["pageInfo"]["endCursor"]}"'


def _read_open(client: Client, part: str = "") -> Iterator[Mapping[str, Any]]:
    """The repository page by page of its open pull requests; with the part on the first."""
    after = None
    while True:
        text = OPEN_PULLS % (part, CLAIM if part else "")
        data = client.query(text, {**client.names, "after": after}, needs=NEEDS)
        yield data["repository"]
        page = data["repository"]["pullRequests"]["pageInfo"]
        if not page["hasNextPage"]:
            return
        after, part = page["endCursor"], ""


def _claimants(pages: list[Mapping[str, Any]], linked: Iterable[int], issues: tuple[int, ...]) -> Claimants:
    found = tuple(_open_pull(each) for page in pages for each in _nodes(page["pullRequests"]))
    return Claimants(linked=tuple(dict.fromkeys(linked)), issues=issues, open=found)


def _open_numbers(connection: Mapping[str, Any] | None, client: Client) -> tuple[int, ...]:
    """Open ones of this repository: a status in another cannot be written with this token."""
    own = client.repository.casefold()
    return tuple(
        each["number"]
        for each in _nodes(connection)
        if each["state"] == "OPEN" and each["repository"]["nameWithOwner"].casefold() == own
    )


def _read_issues(client: Client, addresses: Sequence[Address]) -> dict[tuple[str, int], LinkedIssue | Absence]:
    groups: dict[str, list[Address]] = {}
    for each in addresses:
        groups.setdefault(each.repository.casefold(), []).append(each)
    variables: dict[str, str] = {}
    parts = []
    for index, members in enumerate(groups.values()):
        owner, _, name = members[0].repository.partition("/")
        variables |= {f"o{index}": owner, f"n{index}": name}
        asked = " ".join(
            f"i{each.number}: issueOrPullRequest(number: {each.number}) {{ __typename ...I }}" for each in members
        )
        parts.append(f"r{index}: repository(owner: $o{index}, name: $n{index}) {{ {asked} }}")
    head = ", ".join(f"${each}: String!" for each in variables)
    own = client.repository.casefold()
    # Another repository may be hidden; this one must not be.
    hidden = tuple(f"r{index}" for index, name in enumerate(groups) if name != own)
    text = f"query({head}) {{ {' '.join(parts)} }}{ISSUE}"
    data = client.query(text, variables, needs=NEEDS, optional=hidden)
    found: dict[tuple[str, int], LinkedIssue | Absence] = {}
    for index, members in enumerate(groups.values()):
        repository = data.get(f"r{index}")
        for each in members:
            found[each.key] = _held(repository, each)
    return found


def _held(repository: Mapping[str, Any] | None, address: Address) -> LinkedIssue | Absence:
    if repository is None:
        return Absence.INVISIBLE
    node = repository.get(f"i{address.number}")
    if node is None:
        return Absence.MISSING
    return _issue(node) if node["__typename"] == "Issue" else Absence.PULL_REQUEST


def _nodes(connection: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The members of a connection without those that are hidden."""
    return [each for each in (connection or {}).get("nodes") or () if each]


def _pull(repository: Mapping[str, Any], found: Mapping[str, Any]) -> PullRequest:
    return PullRequest(
        address=Address(repository["nameWithOwner"], found["number"]),
        title=found["title"],
        body=found["body"] or "",
        author=_login(found["author"]),
        state=State.OPEN if found["state"] == "OPEN" else State.CLOSED,
        is_draft=found["isDraft"],
        base=found["baseRefName"],
        default_branch=(repository["defaultBranchRef"] or {}).get("name", ""),
        head=found["headRefName"],
        head_sha=found["headRefOid"],
        is_from_fork=found["isCrossRepository"],
        labels=tuple(each["name"] for each in _nodes(found["labels"])),
        closing=tuple(_issue(each) for each in _nodes(found["closingIssuesReferences"])),
        sidebar=tuple(_address(each) for each in _nodes(found["sidebar"])),
        siblings=tuple(_siblings(found)),
    )


def _issue(node: Mapping[str, Any]) -> LinkedIssue:
    milestone = node["milestone"] or {}
    claims = node["closedByPullRequestsReferences"]
    shown = _nodes(claims)
    return LinkedIssue(
        address=_address(node),
        title=node["title"],
        state=State(node["state"].lower()),
        state_reason=REASONS.get(node["stateReason"] or "", ""),
        milestone=milestone.get("title"),
        milestone_state=State(milestone["state"].lower()) if milestone else None,
        assignees=tuple(_login(each) for each in _nodes(node["assignees"])),
        labels=tuple(each["name"] for each in _nodes(node["labels"])),
        claims=tuple(_claim(each) for each in shown if each["state"] == "OPEN"),
        has_all_claims=claims is not None and claims["totalCount"] <= len(shown),
    )


def _siblings(found: Mapping[str, Any]) -> Iterator[int]:
    """Other open pull requests whose status stands at the same commit; a draft cannot be merged."""
    for last in _nodes(found["commits"]):
        for each in _nodes(last["commit"]["associatedPullRequests"]):
            is_ready = each["state"] == "OPEN" and not each["isDraft"] and each["headRefOid"] == found["headRefOid"]
            if is_ready and each["number"] != found["number"]:
                yield each["number"]


def _claim(node: Mapping[str, Any]) -> Claim:
    return Claim(address=_address(node), author=_login(node["author"]), is_draft=node["isDraft"])


def _open_pull(node: Mapping[str, Any]) -> OpenPull:
    return OpenPull(claim=_claim(node), body=node["body"] or "")


def _address(node: Mapping[str, Any]) -> Address:
    return Address(node["repository"]["nameWithOwner"], node["number"])


def _login(actor: Mapping[str, Any] | None) -> str:
    """The login as REST and people write it; an account that is gone is `ghost`."""
    if actor is None:
        return "ghost"
    login = str(actor["login"])
    return f"{login}[bot]" if actor["__typename"] == "Bot" and not login.endswith("[bot]") else login


def _plan(client: Client, blob: Mapping[str, Any] | None, path: str) -> bytes | None:
    """The plan file; GraphQL cuts a large one short, and gives no binary one."""
    if not blob or "text" not in blob:
        return None
    if blob["text"] is not None and not blob["isTruncated"]:
        return str(blob["text"]).encode("utf-8", "surrogatepass")
    answer = client.get(f"/contents/{segment(path)}", needs=CONTENTS)
    return base64.b64decode(answer["content"])


def _commit(repository: Mapping[str, Any], found: Mapping[str, Any], group: str) -> Mapping[str, Any] | None:
    """The commit that the status stands at, when its statuses could be read."""
    if group:
        commit = repository["group"]
    else:
        nodes = _nodes(found["commits"])
        commit = nodes[-1]["commit"] if nodes else None
    wanted = group or found["headRefOid"]
    return commit if commit and commit.get("oid") == wanted else None


def _status(commit: Mapping[str, Any] | None) -> Status | None:
    context = ((commit or {}).get("status") or {}).get("context")
    if not context:
        return None
    return Status(state=context["state"].lower(), description=context["description"] or "")


def _own_comments(nodes: Iterable[Mapping[str, Any]]) -> Iterator[Comment]:
    """Those of the first hundred that GitHub says are ours; ids are in their addresses, whatever their size."""
    for each in nodes:
        number = re.search(r"#issuecomment-([0-9]+)$", each["url"])
        if each["viewerDidAuthor"] and number:
            yield Comment(id=int(number[1]), body=each["body"] or "")
