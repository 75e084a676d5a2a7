"""Files of a branch."""

from __future__ import annotations

import base64
import binascii

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.store import Commit, Repository, blob_sha, from_bytes, to_bytes

PATH = "/repos/{owner}/{repo}/contents/{path*}"


@route("GET", PATH, scopes="contents", query="ref")
def get_content(request: Request) -> Answer:
    """A file, as JSON or as it is, or the list of a folder."""
    repository, path = request.repository, request.parts["path"].strip("/")
    files = _commit(repository, request.query.get("ref") or repository.default_branch).files
    if path in files:
        if ".raw" in request.headers.get("accept", ""):
            return Answer(200, to_bytes(files[path]), {"Content-Type": "application/vnd.github.raw; charset=utf-8"})
        return Answer(200, request.wire.content(repository, path, files[path]))
    names = sorted({each[len(path) + 1 :].partition("/")[0] for each in files if each.startswith(f"{path}/")})
    if not names:
        raise Refusal(404, "Not Found")
    paths = [f"{path}/{name}" for name in names]
    return Answer(200, [request.wire.content_entry(repository, each, files.get(each)) for each in paths])


@route(
    "PUT",
    PATH,
    scopes="contents",
    role="write",
    members="message:string content:string sha:string branch:string",
)
def put_content(request: Request) -> Answer:
    repository, path, body, store = request.repository, request.parts["path"], request.fields, request.store
    branch = body.get("branch") or repository.default_branch
    parent = _commit(repository, branch)
    present = parent.files.get(path)
    if present is not None and body.get("sha") != blob_sha(present):
        if "sha" in body:
            raise Refusal(409, f"{path} does not match {body['sha']}")
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    try:
        text = from_bytes(base64.b64decode(str(body.get("content", "")), validate=False))
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64") from None
    commit = store.commit(repository, branch, {**parent.files, path: text}, str(body.get("message", "")), request.login)
    written = {
        "content": request.wire.content(repository, path, text),
        "commit": request.wire.commit(repository, commit),
    }
    return Answer(200 if present is not None else 201, written)


def _commit(repository: Repository, ref: str) -> Commit:
    sha = repository.refs.get(f"refs/heads/{ref}") or repository.refs.get(f"refs/tags/{ref}", ref)
    sha = repository.refs.get(ref, sha)
    found = repository.commits.get(sha)
    if found is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    return found
