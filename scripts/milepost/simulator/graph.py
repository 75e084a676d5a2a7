"""What the fields of GitHub's GraphQL schema mean here. Members have GraphQL's own names."""

# ruff: noqa: N802 (the names are GitHub's)

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

from milepost.simulator.limits import describe_rate
from milepost.simulator.pages import Connection, GraphError, Unimplemented
from milepost.simulator.router import Refusal, Request
from milepost.simulator.routes.pulls import closing_references
from milepost.simulator.store import (
    Check,
    Comment,
    Commit,
    Event,
    Issue,
    Label,
    Milestone,
    Pull,
    Release,
    Repository,
    Status,
    TagObject,
    blob_sha,
    is_binary,
    peel,
    read_time,
    to_bytes,
    write_time,
)
from milepost.simulator.trees import Entry, Files, below, list_entries, tree_sha
from milepost.simulator.wire import association, node_id, read_node_id

ROLES = {"admin": "ADMIN", "maintain": "MAINTAIN", "write": "WRITE", "triage": "TRIAGE", "read": "READ"}
MOST_BLOB_BYTES = 512_000
Arguments = dict[str, Any]


class Query:
    """The root of a reading document, which asks for `nodes` nodes at most."""

    def __init__(self, request: Request, nodes: int) -> None:
        self._request, self._nodes = request, nodes

    @property
    def viewer(self) -> Any:
        return Actor(self._request, self._request.login, is_viewer=True)

    def rateLimit(self, dry_run: bool = False) -> Any:
        rate = describe_rate(self._request.store, self._request.login, "graphql")
        reset = datetime.fromtimestamp(rate.pop("reset"), timezone.utc)
        return {**rate, "cost": 1, "nodeCount": self._nodes, "resetAt": write_time(reset)}

    def repository(self, owner: str, name: str, **_: Any) -> Any:
        found = self._request.store.find(f"{owner}/{name}")
        if found is None or self._request.role(found) == "none":
            message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            raise GraphError("NOT_FOUND", message)
        return RepositoryNode(self._request, found)

    def node(self, id: str) -> Any:
        return find_node(self._request, id)

    def nodes(self, ids: list[str]) -> list[Any]:
        """One for each id; for an id that is nobody's, its error."""
        return [_or_error(find_node, self._request, each) for each in ids]


def find_node(request: Request, id: str) -> Any:
    """The node with that id, of a repository that may be seen."""
    prefix, number = read_node_id(id)
    if prefix == "U":
        for user in request.store.users.values():
            if user.id == number:
                return Actor(request, user.login)
    for repository in request.store.repositories.values():
        if request.role(repository) != "none" and (found := _node_of(request, repository, prefix, number)):
            return found
    raise GraphError("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")


def _node_of(request: Request, repository: Repository, prefix: str, number: int) -> Any:
    if prefix == "R" and repository.id == number:
        return RepositoryNode(request, repository)
    if prefix == "LA" and number in repository.labels:
        return LabelNode(request, repository, repository.labels[number])
    if prefix == "IC" and number in repository.comments:
        return CommentNode(request, repository, repository.comments[number])
    if prefix == "MI":
        found = next((each for each in repository.milestones.values() if each.id == number), None)
        return MilestoneNode(request, repository, found) if found else None
    issue = repository.issue_with_id(number) if prefix in ("I", "PR") else None
    if issue is None or (prefix == "PR") != (issue.pull is not None):
        return None
    return item_node(request, repository, issue)


def item_node(request: Request, repository: Repository, issue: Issue) -> Any:
    """The node of an issue or of a pull request."""
    if issue.pull:
        return PullNode(request, repository, issue, issue.pull)
    return IssueNode(request, repository, issue)


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
    def __init__(self, request: Request, repository: Repository, label: Label) -> None:
        self.id, self.name, self.color = node_id("LA", label.id), label.name, label.color
        self.description = label.description
        self.url = f"{request.wire.html}/{repository.full_name}/labels/{label.name}"

    def type_name(self) -> str:
        return "Label"


class RepositoryNode:
    def __init__(self, request: Request, repository: Repository) -> None:
        self._request, self._repository = request, repository
        self.id, self.databaseId = node_id("R", repository.id), repository.id
        self.name, self.nameWithOwner = repository.name, repository.full_name
        self.isFork, self.isPrivate, self.isArchived = repository.is_fork, repository.is_private, repository.is_archived
        self.createdAt, self.description, self.hasIssuesEnabled = write_time(repository.created_at), None, True
        self.url = f"{request.wire.html}/{repository.full_name}"
        role = request.role(repository)
        self.viewerPermission, self.viewerCanAdminister = ROLES.get(role), role == "admin"

    def type_name(self) -> str:
        return "Repository"

    @property
    def owner(self) -> Actor:
        return Actor(self._request, self._repository.owner)

    @property
    def defaultBranchRef(self) -> Any:
        return self.ref(f"refs/heads/{self._repository.default_branch}")

    def ref(self, qualified_name: str) -> Any:
        name = qualified_name if qualified_name.startswith("refs/") else f"refs/heads/{qualified_name}"
        _need_read(self._request, self._repository, "contents")
        sha = self._repository.refs.get(name)
        return RefNode(self._request, self._repository, name, sha) if sha else None

    def object(self, expression: str | None = None, oid: str | None = None) -> Any:
        """`BRANCH`, `BRANCH:PATH`, or a commit's id in place of the branch; a path is that of a file or a folder."""
        ref, colon, path = (expression or oid or "").partition(":")
        refs, name = self._repository.refs, self._repository.default_branch if ref == "HEAD" else ref
        sha = refs.get(f"refs/heads/{name}") or refs.get(f"refs/tags/{name}") or refs.get(name, name)
        commit = self._repository.commits.get(peel(self._repository, sha))
        _need_read(self._request, self._repository, "contents")
        if commit is None:
            return None
        if not colon:
            return CommitNode(self._request, self._repository, commit.sha)
        if path in commit.files:
            return BlobNode(commit.files[path])
        files = below(commit.files, path.rstrip("/"))
        return TreeNode(files, path.rstrip("/")) if files else None

    def label(self, name: str) -> Any:
        found = self._repository.label_named(name)
        return self._label(found) if found else None

    def labels(self, order_by: Arguments | None = None, query: str | None = None, **page: Any) -> Connection:
        _need_read(self._request, self._repository, "issues|pull-requests")
        found = [each for each in self._repository.labels.values() if _holds(query, each.name, each.description)]
        found.sort(key=_label_key((order_by or {}).get("field", "CREATED_AT")))
        return Connection(_directed(found, order_by), self._label, "labels", page)

    def milestone(self, number: int) -> Any:
        _need_read(self._request, self._repository, "issues|pull-requests")
        found = self._repository.milestones.get(number)
        return self._milestone(found) if found else None

    def milestones(
        self, states: list[str] | None = None, order_by: Arguments | None = None, query: str | None = None, **page: Any
    ) -> Connection:
        _need_read(self._request, self._repository, "issues|pull-requests")
        found = [
            each
            for each in self._repository.milestones.values()
            if (not states or each.state.upper() in states) and _holds(query, each.title, each.description)
        ]
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
        found = (each for each in self._repository.issues.values() if not each.pull)
        return _issues(self._request, self._repository, found, arguments)

    def pullRequest(self, number: int) -> Any:
        _need_read(self._request, self._repository, "pull-requests")
        found = self._repository.issues.get(number)
        if found is None or not found.pull:
            raise GraphError("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return PullNode(self._request, self._repository, found, found.pull)

    def pullRequests(self, **arguments: Any) -> Connection:
        _need_read(self._request, self._repository, "pull-requests")
        return _pulls(self._request, self._repository, self._repository.issues.values(), arguments)

    def issueOrPullRequest(self, number: int) -> Any:
        found = self._repository.issues.get(number)
        _need_read(self._request, self._repository, "pull-requests" if found and found.pull else "issues")
        if found is None:
            raise GraphError("NOT_FOUND", f"Could not resolve to an issue or pull request with the number of {number}.")
        return item_node(self._request, self._repository, found)

    def release(self, tag_name: str) -> Any:
        """A draft, too, by the tag that it will have; the published one goes before."""
        _need_read(self._request, self._repository, "contents")
        found = [each for each in self._releases() if each.tag == tag_name]
        found.sort(key=lambda each: (each.is_draft, each.id))
        return self._release(found[0]) if found else None

    def releases(self, order_by: Arguments | None = None, **page: Any) -> Connection:
        _need_read(self._request, self._repository, "contents")
        found = self._releases()
        if (order_by or {}).get("field") == "NAME":
            found.sort(key=lambda each: (each.name or "", each.id))
        else:
            found.sort(key=lambda each: (each.created_at, each.id))
        return Connection(_directed(found, order_by), self._release, "releases", page)

    def _releases(self) -> list[Release]:
        """Those that may be seen: drafts show with write access only."""
        sees_drafts = self._request.may(self._repository, "contents", "write", "write")
        return [each for each in self._repository.releases.values() if sees_drafts or not each.is_draft]

    def _release(self, release: Release) -> Any:
        return ReleaseNode(self._request, self._repository, release)

    def _label(self, label: Label) -> Any:
        return LabelNode(self._request, self._repository, label)

    def _milestone(self, milestone: Milestone) -> Any:
        return MilestoneNode(self._request, self._repository, milestone)


class RefNode:
    def __init__(self, request: Request, repository: Repository, name: str, sha: str) -> None:
        self.id, self.name = node_id("REF", int(blob_sha(name)[:8], 16)), name.split("/", 2)[2]
        self.target = _object(request, repository, sha)

    def type_name(self) -> str:
        return "Ref"


class ReleaseNode:
    def __init__(self, request: Request, repository: Repository, release: Release) -> None:
        self._request, self._repository, self._release = request, repository, release
        self.id, self.databaseId = node_id("RE", release.id), release.id
        self.name, self.description, self.tagName = release.name, release.body, release.tag
        self.isDraft, self.isPrerelease = release.is_draft, release.is_prerelease
        self.createdAt, self.publishedAt = write_time(release.created_at), write_time(release.published_at)
        self.url = request.wire.release(repository, release)["html_url"]

    def type_name(self) -> str:
        return "Release"

    @property
    def author(self) -> Actor:
        return Actor(self._request, self._release.author)


def _object(request: Request, repository: Repository, sha: str) -> TagNode | CommitNode:
    tag = repository.tags.get(sha)
    return TagNode(request, repository, tag) if tag else CommitNode(request, repository, sha)


class TagNode:
    def __init__(self, request: Request, repository: Repository, tag: TagObject) -> None:
        self.id, self.oid = node_id("TA", int(tag.sha[:8], 16)), tag.sha
        self.name, self.message = tag.tag, tag.message
        self.target = _object(request, repository, tag.target)

    def type_name(self) -> str:
        return "Tag"


class CommitNode:
    def __init__(self, request: Request, repository: Repository, sha: str) -> None:
        self._request, self._repository = request, repository
        commit = repository.commits.get(sha)
        self.id, self.oid, self.message = node_id("C", int(sha[:8], 16)), sha, commit.message if commit else ""

    def type_name(self) -> str:
        return "Commit"

    @property
    def tree(self) -> TreeNode:
        return TreeNode(self._repository.commits[self.oid].files, "")

    @property
    def status(self) -> StatusNode | None:
        """The newest status of each context; nothing when there is none."""
        _need_read(self._request, self._repository, "statuses")
        latest = {each.context: each for each in self._repository.statuses.get(self.oid, [])}
        return StatusNode(self._request, self.oid, latest) if latest else None

    @property
    def statusCheckRollup(self) -> RollupNode | None:
        """The newest status of each context and all check runs; nothing when there is none."""
        _need_read(self._request, self._repository, "checks|statuses")
        latest = {each.context: each for each in self._repository.statuses.get(self.oid, [])}
        checks = self._repository.checks.get(self.oid, [])
        return (
            RollupNode(self._request, self._repository, self, list(latest.values()), checks)
            if latest or checks
            else None
        )

    def associatedPullRequests(self, order_by: Arguments | None = None, **page: Any) -> Connection:
        """Those that hold the commit; here those whose head it is, or whose merge."""
        found = [
            each
            for each in self._repository.issues.values()
            if each.pull and self.oid in (each.pull.head_sha, each.pull.merge_sha)
        ]
        if order_by:
            found = _directed(sorted(found, key=_issue_key(order_by["field"])), order_by)
        wrap = lambda each: item_node(self._request, self._repository, each)  # noqa: E731
        return Connection(found, wrap, "associatedPullRequests", page)


class RollupNode:
    def __init__(
        self,
        request: Request,
        repository: Repository,
        commit: CommitNode,
        statuses: list[Status],
        checks: list[Check],
    ) -> None:
        self._request, self._repository, self.commit = request, repository, commit
        self._found: list[Status | Check] = [*statuses, *checks]
        self.id = node_id("SCR", int(commit.oid[:8], 16))
        states = {each.state for each in statuses} | {each.conclusion or "pending" for each in checks}
        failed = states - {"success", "neutral", "skipped", "pending"}
        self.state = "FAILURE" if failed else "PENDING" if "pending" in states else "SUCCESS"

    def type_name(self) -> str:
        return "StatusCheckRollup"

    def contexts(self, **page: Any) -> Connection:
        return Connection(self._found, self._node, "contexts", page)

    def _node(self, found: Status | Check) -> Any:
        _need_read(self._request, self._repository, "statuses" if isinstance(found, Status) else "checks")
        return StatusContextNode(self._request, found) if isinstance(found, Status) else CheckRunNode(found)


class CheckRunNode:
    def __init__(self, check: Check) -> None:
        self.id, self.databaseId, self.name = node_id("CR", check.id), check.id, check.name
        self.status = check.status.upper()
        self.conclusion = check.conclusion.upper() if check.conclusion else None
        self.startedAt = write_time(check.at)
        self.checkSuite = CheckSuiteNode(check)

    def type_name(self) -> str:
        return "CheckRun"


class CheckSuiteNode:
    """The suite of a check run: of a run of a workflow, or of another app."""

    def __init__(self, check: Check) -> None:
        self.id = node_id("CS", check.id)
        self.app = {"id": node_id("A", 1), "slug": "github-actions" if check.workflow else "other-app"}
        workflow = {"id": node_id("W", check.id), "name": check.workflow}
        self.workflowRun = {"id": node_id("WFR", check.id), "workflow": workflow} if check.workflow else None

    def type_name(self) -> str:
        return "CheckSuite"


class StatusNode:
    def __init__(self, request: Request, sha: str, latest: dict[str, Status]) -> None:
        self._request, self._latest = request, latest
        self.id = node_id("ST", int(sha[:8], 16))
        states = {each.state for each in latest.values()}
        worst = [each for each in ("error", "failure", "pending") if each in states]
        # One failing context fails the whole; so does an error.
        self.state = "SUCCESS" if not worst else "PENDING" if worst == ["pending"] else "FAILURE"

    def type_name(self) -> str:
        return "Status"

    @property
    def contexts(self) -> list[StatusContextNode]:
        return [StatusContextNode(self._request, each) for each in self._latest.values()]

    def context(self, name: str) -> StatusContextNode | None:
        return StatusContextNode(self._request, self._latest[name]) if name in self._latest else None


class StatusContextNode:
    def __init__(self, request: Request, status: Status) -> None:
        self.id, self.context, self.state = node_id("SC", status.id), status.context, status.state.upper()
        self.description, self.targetUrl = status.description, status.target_url
        self.createdAt, self.creator = write_time(status.at), Actor(request, status.creator)

    def type_name(self) -> str:
        return "StatusContext"


class TreeNode:
    def __init__(self, files: Files, path: str) -> None:
        self._files, self._path = files, path
        self.oid = tree_sha(files)
        self.id = node_id("T", int(self.oid[:8], 16))

    def type_name(self) -> str:
        return "Tree"

    @property
    def entries(self) -> list[TreeEntryNode]:
        return [TreeEntryNode(each, self._path) for each in list_entries(self._files)]


class TreeEntryNode:
    def __init__(self, entry: Entry, folder: str) -> None:
        self._entry = entry
        self.name, self.oid, self.type, self.mode = entry.name, entry.sha, entry.kind, int(entry.mode, 8)
        self.path = f"{folder}/{entry.name}" if folder else entry.name
        self.size = 0 if entry.text is None else len(to_bytes(entry.text))

    @property
    def object(self) -> TreeNode | BlobNode:
        text = self._entry.text
        return TreeNode(self._entry.files, self.path) if text is None else BlobNode(text)


class BlobNode:
    def __init__(self, text: str) -> None:
        self.byteSize, self.isBinary = len(to_bytes(text)), is_binary(text)
        self.isTruncated = self.byteSize > MOST_BLOB_BYTES
        self.text = None if self.isBinary else text[:MOST_BLOB_BYTES]
        self.oid = blob_sha(text)
        self.id = node_id("B", int(self.oid[:8], 16))

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
    def repository(self) -> RepositoryNode:
        return RepositoryNode(self._request, self._repository)

    @property
    def progressPercentage(self) -> float:
        members = self._repository.members(self.number)
        return 100.0 * sum(each.state == "closed" for each in members) / len(members) if members else 0.0

    def issues(self, **arguments: Any) -> Connection:
        found = (each for each in self._repository.members(self.number) if not each.pull)
        return _issues(self._request, self._repository, found, arguments)

    def pullRequests(self, **arguments: Any) -> Connection:
        return _pulls(self._request, self._repository, self._repository.members(self.number), arguments)


class _Written:
    """What issues, pull requests and comments have in common: somebody wrote them, and may have edited them."""

    def __init__(self, request: Request, repository: Repository, item: Issue | Comment) -> None:
        self._request, self._repository, self._written = request, repository, item
        self.body, self.databaseId = item.body or "", item.id if item.id < 2**31 else None
        self.fullDatabaseId = str(item.id)
        self.createdAt, self.updatedAt = write_time(item.created_at), write_time(item.updated_at)
        self.lastEditedAt, self.includesCreatedEdit = write_time(item.edited_at), item.edited_at is not None
        self.viewerDidAuthor = item.author == request.login

    @property
    def author(self) -> Actor:
        return Actor(self._request, self._written.author)

    @property
    def editor(self) -> Actor | None:
        return Actor(self._request, self._written.editor) if self._written.editor else None

    @property
    def viewerCanUpdate(self) -> bool:
        may = self._request.may(self._repository, "issues", "write", "triage")
        return self._request.token is not None and (self.viewerDidAuthor or may)


class _Item(_Written):
    """What issues and pull requests have in common."""

    def __init__(self, request: Request, repository: Repository, issue: Issue) -> None:
        super().__init__(request, repository, issue)
        self._issue = issue
        self.number, self.title, self.locked = issue.number, issue.title, issue.is_locked
        self.closed, self.closedAt = issue.state == "closed", write_time(issue.closed_at)

    @property
    def authorAssociation(self) -> str:
        return association(self._request.store, self._repository, self._issue)

    @property
    def repository(self) -> RepositoryNode:
        return RepositoryNode(self._request, self._repository)

    @property
    def milestone(self) -> Any:
        found = self._repository.milestones.get(self._issue.milestone or 0)
        return MilestoneNode(self._request, self._repository, found) if found else None

    def labels(self, order_by: Arguments | None = None, **page: Any) -> Connection:
        found = [self._repository.labels[each] for each in self._issue.labels]
        if order_by:
            found = _directed(sorted(found, key=_label_key(order_by["field"])), order_by)
        return Connection(found, lambda each: LabelNode(self._request, self._repository, each), "labels", page)

    def assignees(self, **page: Any) -> Connection:
        return Connection(self._issue.assignees, lambda login: Actor(self._request, login), "assignees", page)

    def comments(self, order_by: Arguments | None = None, **page: Any) -> Connection:
        found = [self._repository.comments[each] for each in self._issue.comments]
        if order_by:
            found = _directed(sorted(found, key=lambda each: (each.updated_at, each.id)), order_by)
        return Connection(found, lambda each: CommentNode(self._request, self._repository, each), "comments", page)

    def timelineItems(
        self, item_types: list[str] | None = None, since: str | None = None, skip: int | None = None, **page: Any
    ) -> Connection:
        found = self._history()
        if item_types is not None:
            found = [each for each in found if _item_type(each) in item_types]
        if since is not None:
            found = [each for each in found if _moment(each) >= read_time(since)]
        return Connection(found[skip or 0 :], self._timeline_node, "timelineItems", page)

    def _history(self) -> list[Event | Comment | Commit]:
        """What happened, oldest first."""
        found: list[Event | Comment | Commit] = [each for each in self._issue.timeline if each.kind in EVENTS]
        found += [self._repository.comments[each] for each in self._issue.comments]
        return sorted(found, key=lambda each: (_moment(each), getattr(each, "id", 0)))

    def _timeline_node(self, entry: Event | Comment | Commit) -> Any:
        if isinstance(entry, Comment):
            return CommentNode(self._request, self._repository, entry)
        assert isinstance(entry, Event)
        return EventNode(self._request, self._repository, self._issue, entry)


class IssueNode(_Item):
    def __init__(self, request: Request, repository: Repository, issue: Issue) -> None:
        super().__init__(request, repository, issue)
        self.id = node_id("I", issue.id)
        self.state = issue.state.upper()
        self.url = f"{request.wire.html}/{repository.full_name}/issues/{issue.number}"

    def type_name(self) -> str:
        return "Issue"

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

    @property
    def subIssuesSummary(self) -> dict[str, int]:
        found = self._repository.nested(self.number)
        done = sum(each.state == "closed" for each in found)
        percent = done * 100 // len(found) if found else 0
        return {"total": len(found), "completed": done, "percentCompleted": percent}

    def closedByPullRequestsReferences(
        self,
        include_closed_prs: bool = False,
        user_linked_only: bool = False,
        order_by_state: bool = False,
        **page: Any,
    ) -> Connection:
        """The pull requests whose merge closes it: the open ones unless closed ones are asked for."""
        found = [
            each
            for each in self._repository.issues.values()
            if each.pull
            and (include_closed_prs or each.state == "open")
            and self.number in _closed_by(self._repository, each, each.pull, user_linked_only)
        ]
        if order_by_state:
            found.sort(key=lambda each: each.state, reverse=True)
        wrap = self._pull_node
        return Connection(found, wrap, "closedByPullRequestsReferences", page)

    def _pull_node(self, issue: Issue) -> Any:
        return item_node(self._request, self._repository, issue)


class PullNode(_Item):
    def __init__(self, request: Request, repository: Repository, issue: Issue, pull: Pull) -> None:
        super().__init__(request, repository, issue)
        self._pull = pull
        self.id = node_id("PR", issue.id)
        self.state = "MERGED" if pull.merged_at else issue.state.upper()
        self.isDraft, self.merged, self.mergedAt = pull.is_draft, pull.merged_at is not None, write_time(pull.merged_at)
        self.baseRefName, self.headRefName, self.headRefOid = pull.base, pull.head, pull.head_sha
        self.baseRefOid = repository.refs.get(f"refs/heads/{pull.base}", pull.head_sha)
        self.isCrossRepository = pull.head_repository != repository.full_name
        self.url = f"{request.wire.html}/{repository.full_name}/pull/{issue.number}"

    def type_name(self) -> str:
        return "PullRequest"

    @property
    def mergedBy(self) -> Actor | None:
        return Actor(self._request, self._pull.merged_by) if self._pull.merged_by else None

    @property
    def mergeCommit(self) -> CommitNode | None:
        sha = self._pull.merge_sha
        return CommitNode(self._request, self._repository, sha) if sha else None

    def commits(self, **page: Any) -> Connection:
        return Connection(self._commits(), self._timeline_node, "commits", page)

    def _commits(self) -> list[Commit]:
        """Oldest first, from where the head left the base."""
        known, sha = self._repository.commits, self._pull.head_sha
        found: list[Commit] = []
        while sha in known and (sha != self.baseRefOid or not found):
            found.append(known[sha])
            sha = next(iter(known[sha].parents), "")
        return found[::-1]

    def _history(self) -> list[Event | Comment | Commit]:
        """Its commits come first."""
        return [*self._commits(), *super()._history()]

    def _timeline_node(self, entry: Event | Comment | Commit) -> Any:
        if isinstance(entry, Commit):
            return PullCommitNode(self._request, self._repository, self, entry.sha)
        return super()._timeline_node(entry)

    @property
    def headRepository(self) -> Any:
        found = self._request.store.find(self._pull.head_repository)
        return RepositoryNode(self._request, found) if found else None

    def closingIssuesReferences(
        self, user_linked_only: bool = False, order_by: Arguments | None = None, **page: Any
    ) -> Connection:
        numbers = _closed_by(self._repository, self._issue, self._pull, user_linked_only)
        found = [self._repository.issues[each] for each in numbers]
        if order_by:
            found = _directed(sorted(found, key=_issue_key(order_by["field"])), order_by)

        def wrap(each: Issue) -> IssueNode:
            _need_read(self._request, self._repository, "issues")
            return IssueNode(self._request, self._repository, each)

        return Connection(found, wrap, "closingIssuesReferences", page)


class PullCommitNode:
    def __init__(self, request: Request, repository: Repository, pull: PullNode, sha: str) -> None:
        self.commit, self.pullRequest = CommitNode(request, repository, sha), pull
        self.id, self.url = node_id("PRC", int(sha[:8], 16)), f"{pull.url}/commits/{sha}"

    def type_name(self) -> str:
        return "PullRequestCommit"


class CommentNode(_Written):
    def __init__(self, request: Request, repository: Repository, comment: Comment) -> None:
        super().__init__(request, repository, comment)
        self._comment = comment
        self.id = node_id("IC", comment.id)
        self.isMinimized, self.minimizedReason = comment.minimized is not None, comment.minimized
        self.url = f"{request.wire.html}/{repository.full_name}/issues/{comment.issue}#issuecomment-{comment.id}"

    def type_name(self) -> str:
        return "IssueComment"

    @property
    def authorAssociation(self) -> str:
        issue = self._repository.issues[self._comment.issue]
        if self._comment.author == issue.author:
            return association(self._request.store, self._repository, issue)
        return self._request.store.association(self._comment.author, self._repository)

    @property
    def issue(self) -> IssueNode:
        return IssueNode(self._request, self._repository, self._repository.issues[self._comment.issue])

    @property
    def viewerCanMinimize(self) -> bool:
        return self._request.may(self._repository, "issues", "write", "write")


EVENTS = {
    "milestoned": "MilestonedEvent",
    "demilestoned": "DemilestonedEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
    "assigned": "AssignedEvent",
    "unassigned": "UnassignedEvent",
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "renamed": "RenamedTitleEvent",
    "locked": "LockedEvent",
    "unlocked": "UnlockedEvent",
    "cross-referenced": "CrossReferencedEvent",
}
ITEM_TYPES = {"renamed": "RENAMED_TITLE_EVENT", "cross-referenced": "CROSS_REFERENCED_EVENT"}


class EventNode:
    def __init__(self, request: Request, repository: Repository, issue: Issue, event: Event) -> None:
        self._request, self._repository, self._issue, self._details = request, repository, issue, event.details
        self._kind = EVENTS[event.kind]
        self.id, self.createdAt, self.actor = node_id("EV", event.id), write_time(event.at), Actor(request, event.actor)
        self.milestoneTitle = event.details.get("milestone", {}).get("title")
        self.stateReason = (event.details.get("state_reason") or "completed").upper()
        self.isCrossRepository = False
        rename = event.details.get("rename", {})
        self.previousTitle, self.currentTitle = rename.get("from"), rename.get("to")
        reason = event.details.get("lock_reason")
        self.lockReason = reason.upper().replace("-", "_").replace(" ", "_") if reason else None

    def type_name(self) -> str:
        return self._kind

    @property
    def assignee(self) -> Actor:
        return Actor(self._request, self._details["assignee"])

    @property
    def label(self) -> LabelNode:
        """The label as it is; one that is gone, as it was."""
        was = self._details["label"]
        found = self._repository.label_named(was["name"]) or Label(0, was["name"], was["color"])
        return LabelNode(self._request, self._repository, found)

    @property
    def source(self) -> Any:
        return item_node(self._request, self._repository, self._repository.issues[self._details["source"]])

    @property
    def willCloseTarget(self) -> bool:
        source = self._repository.issues[self._details["source"]]
        return source.pull is not None and self._issue.number in closing_references(self._repository, source)


def _closed_by(repository: Repository, issue: Issue, pull: Pull, only_linked: bool) -> list[int]:
    return pull.sidebar_links if only_linked else closing_references(repository, issue)


def _moment(entry: Event | Comment | Commit) -> datetime:
    return entry.created_at if isinstance(entry, Comment) else entry.at


def _item_type(entry: Event | Comment | Commit) -> str:
    if isinstance(entry, Comment):
        return "ISSUE_COMMENT"
    if isinstance(entry, Commit):
        return "PULL_REQUEST_COMMIT"
    return ITEM_TYPES.get(entry.kind, f"{entry.kind.upper()}_EVENT")


def _issues(request: Request, repository: Repository, found: Iterable[Issue], arguments: Arguments) -> Connection:
    filters = arguments.pop("filter_by", None) or {}
    checks = _filter_checks(repository, filters)
    states, labels = arguments.pop("states", None), arguments.pop("labels", None)
    order = arguments.pop("order_by", None)
    if states:
        wanted = {each.lower() for each in states}
        checks.append(lambda issue: issue.state in wanted)
    if labels:
        checks.append(lambda issue: bool(_label_names(repository, issue) & {each.casefold() for each in labels}))
    kept = [each for each in found if all(check(each) for check in checks)]
    kept.sort(key=_issue_key((order or {}).get("field", "CREATED_AT")))
    return Connection(_directed(kept, order), lambda each: IssueNode(request, repository, each), "issues", arguments)


def _filter_checks(repository: Repository, filters: Arguments) -> list[Callable[[Issue], bool]]:
    """What `filterBy` asks of an issue; a null that is given asks for issues without."""
    if filters.get("viewerSubscribed"):
        raise Unimplemented("IssueFilters.viewerSubscribed")
    checks: list[Callable[[Issue], bool]] = []
    if filters.get("states"):
        states = {each.lower() for each in filters["states"]}
        checks.append(lambda issue: issue.state in states)
    if filters.get("since"):
        since = read_time(filters["since"])
        checks.append(lambda issue: issue.updated_at >= since)
    if filters.get("createdBy"):
        login = filters["createdBy"].casefold()
        checks.append(lambda issue: issue.author.casefold() in (login, f"{login}[bot]"))
    if filters.get("mentioned"):
        mention = f"@{filters['mentioned']}".casefold()
        checks.append(lambda issue: mention in (issue.body or "").casefold())
    if filters.get("labels"):
        names = {each.casefold() for each in filters["labels"]}
        checks.append(lambda issue: names <= _label_names(repository, issue))
    if "assignee" in filters:
        checks.append(lambda issue: _is_value(filters["assignee"], issue.assignees))
    if "milestoneNumber" in filters:
        checks.append(lambda issue: _is_value(filters["milestoneNumber"], [issue.milestone] if issue.milestone else []))
    if "milestone" in filters:
        ids = {number: each.id for number, each in repository.milestones.items()}
        checks.append(lambda issue: _is_value(filters["milestone"], [ids[issue.milestone]] if issue.milestone else []))
    return checks


def _is_value(wanted: str | None, held: list[Any]) -> bool:
    if wanted in (None, "*"):
        return bool(held) == (wanted == "*")
    return wanted in [str(each) for each in held]


def _label_names(repository: Repository, issue: Issue) -> set[str]:
    return {repository.labels[each].name.casefold() for each in issue.labels}


def _pulls(request: Request, repository: Repository, found: Iterable[Issue], arguments: Arguments) -> Connection:
    _need_read(request, repository, "pull-requests")
    states, labels = arguments.pop("states", None), arguments.pop("labels", None)
    base, head = arguments.pop("base_ref_name", None), arguments.pop("head_ref_name", None)
    order = arguments.pop("order_by", None)
    kept = [
        each
        for each in found
        if each.pull
        and base in (None, each.pull.base)
        and head in (None, each.pull.head)
        and (not states or ("MERGED" if each.pull.merged_at else each.state.upper()) in states)
        and (not labels or _label_names(repository, each) & {name.casefold() for name in labels})
    ]
    kept.sort(key=_issue_key((order or {}).get("field", "CREATED_AT")))

    def wrap(each: Issue) -> Any:
        return item_node(request, repository, each)

    return Connection(_directed(kept, order), wrap, "pullRequests", arguments)


def _need_read(request: Request, repository: Repository, scopes: str) -> None:
    """A workflow's token without the scope sees a public repository's issues, and nothing of a private one's."""
    try:
        request.need(repository, scopes, "read", "read")
    except Refusal:
        raise GraphError("FORBIDDEN", "Resource not accessible by integration") from None


def _or_error(call: Callable[[Request, str], Any], request: Request, argument: str) -> Any:
    try:
        return call(request, argument)
    except GraphError as error:
        return error


def _holds(query: str | None, *texts: str | None) -> bool:
    return query is None or any(query.casefold() in (each or "").casefold() for each in texts)


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
