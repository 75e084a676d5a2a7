"""What the fields of GitHub's GraphQL schema mean here. Members have GraphQL's own names."""

# ruff: noqa: N802 (the names are GitHub's)

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from milepost.simulator.router import Refusal, Request
from milepost.simulator.store import Comment, Event, Issue, Label, Milestone, Repository, read_time, write_time
from milepost.simulator.wire import association, node_id, read_node_id

MOST_PER_PAGE = 100
ROLES = {"admin": "ADMIN", "maintain": "MAINTAIN", "write": "WRITE", "triage": "TRIAGE", "read": "READ"}
Arguments = dict[str, Any]


class GraphError(Exception):
    """An error of GitHub's with its type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Unimplemented(Exception):
    """A field of the schema that the simulator does not imitate."""


class Connection:
    """A page of items, with GitHub's refusals of page sizes."""

    def __init__(self, items: Sequence[Any], wrap: Callable[[Any], Any], name: str, page: Arguments) -> None:
        first, last = page.get("first"), page.get("last")
        size = first if first is not None else last
        if size is None:
            raise GraphError(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            )
        if not 0 <= size <= MOST_PER_PAGE:
            raise GraphError(
                "EXCESSIVE_PAGINATION",
                f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records.",
            )
        start = _index(page.get("after")) + 1 if page.get("after") else 0
        end = _index(page.get("before")) if page.get("before") else len(items)
        window = list(range(start, end))
        window = window[:size] if first is not None else window[-size:] if size else []
        self.totalCount = len(items)
        self.pageInfo = _PageInfo(window, len(items))
        self._window, self._items, self._wrap = window, items, wrap

    @property
    def nodes(self) -> list[Any]:
        return [self._wrap(self._items[index]) for index in self._window]

    @property
    def edges(self) -> list[Any]:
        return [_Edge(_cursor(index), self._wrap(self._items[index])) for index in self._window]


class _PageInfo:
    def __init__(self, window: list[int], total: int) -> None:
        self.startCursor = _cursor(window[0]) if window else None
        self.endCursor = _cursor(window[-1]) if window else None
        self.hasNextPage = bool(window) and window[-1] + 1 < total
        self.hasPreviousPage = bool(window) and window[0] > 0


class _Edge:
    def __init__(self, cursor: str, node: Any) -> None:
        self.cursor, self.node = cursor, node


class Query:
    """The root."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def viewer(self) -> Any:
        return Actor(self._request, self._request.login, is_viewer=True)

    @property
    def rateLimit(self) -> Any:
        raise Unimplemented("Query.rateLimit members")

    def repository(self, owner: str, name: str, **_: Any) -> Any:
        found = self._request.store.find(f"{owner}/{name}")
        if found is None or self._request.role(found) == "none":
            message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            raise GraphError("NOT_FOUND", message)
        return RepositoryNode(self._request, found)

    def node(self, id: str) -> Any:
        prefix, number = read_node_id(id)
        for repository in self._request.store.repositories.values():
            if self._request.role(repository) == "none":
                continue
            if prefix == "MI":
                for milestone in repository.milestones.values():
                    if milestone.id == number:
                        return MilestoneNode(self._request, repository, milestone)
            for issue in repository.issues.values() if prefix in ("I", "PR") else ():
                if issue.id == number and (prefix == "PR") == (issue.pull is not None):
                    return (PullNode if issue.pull else IssueNode)(self._request, repository, issue)
        raise GraphError("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")

    def nodes(self, ids: list[str]) -> list[Any]:
        return [self.node(each) for each in ids]


class Actor:
    """A user or bot. GitHub writes a bot's login without `[bot]` here, except for the viewer's own."""

    def __init__(self, request: Request, login: str, *, is_viewer: bool = False) -> None:
        user = request.store.user(login)
        is_bot = user.type == "Bot"
        self._kind = "Bot" if is_bot and not is_viewer else "User"
        self.login = login if is_viewer else login.removesuffix("[bot]")
        self.databaseId, self.id = user.id, node_id("U", user.id)
        self.name = None
        self.url = f"{request.wire.html}/{login}"

    def type_name(self) -> str:
        return self._kind


class LabelNode:
    def __init__(self, label: Label) -> None:
        self.id, self.name, self.color = node_id("LA", label.id), label.name, label.color
        self.description = label.description


class RepositoryNode:
    def __init__(self, request: Request, repository: Repository) -> None:
        self._request, self._repository = request, repository
        self.id, self.databaseId = node_id("R", repository.id), repository.id
        self.name, self.nameWithOwner = repository.name, repository.full_name
        self.isFork, self.isPrivate, self.isArchived = repository.is_fork, repository.is_private, repository.is_archived
        self.hasIssuesEnabled = True
        self.url = f"{request.wire.html}/{repository.full_name}"

    @property
    def viewerPermission(self) -> str | None:
        role = self._request.role(self._repository)
        return ROLES.get(role)

    @property
    def defaultBranchRef(self) -> Any:
        return self.ref(f"refs/heads/{self._repository.default_branch}")

    def ref(self, qualified_name: str) -> Any:
        sha = self._repository.refs.get(qualified_name)
        return RefNode(self._repository, qualified_name, sha) if sha else None

    def object(self, expression: str | None = None, oid: str | None = None) -> Any:
        ref, _, path = (expression or oid or "").partition(":")
        name = self._repository.default_branch if ref == "HEAD" else ref
        commit = self._repository.commits.get(self._repository.refs.get(f"refs/heads/{name}", name))
        if commit is None or (path and path not in commit.files):
            return None
        return BlobNode(commit.files[path]) if path else CommitNode(commit.sha, commit.message)

    def label(self, name: str) -> Any:
        found = self._repository.label_named(name)
        return LabelNode(found) if found else None

    def labels(self, order_by: Arguments | None = None, query: str | None = None, **page: Any) -> Connection:
        _refuse(query, "Repository.labels query")
        found = sorted(self._repository.labels.values(), key=_label_key((order_by or {}).get("field", "CREATED_AT")))
        return Connection(_directed(found, order_by), LabelNode, "labels", page)

    def milestone(self, number: int) -> Any:
        found = self._repository.milestones.get(number)
        return MilestoneNode(self._request, self._repository, found) if found else None

    def milestones(
        self, states: list[str] | None = None, order_by: Arguments | None = None, query: str | None = None, **page: Any
    ) -> Connection:
        _refuse(query, "Repository.milestones query")
        _need_read(self._request, self._repository, "issues|pull-requests")
        found = [each for each in self._repository.milestones.values() if not states or each.state.upper() in states]
        found.sort(key=_milestone_key((order_by or {}).get("field", "NUMBER")))
        return Connection(_directed(found, order_by), self._milestone, "milestones", page)

    def issue(self, number: int) -> Any:
        _need_read(self._request, self._repository, "issues")
        found = self._repository.issues.get(number)
        if found is None or found.pull:
            raise GraphError("NOT_FOUND", f"Could not resolve to an Issue with the number of {number}.")
        return IssueNode(self._request, self._repository, found)

    def issues(self, **arguments: Any) -> Connection:
        _need_read(self._request, self._repository, "issues")
        found = [each for each in self._repository.issues.values() if not each.pull]
        return _issues(self._request, self._repository, found, arguments)

    def pullRequest(self, number: int) -> Any:
        found = self._repository.issues.get(number)
        if found is None or not found.pull:
            raise GraphError("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return PullNode(self._request, self._repository, found)

    def pullRequests(self, **arguments: Any) -> Connection:
        found = [each for each in self._repository.issues.values() if each.pull]
        return _pulls(self._request, self._repository, found, arguments)

    def issueOrPullRequest(self, number: int) -> Any:
        found = self._repository.issues.get(number)
        if found is None:
            raise GraphError("NOT_FOUND", f"Could not resolve to an issue or pull request with the number of {number}.")
        return (PullNode if found.pull else IssueNode)(self._request, self._repository, found)

    def _milestone(self, milestone: Milestone) -> Any:
        return MilestoneNode(self._request, self._repository, milestone)


class RefNode:
    def __init__(self, repository: Repository, name: str, sha: str) -> None:
        self.id, self.name = node_id("REF", len(name)), name.split("/", 2)[2]
        commit = repository.commits.get(sha)
        self.target = CommitNode(sha, commit.message if commit else "")


class CommitNode:
    def __init__(self, sha: str, message: str) -> None:
        self.id, self.oid, self.message = node_id("C", int(sha[:8], 16)), sha, message

    def type_name(self) -> str:
        return "Commit"


class BlobNode:
    def __init__(self, text: str) -> None:
        self.text, self.byteSize, self.isBinary = text, len(text.encode()), False

    def type_name(self) -> str:
        return "Blob"


class MilestoneNode:
    def __init__(self, request: Request, repository: Repository, milestone: Milestone) -> None:
        self._request, self._repository, self._milestone = request, repository, milestone
        self.id, self.number, self.title = node_id("MI", milestone.id), milestone.number, milestone.title
        self.description, self.state = milestone.description, milestone.state.upper()
        self.closed = milestone.state == "closed"
        self.dueOn, self.closedAt = write_time(milestone.due_on), write_time(milestone.closed_at)
        self.createdAt, self.updatedAt = write_time(milestone.created_at), write_time(milestone.updated_at)
        self.url = f"{request.wire.html}/{repository.full_name}/milestone/{milestone.number}"

    def type_name(self) -> str:
        return "Milestone"

    @property
    def creator(self) -> Actor:
        return Actor(self._request, self._milestone.creator)

    @property
    def progressPercentage(self) -> float:
        members = self._repository.members(self.number)
        return 100.0 * sum(each.state == "closed" for each in members) / len(members) if members else 0.0

    def issues(self, **arguments: Any) -> Connection:
        found = [each for each in self._repository.members(self.number) if not each.pull]
        return _issues(self._request, self._repository, found, arguments)

    def pullRequests(self, **arguments: Any) -> Connection:
        found = [each for each in self._repository.members(self.number) if each.pull]
        return _pulls(self._request, self._repository, found, arguments)


class _Item:
    """What issues and pull requests have in common."""

    def __init__(self, request: Request, repository: Repository, issue: Issue) -> None:
        self._request, self._repository, self._issue = request, repository, issue
        self.number, self.title, self.body = issue.number, issue.title, issue.body or ""
        self.closed = issue.state == "closed"
        self.createdAt, self.updatedAt = write_time(issue.created_at), write_time(issue.updated_at)
        self.closedAt = write_time(issue.closed_at)

    @property
    def author(self) -> Actor:
        return Actor(self._request, self._issue.author)

    @property
    def authorAssociation(self) -> str:
        return association(self._request.store, self._repository, self._issue)

    @property
    def milestone(self) -> Any:
        found = self._repository.milestones.get(self._issue.milestone or 0)
        return MilestoneNode(self._request, self._repository, found) if found else None

    def labels(self, order_by: Arguments | None = None, **page: Any) -> Connection:
        found = [self._repository.labels[each] for each in self._issue.labels]
        return Connection(found, LabelNode, "labels", page)

    def assignees(self, **page: Any) -> Connection:
        return Connection(self._issue.assignees, lambda login: Actor(self._request, login), "assignees", page)

    def comments(self, order_by: Arguments | None = None, **page: Any) -> Connection:
        found = [self._repository.comments[each] for each in self._issue.comments]
        return Connection(found, lambda each: CommentNode(self._request, self._repository, each), "comments", page)


class IssueNode(_Item):
    def __init__(self, request: Request, repository: Repository, issue: Issue) -> None:
        super().__init__(request, repository, issue)
        self.id, self.fullDatabaseId = node_id("I", issue.id), str(issue.id)
        self.databaseId = issue.id if issue.id < 2**31 else None
        self.state = issue.state.upper()
        self.lastEditedAt = None
        self.url = f"{request.wire.html}/{repository.full_name}/issues/{issue.number}"

    def type_name(self) -> str:
        return "Issue"

    @property
    def repository(self) -> RepositoryNode:
        return RepositoryNode(self._request, self._repository)

    @property
    def parent(self) -> Any:
        found = self._repository.issues.get(self._issue.parent or 0)
        return IssueNode(self._request, self._repository, found) if found else None

    def stateReason(self, enable_duplicate: bool = False) -> str | None:
        reason = self._issue.state_reason
        if reason == "duplicate" and not enable_duplicate:
            return "NOT_PLANNED"
        return reason.upper() if reason else None

    def subIssues(self, **page: Any) -> Connection:
        found = self._repository.nested(self.number)
        return Connection(found, lambda each: IssueNode(self._request, self._repository, each), "subIssues", page)

    def timelineItems(self, item_types: list[str] | None = None, since: str | None = None, **page: Any) -> Connection:
        found = [each for each in self._issue.timeline if each.kind in EVENTS]
        if item_types is not None:
            found = [each for each in found if each.kind.upper() + "_EVENT" in item_types]
        if since is not None:
            found = [each for each in found if each.at >= read_time(since)]
        return Connection(found, lambda each: EventNode(self._request, each), "timelineItems", page)


class PullNode(_Item):
    def __init__(self, request: Request, repository: Repository, issue: Issue) -> None:
        super().__init__(request, repository, issue)
        pull = issue.pull
        assert pull is not None
        self.id = node_id("PR", issue.id)
        self.state = "MERGED" if pull.merged_at else issue.state.upper()
        self.isDraft, self.merged, self.mergedAt = pull.is_draft, pull.merged_at is not None, write_time(pull.merged_at)
        self.baseRefName, self.headRefName, self.headRefOid = pull.base, pull.head, pull.head_sha
        self.url = f"{request.wire.html}/{repository.full_name}/pull/{issue.number}"

    def type_name(self) -> str:
        return "PullRequest"

    @property
    def headRepository(self) -> Any:
        assert self._issue.pull is not None
        found = self._request.store.find(self._issue.pull.head_repository)
        return RepositoryNode(self._request, found) if found else None

    def closingIssuesReferences(
        self, user_linked_only: bool = False, order_by: Arguments | None = None, **page: Any
    ) -> Connection:
        from milepost.simulator.routes.pulls import closing_references

        assert self._issue.pull is not None
        numbers = (
            self._issue.pull.sidebar_links if user_linked_only else closing_references(self._repository, self._issue)
        )
        found = [self._repository.issues[each] for each in numbers]
        wrap = lambda each: IssueNode(self._request, self._repository, each)  # noqa: E731
        return Connection(found, wrap, "closingIssuesReferences", page)


class CommentNode:
    def __init__(self, request: Request, repository: Repository, comment: Comment) -> None:
        self.id, self.fullDatabaseId, self.body = node_id("IC", comment.id), str(comment.id), comment.body
        self.author = Actor(request, comment.author)
        self.authorAssociation = request.store.association(comment.author, repository)
        self.isMinimized, self.minimizedReason = comment.minimized is not None, comment.minimized
        self.createdAt, self.updatedAt = write_time(comment.created_at), write_time(comment.updated_at)
        self.url = f"{request.wire.html}/{repository.full_name}/issues/{comment.issue}#issuecomment-{comment.id}"


EVENTS = {
    "milestoned": "MilestonedEvent",
    "demilestoned": "DemilestonedEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
}


class EventNode:
    def __init__(self, request: Request, event: Event) -> None:
        self._kind = EVENTS[event.kind]
        self.id, self.createdAt, self.actor = node_id("EV", event.id), write_time(event.at), Actor(request, event.actor)
        self.milestoneTitle = event.details.get("milestone", {}).get("title")
        self.stateReason = (event.details.get("state_reason") or "completed").upper()

    def type_name(self) -> str:
        return self._kind


def _issues(request: Request, repository: Repository, found: Iterable[Issue], arguments: Arguments) -> Connection:
    filters = arguments.pop("filter_by", None) or {}
    _refuse(filters.pop("viewerSubscribed", None) or None, "IssueFilters.viewerSubscribed")
    unknown = set(filters) - {"states", "since", "createdBy", "milestoneNumber", "labels"}
    _refuse(unknown or None, f"IssueFilters {sorted(unknown)}")
    states = arguments.pop("states", None) or filters.get("states")
    labels = arguments.pop("labels", None) or filters.get("labels")
    order = arguments.pop("order_by", None)
    since = read_time(filters["since"]) if filters.get("since") else None
    kept = [
        each
        for each in found
        if (not states or each.state.upper() in states)
        and (since is None or each.updated_at >= since)
        and (not filters.get("createdBy") or each.author == filters["createdBy"])
        and (not filters.get("milestoneNumber") or str(each.milestone) == filters["milestoneNumber"])
        and (not labels or {repository.labels[one].name for one in each.labels} & set(labels))
    ]
    kept.sort(key=_issue_key((order or {}).get("field", "CREATED_AT")))
    return Connection(_directed(kept, order), lambda each: IssueNode(request, repository, each), "issues", arguments)


def _pulls(request: Request, repository: Repository, found: Iterable[Issue], arguments: Arguments) -> Connection:
    states = arguments.pop("states", None)
    base, head = arguments.pop("base_ref_name", None), arguments.pop("head_ref_name", None)
    order = arguments.pop("order_by", None)
    _refuse(arguments.pop("labels", None), "pullRequests labels")
    kept = [
        each
        for each in (PullNode(request, repository, one) for one in found)
        if (not states or each.state in states)
        and base in (None, each.baseRefName)
        and head in (None, each.headRefName)
    ]
    kept.sort(key=lambda each: each.number)
    return Connection(_directed(kept, order), lambda each: each, "pullRequests", arguments)


def _need_read(request: Request, repository: Repository, scopes: str) -> None:
    """A workflow's token without the scope sees a public repository's issues, and nothing of a private one's."""
    if not repository.is_private:
        return
    try:
        request.need(repository, scopes, "read", "read")
    except Refusal:
        raise GraphError("FORBIDDEN", "Resource not accessible by integration") from None


def _refuse(value: object, what: str) -> None:
    if value is not None:
        raise Unimplemented(what)


def _directed(items: list[Any], order: Arguments | None) -> list[Any]:
    return items[::-1] if (order or {}).get("direction") == "DESC" else items


def _label_key(field: str) -> Callable[[Label], Any]:
    return lambda each: each.name.casefold() if field == "NAME" else each.id


def _milestone_key(field: str) -> Callable[[Milestone], Any]:
    far = datetime.max.replace(tzinfo=timezone.utc)
    keys: dict[str, Callable[[Milestone], Any]] = {
        "NUMBER": lambda each: each.number,
        "CREATED_AT": lambda each: (each.created_at, each.number),
        "UPDATED_AT": lambda each: (each.updated_at, each.number),
        "DUE_DATE": lambda each: (each.due_on or far, each.number),
    }
    return keys[field]


def _issue_key(field: str) -> Callable[[Issue], Any]:
    keys: dict[str, Callable[[Issue], Any]] = {
        "CREATED_AT": lambda each: (each.created_at, each.number),
        "UPDATED_AT": lambda each: (each.updated_at, each.number),
        "COMMENTS": lambda each: (len(each.comments), each.number),
    }
    return keys[field]


def _cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def _index(cursor: Any) -> int:
    try:
        return int(base64.b64decode(str(cursor)).decode().removeprefix("cursor:"))
    except ValueError:
        raise GraphError("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None
