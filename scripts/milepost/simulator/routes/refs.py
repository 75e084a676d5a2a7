"""Git references, commits, tags and branches."""

from __future__ import annotations

import re

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.routes.trees import find_tree
from milepost.simulator.store import Commit, Repository, TagObject, changes_workflows, commit_of, read_time, tag_sha

REPO = "/repos/{owner}/{repo}"


@route("GET", f"{REPO}/git/ref/{{ref*}}", scopes="contents")
def get_ref(request: Request) -> Answer:
    repository, name = request.repository, _name(request)
    if name not in repository.refs:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.ref(repository, name, repository.refs[name]))


@route("GET", f"{REPO}/git/matching-refs/{{ref*}}", scopes="contents")
def list_matching_refs(request: Request) -> Answer:
    repository, name = request.repository, _name(request)
    found = sorted(each for each in repository.refs if each.startswith(name))
    return Answer(200, [request.wire.ref(repository, each, repository.refs[each]) for each in found])


@route("POST", f"{REPO}/git/refs", scopes="contents", role="write", members="ref:string sha:string")
def create_ref(request: Request) -> Answer:
    repository, body = request.repository, request.fields
    name, sha = str(body.get("ref", "")), str(body.get("sha", ""))
    if not re.fullmatch(r"refs/[^/]+/.+", name):
        raise Refusal(422, "Reference name must start with 'refs/' and contain at least two slashes.")
    if name in repository.refs:
        raise Refusal(422, "Reference already exists")
    if sha not in repository.commits and sha not in repository.tags:
        raise Refusal(422, "Object does not exist")
    if name.removeprefix("refs/tags/") in repository.immutable_tags:
        raise Refusal(
            422, "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n"
        )
    need_workflows(request, sha)
    repository.refs[name] = sha
    written = request.wire.ref(repository, name, sha)
    return Answer(201, written, {"Location": written["url"]})


@route("PATCH", f"{REPO}/git/refs/{{ref*}}", scopes="contents", role="write", members="sha:string force:boolean")
def update_ref(request: Request) -> Answer:
    repository, name, body = request.repository, _name(request), request.fields
    if name not in repository.refs:
        raise Refusal(422, "Reference does not exist")
    sha = str(body.get("sha", ""))
    if sha not in repository.commits:
        raise Refusal(422, "Object does not exist")
    _need_movable(repository, name)
    if not body.get("force") and repository.refs[name] not in _ancestors(repository, sha):
        raise Refusal(422, "Update is not a fast forward")
    repository.refs[name] = sha
    return Answer(200, request.wire.ref(repository, name, sha))


@route("DELETE", f"{REPO}/git/refs/{{ref*}}", scopes="contents", role="write")
def delete_ref(request: Request) -> Answer:
    repository, name = request.repository, _name(request)
    _need_movable(repository, name)
    if repository.refs.pop(name, None) is None:
        raise Refusal(422, "Reference does not exist")
    return Answer(204)


@route("GET", f"{REPO}/branches/{{branch*}}", scopes="contents")
def get_branch(request: Request) -> Answer:
    repository, name = request.repository, request.parts["branch"]
    sha = repository.refs.get(f"refs/heads/{name}")
    if sha is None:
        raise Refusal(404, "Branch not found")
    return Answer(200, request.wire.branch(repository, name, sha))


@route("GET", f"{REPO}/git/commits/{{sha}}", scopes="contents")
def get_commit(request: Request) -> Answer:
    repository = request.repository
    found = repository.commits.get(request.parts["sha"])
    if found is None:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.commit(repository, found))


@route(
    "POST",
    f"{REPO}/git/commits",
    scopes="contents",
    role="write",
    members="message:string tree:string parents:array",
)
def create_commit(request: Request) -> Answer:
    """The commit is in no branch yet; without parents it is a root commit."""
    repository, body, store = request.repository, request.fields, request.store
    files, parents = find_tree(repository, str(body.get("tree", ""))), body.get("parents") or []
    if files is None:
        raise Refusal(422, "Tree SHA does not exist")
    if any(each not in repository.commits for each in parents):
        raise Refusal(422, "Parent SHA does not exist or is not a commit object")
    message = str(body.get("message", ""))
    commit = Commit(store.next_sha(message), message, list(parents), dict(files), store.now, request.login)
    repository.commits[commit.sha] = commit
    written = request.wire.commit(repository, commit)
    return Answer(201, written, {"Location": written["url"]})


@route(
    "POST",
    f"{REPO}/git/tags",
    scopes="contents",
    role="write",
    members="tag:string message:string object:string type:string tagger:object",
)
def create_tag(request: Request) -> Answer:
    repository, body, store = request.repository, request.fields, request.store
    target = str(body.get("object", ""))
    if target not in (*repository.commits, *repository.tags):
        raise Refusal(422, "Object does not exist")
    name = str(body.get("tag", ""))
    tagger = body.get("tagger") or {}
    tag = TagObject(
        sha="",
        tag=name,
        message=str(body.get("message", "")),
        target=target,
        tagger=str(tagger.get("name", request.login)),
        email=str(tagger.get("email", f"{request.login}@example.org")),
        at=read_time(tagger["date"]) if "date" in tagger else store.now,
    )
    tag.sha = tag_sha(tag)
    repository.tags[tag.sha] = tag
    written = request.wire.tag_object(repository, tag)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{REPO}/git/tags/{{sha}}", scopes="contents")
def get_tag(request: Request) -> Answer:
    found = request.repository.tags.get(request.parts["sha"])
    if found is None:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.tag_object(request.repository, found))


@route("GET", f"{REPO}/tags", query="per_page")
def list_tags(request: Request) -> Answer:
    repository = request.repository
    names = sorted((each for each in repository.refs if each.startswith("refs/tags/")), reverse=True)
    page, headers = request.page(names)
    tags = [request.wire.tag(repository, each.removeprefix("refs/tags/"), commit_of(repository, each)) for each in page]
    return Answer(200, tags, headers)


def need_workflows(request: Request, sha: str) -> None:
    """Who may not write workflows may not refer to a commit that changes them; a user's role is enough here."""
    repository = request.repository
    if not request.may(repository, "workflows", "write", "write") and changes_workflows(repository, sha):
        raise Refusal(403, "Resource not accessible by integration")


def _need_movable(repository: Repository, name: str) -> None:
    """The tag of an immutable release stays where it is, as long as that is there."""
    locked = {f"refs/tags/{each.tag}" for each in repository.releases.values() if each.is_immutable}
    if name in locked:
        raise Refusal(422, "Repository rule violations found\n\nCannot update this protected ref.\n\n")


def _name(request: Request) -> str:
    return f"refs/{request.parts['ref']}"


def _ancestors(repository: Repository, sha: str) -> set[str]:
    found, waiting = set(), [sha]
    while waiting:
        each = waiting.pop()
        if each not in found and each in repository.commits:
            found.add(each)
            waiting += repository.commits[each].parents
    return found
