"""Pull requests; closing keywords close issues on merge into the default branch only."""

from __future__ import annotations

import re

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.issues import note, set_body, set_state
from milepost.simulator.store import Commit, Issue, Pull, Repository

PULLS = "/repos/{owner}/{repo}/pulls"
# A reference is `#1`, `GH-1`, `owner/name#1` or an address, which may stand behind a link's text.
KEYWORD = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:"
    r"(?:GH-|#)(?P<short>[0-9]+)"
    r"|(?P<named>[\w.-]+/[\w.-]+)#(?P<long>[0-9]+)"
    r"|(?:\[[^\]\n]*\]\()?https?://[^/\s]+/(?P<linked>[\w.-]+/[\w.-]+)/issues/(?P<link>[0-9]+)"
    r")\b",
    re.IGNORECASE,
)
# Code and comments are no text.
NO_TEXT = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|<!--.*?(?:-->|\Z)", re.DOTALL)


def closing_references(repository: Repository, issue: Issue) -> list[int]:
    """The issues that merging would close: keywords on the default branch, and sidebar links."""
    assert issue.pull is not None
    words = _keywords(repository, issue.body or "") if issue.pull.base == repository.default_branch else []
    numbers = [*words, *issue.pull.sidebar_links]
    return [
        each
        for each in dict.fromkeys(numbers)
        if (found := repository.issues.get(each)) is not None and found.pull is None
    ]


def _keywords(repository: Repository, body: str) -> list[int]:
    """The numbers behind closing keywords, as far as they are this repository's."""
    found = []
    for match in KEYWORD.finditer(NO_TEXT.sub(" ", body)):
        name = match["named"] or match["linked"]
        if name is None or name.casefold() == repository.full_name.casefold():
            found.append(int(match["short"] or match["long"] or match["link"]))
    return found


@route("GET", PULLS, scopes="pull-requests", query="state head base sort direction per_page")
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
    members="title:string head:string base:string body:string|null draft:boolean",
)
def create_pull(request: Request) -> Answer:
    repository, body, store = request.repository, request.fields, request.store
    if request.token is None:
        raise Refusal(401, "Requires authentication")
    pull = _pull(request)
    issue = Issue(
        id=store.next_id(),
        number=repository.last_number + 1,
        title=_title(body.get("title")),
        body=body.get("body"),
        author=request.login,
        created_at=store.now,
        updated_at=store.now,
        pull=pull,
    )
    repository.add(issue)
    store.mention(repository, issue, issue.body, request.login)
    written = request.wire.pull(repository, issue)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{PULLS}/{{number}}", scopes="pull-requests")
def get_pull(request: Request) -> Answer:
    return Answer(200, request.wire.pull(request.repository, _find(request)))


@route(
    "PATCH",
    f"{PULLS}/{{number}}",
    members="title:string body:string|null state:string base:string",
)
def update_pull(request: Request) -> Answer:
    repository, issue, body = request.repository, _find(request), request.fields
    pull = issue.pull
    assert pull is not None
    if request.login != issue.author or request.token is None or request.token.permissions is not None:
        request.need(repository, "pull-requests", "write", "write")
    state, base = body.get("state", issue.state), body.get("base", pull.base)
    if state not in ("open", "closed") or (pull.merged_at is not None and state != issue.state):
        raise invalid("PullRequest", "invalid", "state")
    if f"refs/heads/{base}" not in repository.refs:
        raise invalid("PullRequest", "invalid", "base")
    title = _title(body["title"]) if "title" in body else issue.title
    if title != issue.title:
        note(request, issue, "renamed", rename={"from": issue.title, "to": title})
    issue.title, pull.base = title, base
    if "body" in body:
        set_body(request, issue, body["body"])
    set_state(request, issue, state, None)
    issue.updated_at = request.store.now
    return Answer(200, request.wire.pull(repository, issue))


@route(
    "PUT",
    f"{PULLS}/{{number}}/merge",
    scopes="contents",
    role="write",
    members="commit_title:string commit_message:string sha:string merge_method:string",
)
def merge_pull(request: Request) -> Answer:
    repository, issue = request.repository, _find(request)
    pull = issue.pull
    assert pull is not None
    if pull.merged_at is not None or issue.state == "closed":
        raise Refusal(405, "Pull Request is not mergeable")
    if pull.is_draft:
        raise Refusal(405, "Pull Request is still a draft")
    if request.fields.get("sha", pull.head_sha) != pull.head_sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    references = closing_references(repository, issue)
    pull.merge_sha = _merge_commit(request, issue, pull)
    pull.merged_at, pull.merged_by = request.store.now, request.login
    repository.contributors[issue.author] = None
    set_state(request, issue, "closed", None)
    for number in references:
        if repository.issues[number].state == "open":
            set_state(request, repository.issues[number], "closed", "completed")
    return Answer(200, {"sha": pull.merge_sha, "merged": True, "message": "Pull Request successfully merged"})


@route("GET", f"{PULLS}/{{number}}/merge", scopes="pull-requests")
def is_merged(request: Request) -> Answer:
    pull = _find(request).pull
    if pull is None or pull.merged_at is None:
        raise Refusal(404, "Not Found")
    return Answer(204)


@route("GET", f"{PULLS}/{{number}}/files", scopes="pull-requests", query="per_page")
def list_files(request: Request) -> Answer:
    """Compared with the base as it is now, or for what is merged with the first parent of the merge."""
    repository, pull = request.repository, _find(request).pull
    assert pull is not None
    if pull.merge_sha:
        base = repository.commits[pull.merge_sha].parents[0]
    else:
        base = repository.refs.get(f"refs/heads/{pull.base}", "")
    before = repository.commits[base].files if base in repository.commits else {}
    after = repository.commits[pull.head_sha].files
    changed = sorted(each for each in {*before, *after} if before.get(each) != after.get(each))
    page, headers = request.page(changed)
    written = [
        request.wire.changed_file(repository, pull.head_sha, each, before.get(each), after.get(each)) for each in page
    ]
    return Answer(200, written, headers)


def _pull(request: Request) -> Pull:
    """The pull request asked for: two branches that are there and differ, without an open one for both."""
    repository, body = request.repository, request.fields
    owner, _, head = str(body.get("head", "")).rpartition(":")
    base = str(body.get("base", ""))
    source = _head_repository(request, owner or repository.owner)
    head_sha, base_sha = source.refs.get(f"refs/heads/{head}"), repository.refs.get(f"refs/heads/{base}")
    if head_sha is None or base_sha is None:
        raise invalid("PullRequest", "invalid", "head" if head_sha is None else "base")
    if head_sha == base_sha:
        raise _refused(f"No commits between {base} and {head}")
    for each in (each.pull for each in repository.issues.values() if each.pull and each.state == "open"):
        if (each.head, each.base, each.head_repository) == (head, base, source.full_name):
            raise _refused(f"A pull request already exists for {source.owner}:{head}.")
    repository.commits.setdefault(head_sha, source.commits[head_sha])
    return Pull(head, base, head_sha, source.full_name, bool(body.get("draft")))


def _head_repository(request: Request, owner: str) -> Repository:
    """The repository itself, or its namesake of another owner: a fork."""
    found = request.store.find(f"{owner}/{request.repository.name}")
    if found is None or request.role(found) == "none":
        raise invalid("PullRequest", "invalid", "head")
    return found


def _refused(message: str) -> Refusal:
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    return Refusal(422, "Validation Failed", [error])


def _merge_commit(request: Request, issue: Issue, pull: Pull) -> str:
    """The base branch has one commit more, with the files of both sides."""
    repository, store, name = request.repository, request.store, f"refs/heads/{pull.base}"
    base, head = repository.commits[repository.refs[name]], repository.commits[pull.head_sha]
    message = request.fields.get("commit_title") or f"Merge pull request #{issue.number} from {pull.head}"
    sha = store.next_sha(message)
    files = {**base.files, **head.files}
    parents = [base.sha] if request.fields.get("merge_method") in ("squash", "rebase") else [base.sha, head.sha]
    repository.commits[sha] = Commit(sha, message, parents, files, store.now, request.login)
    repository.refs[name] = sha
    return sha


def _title(title: object) -> str:
    if not isinstance(title, str) or not title.strip():
        raise invalid("Issue", "missing_field", "title")
    return title


def _find(request: Request) -> Issue:
    text = request.parts["number"]
    found = request.repository.issues.get(int(text)) if text.isdigit() else None
    if found is None or found.pull is None:
        raise Refusal(404, "Not Found")
    return found
