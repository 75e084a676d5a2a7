"""GraphQL's mutations: each is one or two REST operations under another name, with their permissions and limits."""

# ruff: noqa: N802 (the names are GitHub's)

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from milepost.simulator.dispatch import dispatch
from milepost.simulator.graph import Actor, CommentNode, CommitNode, IssueNode, RefNode, find_node, item_node
from milepost.simulator.limits import spend_content
from milepost.simulator.pages import GraphError, Unimplemented
from milepost.simulator.router import Refusal, Request
from milepost.simulator.store import Comment, Commit, Issue, Repository, from_bytes
from milepost.simulator.trees import is_clash, is_path
from milepost.simulator.wire import read_node_id

Input = Mapping[str, Any]
# What a refusal of REST is called here.
KINDS = {401: "FORBIDDEN", 403: "FORBIDDEN", 404: "NOT_FOUND", 422: "UNPROCESSABLE"}


class Mutation:
    """The root of a writing document."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def addComment(self, input: Input) -> Any:
        repository, issue = self._item(input["subjectId"])
        made = self._rest(repository, "POST", f"/issues/{issue.number}/comments", {"body": input["body"]})
        comment = CommentNode(self._request, repository, repository.comments[made["id"]])
        edge = {"cursor": comment.id, "node": comment}
        return _payload(input, commentEdge=edge, subject=item_node(self._request, repository, issue))

    def updateIssueComment(self, input: Input) -> Any:
        repository, comment = self._comment(input["id"])
        self._rest(repository, "PATCH", f"/issues/comments/{comment.id}", {"body": input["body"]})
        return _payload(input, issueComment=CommentNode(self._request, repository, comment))

    def deleteIssueComment(self, input: Input) -> Any:
        repository, comment = self._comment(input["id"])
        self._rest(repository, "DELETE", f"/issues/comments/{comment.id}")
        return _payload(input)

    def minimizeComment(self, input: Input) -> Any:
        return self._minimize(input, "minimizedComment", input["classifier"].lower().replace("_", "-"))

    def unminimizeComment(self, input: Input) -> Any:
        return self._minimize(input, "unminimizedComment", None)

    def createCommitOnBranch(self, input: Input) -> Any:
        """The commit is by who asks, on top of the head that was expected, or not at all."""
        repository, branch = self._branch(input["branch"])
        self._allowed(lambda: self._need_push(repository))
        name = f"refs/heads/{branch}"
        if repository.refs[name] != input["expectedHeadOid"]:
            message = f'Expected branch to point to "{input["expectedHeadOid"]}" but it did not.  Pull and try again.'
            raise GraphError("STALE_DATA", message)
        files = changed_files(repository.commits[repository.refs[name]], input.get("fileChanges") or {})
        text = "\n\n".join(each for each in (input["message"]["headline"], input["message"].get("body")) if each)
        made = self._request.store.commit(repository, branch, files, text, self._request.login)
        ref = RefNode(self._request, repository, name, made.sha)
        return _payload(input, commit=CommitNode(self._request, repository, made.sha), ref=ref)

    def createIssue(self, input: Input) -> Any:
        repository = self._repository(input["repositoryId"])
        parent = self._item(input["parentIssueId"])[1] if input.get("parentIssueId") else None
        made = self._rest(repository, "POST", "/issues", self._fields(input, "repositoryId parentIssueId"))
        if parent is not None:
            self._nest(repository, parent, made["id"])
        return _payload(input, issue=IssueNode(self._request, repository, repository.issues[made["number"]]))

    def updateIssue(self, input: Input) -> Any:
        issue = self._change(input["id"], self._fields(input, "id"))
        return _payload(input, issue=issue, actor=Actor(self._request, self._request.login))

    def closeIssue(self, input: Input) -> Any:
        if input.get("duplicateIssueId"):
            raise Unimplemented("CloseIssueInput.duplicateIssueId")
        reason = (input.get("stateReason") or "COMPLETED").lower()
        return _payload(input, issue=self._change(input["issueId"], {"state": "closed", "state_reason": reason}))

    def reopenIssue(self, input: Input) -> Any:
        return _payload(input, issue=self._change(input["issueId"], {"state": "open"}))

    def addSubIssue(self, input: Input) -> Any:
        if not input.get("subIssueId"):
            raise Unimplemented("AddSubIssueInput.subIssueUrl")
        repository, parent = self._item(input["issueId"])
        _, child = self._item(input["subIssueId"])
        self._nest(repository, parent, child.id, replace_parent=bool(input.get("replaceParent")))
        return self._pair(input, repository, parent, child)

    def removeSubIssue(self, input: Input) -> Any:
        repository, parent = self._item(input["issueId"])
        _, child = self._item(input["subIssueId"])
        self._rest(repository, "DELETE", f"/issues/{parent.number}/sub_issue", {"sub_issue_id": child.id})
        return self._pair(input, repository, parent, child)

    def _minimize(self, input: Input, name: str, reason: str | None) -> Any:
        repository, comment = self._comment(input["subjectId"])
        self._allowed(lambda: self._request.need(repository, "issues|pull-requests", "write", "write"))
        comment.minimized = reason
        return _payload(input, **{name: CommentNode(self._request, repository, comment)})

    def _branch(self, branch: Input) -> tuple[Repository, str]:
        """The branch by its repository and name, or by its id."""
        full_name, wanted = branch.get("repositoryNameWithOwner"), branch.get("branchName") or ""
        for repository in self._request.store.repositories.values():
            if self._request.role(repository) == "none":
                continue
            for name, sha in repository.refs.items():
                is_meant = (full_name or "").casefold() == repository.full_name.casefold() and name in (
                    wanted,
                    f"refs/heads/{wanted}",
                )
                id = RefNode(self._request, repository, name, sha).id
                if name.startswith("refs/heads/") and (is_meant or id == branch.get("id")):
                    return repository, name.removeprefix("refs/heads/")
        raise GraphError("NOT_FOUND", f"Could not resolve to a branch with the name '{wanted or branch.get('id')}'.")

    def _need_push(self, repository: Repository) -> None:
        self._request.need(repository, "contents", "write", "write")
        if repository.is_archived:
            raise Refusal(403, "Repository was archived so is read-only.")
        spend_content(self._request.store, self._request.login)

    def _change(self, id: str, fields: dict[str, Any]) -> IssueNode:
        repository, issue = self._item(id)
        self._rest(repository, "PATCH", f"/issues/{issue.number}", fields)
        return IssueNode(self._request, repository, issue)

    def _nest(self, repository: Repository, parent: Issue, child: int, *, replace_parent: bool = False) -> None:
        body = {"sub_issue_id": child, **({"replace_parent": True} if replace_parent else {})}
        self._rest(repository, "POST", f"/issues/{parent.number}/sub_issues", body)

    def _pair(self, input: Input, repository: Repository, parent: Issue, child: Issue) -> Any:
        issues = {"issue": parent, "subIssue": child}
        return _payload(input, **{name: IssueNode(self._request, repository, each) for name, each in issues.items()})

    def _fields(self, input: Input, apart: str) -> dict[str, Any]:
        """The input as REST has it."""
        body: dict[str, Any] = {}
        for name, value in input.items():
            if name in ("clientMutationId", *apart.split()):
                continue
            if name not in FIELDS:
                raise Unimplemented(f"the input {name}")
            body[FIELDS[name]] = getattr(self, READERS[name])(value) if name in READERS else value
        return body

    def _state(self, value: str) -> str:
        return value.lower()

    def _labels(self, ids: list[str] | None) -> list[str]:
        return [find_node(self._request, each).name for each in ids or []]

    def _logins(self, ids: list[str] | None) -> list[str]:
        found = [find_node(self._request, each).id for each in ids or []]
        numbers = {read_node_id(each)[1] for each in found}
        return [user.login for user in self._request.store.users.values() if user.id in numbers]

    def _number(self, id: str | None) -> int | None:
        return int(find_node(self._request, id).number) if id else None

    def _repository(self, id: str) -> Repository:
        node = find_node(self._request, id)
        found = self._request.store.find(getattr(node, "nameWithOwner", ""))
        if found is None:
            raise GraphError("NOT_FOUND", f"Could not resolve to a Repository with the global id of '{id}'")
        return found

    def _item(self, id: str) -> tuple[Repository, Issue]:
        prefix, number = read_node_id(id)
        for repository in self._request.store.repositories.values():
            issue = repository.issue_with_id(number)
            if prefix in ("I", "PR") and issue and self._request.role(repository) != "none":
                return repository, issue
        raise GraphError("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")

    def _comment(self, id: str) -> tuple[Repository, Comment]:
        prefix, number = read_node_id(id)
        for repository in self._request.store.repositories.values():
            if prefix == "IC" and number in repository.comments and self._request.role(repository) != "none":
                return repository, repository.comments[number]
        raise GraphError("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")

    def _rest(self, repository: Repository, method: str, path: str, body: Any = None) -> Any:
        """What the REST operation answers; what it refuses is refused here too."""
        path = f"/repos/{repository.full_name}{path}"
        request = replace(self._request, method=method, path=path, query={}, body=body, parts={})
        return self._allowed(lambda: dispatch(request).body)

    def _allowed(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Refusal as refusal:
            if refusal.answer.status not in KINDS or "Retry-After" in refusal.answer.headers:
                raise
            answer = refusal.answer.body
            reasons = ", ".join(_reason(each) for each in answer.get("errors", []))
            raise GraphError(KINDS[refusal.answer.status], reasons or answer["message"]) from None


FIELDS = {
    "title": "title",
    "body": "body",
    "state": "state",
    "labelIds": "labels",
    "assigneeIds": "assignees",
    "milestoneId": "milestone",
}
READERS = {"state": "_state", "labelIds": "_labels", "assigneeIds": "_logins", "milestoneId": "_number"}


def changed_files(head: Commit, changes: Input) -> dict[str, str]:
    """The head's files after additions and deletions; each path may be named once."""
    additions, deletions = changes.get("additions") or [], changes.get("deletions") or []
    paths = [each["path"] for each in [*additions, *deletions]]
    if len(set(paths)) != len(paths):
        raise GraphError("UNPROCESSABLE", "A path may be named once only in the file changes.")
    if bad := [each for each in paths if not is_path(each)]:
        raise GraphError("UNPROCESSABLE", f"The path {bad[0]!r} is malformed.")
    files = dict(head.files)
    for each in deletions:
        if files.pop(each["path"], None) is None:
            message = f"A path was requested for deletion which does not exist as of commit oid `{head.sha}`"
            raise GraphError("NOT_FOUND", message)
    files.update({each["path"]: _read_base64(each["contents"]) for each in additions})
    if is_clash(files):
        raise Unimplemented("FileChanges with a file and a folder of one name")
    return files


def _read_base64(contents: str) -> str:
    try:
        return from_bytes(base64.b64decode(contents, validate=True))
    except binascii.Error:
        raise GraphError("UNPROCESSABLE", "The contents of a file addition are not valid base64.") from None


def _reason(error: Mapping[str, str] | str) -> str:
    """REST's error for one field, as a sentence."""
    if isinstance(error, str) or "message" in error:
        return error if isinstance(error, str) else error["message"]
    field = error["field"].capitalize()
    return f"{field} can't be blank" if error["code"] == "missing_field" else f"{field} is {error['code']}"


def _payload(input: Input, **members: Any) -> dict[str, Any]:
    return {"clientMutationId": input.get("clientMutationId"), **members}
