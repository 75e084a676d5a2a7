"""Which issues block which; an issue is named by its database id."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.routes.issues import ISSUE, READERS, find_issue
from milepost.simulator.store import Issue

BLOCKED_BY = f"{ISSUE}/dependencies/blocked_by"


@route("GET", BLOCKED_BY, scopes=READERS, query="per_page")
def list_blocked_by(request: Request) -> Answer:
    issues = request.repository.issues
    return _list(request, [issues[each] for each in find_issue(request).blocked_by])


@route("GET", f"{ISSUE}/dependencies/blocking", scopes=READERS, query="per_page")
def list_blocking(request: Request) -> Answer:
    issues = request.repository.issues
    return _list(request, [issues[each] for each in find_issue(request).blocking])


@route("POST", BLOCKED_BY, scopes="issues", role="triage", members="issue_id:integer")
def add_blocked_by(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    blocker = _named(request, request.fields.get("issue_id"))
    if blocker is issue or issue.number in blocker.blocked_by:
        raise Refusal(422, "Validation Failed", ["An issue cannot block itself, directly or the other way round"])
    if blocker.number in issue.blocked_by:
        raise Refusal(422, "Validation Failed", ["Target issue has already been taken"])
    issue.blocked_by.append(blocker.number)
    blocker.blocking.append(issue.number)
    written = request.wire.issue(repository, blocker)
    return Answer(201, written, {"Location": written["url"]})


@route("DELETE", f"{BLOCKED_BY}/{{id}}", scopes="issues", role="triage")
def remove_blocked_by(request: Request) -> Answer:
    repository, issue, text = request.repository, find_issue(request), request.parts["id"]
    blocker = _named(request, int(text) if text.isdigit() else None)
    if blocker.number not in issue.blocked_by:
        raise Refusal(404, "Not Found")
    issue.blocked_by.remove(blocker.number)
    blocker.blocking.remove(issue.number)
    return Answer(200, request.wire.issue(repository, blocker))


def _named(request: Request, id: object) -> Issue:
    found = request.repository.issue_with_id(id)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _list(request: Request, issues: list[Issue]) -> Answer:
    page, headers = request.page(issues)
    return Answer(200, [request.wire.issue(request.repository, each) for each in page], headers)
