"""Sub-issues: one parent, 100 children, eight levels, the same owner."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.routes.issues import ISSUE, READERS, find_issue
from milepost.simulator.store import Issue, Repository

MOST_CHILDREN, MOST_LEVELS = 100, 8


@route("GET", f"{ISSUE}/parent", scopes=READERS)
def get_parent(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    if issue.parent is None:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.issue(repository, repository.issues[issue.parent]))


@route("GET", f"{ISSUE}/sub_issues", scopes=READERS, query="per_page")
def list_sub_issues(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    page, headers = request.page(repository.nested(issue.number))
    return Answer(200, [request.wire.issue(repository, each) for each in page], headers)


@route(
    "POST", f"{ISSUE}/sub_issues", scopes="issues", role="triage", members="sub_issue_id:integer replace_parent:boolean"
)
def add_sub_issue(request: Request) -> Answer:
    repository, parent, body = request.repository, find_issue(request), request.fields
    child = repository.issue_with_id(body.get("sub_issue_id"))
    if child is None:
        raise Refusal(404, "The provided sub-issue does not exist")
    _judge(repository, parent, child, replaces=bool(body.get("replace_parent")))
    repository.nest(child, parent.number)
    written = request.wire.issue(repository, parent)
    return Answer(201, written, {"Location": written["url"]})


@route("DELETE", f"{ISSUE}/sub_issue", scopes="issues", role="triage", members="sub_issue_id:integer")
def remove_sub_issue(request: Request) -> Answer:
    repository, parent = request.repository, find_issue(request)
    wanted = request.fields.get("sub_issue_id")
    child = next((each for each in repository.nested(parent.number) if each.id == wanted), None)
    if child is None:
        raise Refusal(404, "The provided sub-issue does not exist")
    repository.nest(child, None)
    written = request.wire.issue(repository, parent)
    return Answer(200, written, {"Location": written["url"]})


def _judge(repository: Repository, parent: Issue, child: Issue, *, replaces: bool) -> None:
    above = [parent.number]
    while (higher := repository.issues[above[-1]].parent) is not None:
        above.append(higher)
    if child.number in above:
        raise Refusal(422, "Sub-issue cannot be an ancestor of its parent")
    if child.parent == parent.number:
        raise Refusal(422, "Issue may not contain duplicate sub-issues")
    if child.parent is not None and not replaces:
        raise Refusal(422, "Sub-issue may only have one parent")
    if len(repository.nested(parent.number)) >= MOST_CHILDREN:
        raise Refusal(422, f"Parent cannot have more than {MOST_CHILDREN} sub-issues")
    if len(above) + _depth(repository, child) > MOST_LEVELS:
        raise Refusal(422, f"Sub-issues cannot be nested deeper than {MOST_LEVELS} levels")


def _depth(repository: Repository, issue: Issue) -> int:
    """How many levels the issue and what is below it take."""
    return 1 + max((_depth(repository, each) for each in repository.nested(issue.number)), default=0)
