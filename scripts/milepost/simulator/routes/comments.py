"""Comments on issues and pull requests."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.issues import ISSUE, READERS, find_issue
from milepost.simulator.store import Comment, read_time

COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment}"
MOST_CHARACTERS = 65_536


@route("GET", f"{ISSUE}/comments", scopes=READERS, query="since per_page")
def list_comments(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    since = read_time(request.query["since"]) if "since" in request.query else None
    comments = [repository.comments[each] for each in issue.comments]
    page, headers = request.page([each for each in comments if since is None or each.updated_at >= since])
    return Answer(200, [request.wire.comment(repository, each) for each in page], headers)


@route("POST", f"{ISSUE}/comments", members="body:string")
def create_comment(request: Request) -> Answer:
    repository, issue, store = request.repository, find_issue(request), request.store
    if request.token is None:
        raise Refusal(401, "Requires authentication")
    if request.token.permissions is not None:
        request.need(repository, "issues|pull-requests" if issue.pull else "issues", "write", "read")
    if issue.is_locked and not request.may(repository, "issues", "write", "write"):
        raise Refusal(403, "Unable to create comment because issue is locked.")
    comment = Comment(store.next_id(), issue.number, request.login, _text(request), store.now, store.now)
    repository.comments[comment.id] = comment
    issue.comments.append(comment.id)
    issue.updated_at = store.now
    store.mention(repository, issue, comment.body, request.login)
    written = request.wire.comment(repository, comment)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", COMMENT, scopes=READERS)
def get_comment(request: Request) -> Answer:
    return Answer(200, request.wire.comment(request.repository, _find(request)))


@route("PATCH", COMMENT, members="body:string")
def update_comment(request: Request) -> Answer:
    comment = _find(request)
    _need_edit(request, comment)
    text = _text(request)
    if text != comment.body:
        comment.editor, comment.edited_at = request.login, request.store.now
    comment.body, comment.updated_at = text, request.store.now
    return Answer(200, request.wire.comment(request.repository, comment))


@route("DELETE", COMMENT)
def delete_comment(request: Request) -> Answer:
    repository, comment = request.repository, _find(request)
    _need_edit(request, comment)
    del repository.comments[comment.id]
    repository.issues[comment.issue].comments.remove(comment.id)
    return Answer(204)


def _find(request: Request) -> Comment:
    text = request.parts["comment"]
    found = request.repository.comments.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _need_edit(request: Request, comment: Comment) -> None:
    is_pull = request.repository.issues[comment.issue].pull is not None
    is_own = request.token is not None and request.token.permissions is None and request.login == comment.author
    if not is_own:
        request.need(request.repository, "issues|pull-requests" if is_pull else "issues", "write", "write")


def _text(request: Request) -> str:
    text = request.fields.get("body")
    if not isinstance(text, str) or not text.strip():
        raise invalid("IssueComment", "missing_field", "body")
    if len(text) > MOST_CHARACTERS:
        raise invalid("IssueComment", "custom", "body", message="body is too long (maximum is 65536 characters)")
    return text
