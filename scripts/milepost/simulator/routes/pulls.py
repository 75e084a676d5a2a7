"""Pull requests; closing keywords close issues on merge into the default branch only."""

from __future__ import annotations

import re

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.issues import note, set_state
from milepost.simulator.store import Issue, Pull, Repository

PULLS = "/repos/{owner}/{repo}/pulls"
KEYWORD = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#([0-9]+)\b", re.IGNORECASE)


def closing_references(repository: Repository, issue: Issue) -> list[int]:
    """The issues that merging would close: keywords on the default branch, and sidebar links."""
    assert issue.pull is not None
    words = KEYWORD.findall(issue.body or "") if issue.pull.base == repository.default_branch else []
    numbers = [*(int(each) for each in words), *issue.pull.sidebar_links]
    return [
        each
        for each in dict.fromkeys(numbers)
        if (found := repository.issues.get(each)) is not None and found.pull is None
    ]


@route("GET", PULLS, query="state head base sort direction per_page")
def list_pulls(request: Request) -> Answer:
    repository, state = request.repository, request.query.get("state", "open")
    found = [
        each
        for each in repository.issues.values()
        if each.pull
        and state in ("all", each.state)
        and request.query.get("base", each.pull.base) == each.pull.base
        and request.query.get("head", "").rpartition(":")[2] in ("", each.pull.head)
    ]
    found.sort(key=lambda each: each.number, reverse=request.query.get("direction", "desc") == "desc")
    page, headers = request.page(found)
    return Answer(200, [request.wire.pull(repository, each, is_full=False) for each in page], headers)


@route(
    "POST",
    PULLS,
    scopes="pull-requests",
    role="read",
    members="title head head_repo base body maintainer_can_modify draft issue",
)
def create_pull(request: Request) -> Answer:
    repository, body, store = request.repository, request.fields, request.store
    head, base = str(body.get("head", "")).rpartition(":")[2], body.get("base", "")
    for name, branch in (("head", head), ("base", base)):
        if f"refs/heads/{branch}" not in repository.refs:
            raise invalid("PullRequest", "invalid", name)
    head_sha, base_sha = repository.refs[f"refs/heads/{head}"], repository.refs[f"refs/heads/{base}"]
    if head_sha == base_sha:
        message = f"No commits between {base} and {head}"
        raise Refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    others = [each.pull for each in repository.issues.values() if each.pull and each.state == "open"]
    if any((each.head, each.base) == (head, base) for each in others):
        message = f"A pull request already exists for {repository.owner}:{head}."
        raise Refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    repository.last_number += 1
    issue = Issue(
        id=store.next_id(),
        number=repository.last_number,
        title=str(body.get("title", "")),
        body=body.get("body"),
        author=request.login,
        created_at=store.now,
        updated_at=store.now,
        pull=Pull(head, base, head_sha, repository.full_name, bool(body.get("draft"))),
    )
    repository.issues[issue.number] = issue
    written = request.wire.pull(repository, issue)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{PULLS}/{{number}}")
def get_pull(request: Request) -> Answer:
    return Answer(200, request.wire.pull(request.repository, _find(request)))


@route("PATCH", f"{PULLS}/{{number}}", scopes="pull-requests", role="write", members="title body state base")
def update_pull(request: Request) -> Answer:
    repository, issue, body = request.repository, _find(request), request.fields
    assert issue.pull is not None
    issue.title, issue.body = body.get("title", issue.title), body.get("body", issue.body)
    issue.pull.base = body.get("base", issue.pull.base)
    set_state(request, issue, body.get("state", issue.state), None)
    issue.updated_at = request.store.now
    return Answer(200, request.wire.pull(repository, issue))


@route(
    "PUT",
    f"{PULLS}/{{number}}/merge",
    scopes="contents",
    role="write",
    members="commit_title commit_message sha merge_method",
)
def merge_pull(request: Request) -> Answer:
    repository, issue = request.repository, _find(request)
    pull = issue.pull
    assert pull is not None
    if pull.merged_at is not None or issue.state == "closed":
        raise Refusal(405, "Pull Request is not mergeable")
    references = closing_references(repository, issue)
    pull.merged_at = request.store.now
    repository.refs[f"refs/heads/{pull.base}"] = pull.head_sha
    set_state(request, issue, "closed", None)
    for number in references:
        set_state(request, repository.issues[number], "closed", "completed")
        note(request, repository.issues[number], "cross-referenced")
    return Answer(200, {"sha": pull.head_sha, "merged": True, "message": "Pull Request successfully merged"})


def _find(request: Request) -> Issue:
    text = request.parts["number"]
    found = request.repository.issues.get(int(text)) if text.isdigit() else None
    if found is None or found.pull is None:
        raise Refusal(404, "Not Found")
    return found
