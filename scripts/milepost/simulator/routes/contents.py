"""Files of a branch."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha1

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.store import Commit, Repository

PATH = "/repos/{owner}/{repo}/contents/{path*}"


@route("GET", PATH, query="ref")
def get_content(request: Request) -> Answer:
    repository, path = request.repository, request.parts["path"]
    commit = _commit(repository, request.query.get("ref") or repository.default_branch)
    if path not in commit.files:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.content(repository, path, commit.files[path]))


@route("PUT", PATH, scopes="contents", role="write", members="message content sha branch committer author")
def put_content(request: Request) -> Answer:
    repository, path, body, store = request.repository, request.parts["path"], request.fields, request.store
    branch = body.get("branch") or repository.default_branch
    parent = _commit(repository, branch)
    present = parent.files.get(path)
    if present is not None and body.get("sha") != blob_sha(present):
        raise Refusal(409 if body.get("sha") else 422, f"{path} does not match {body.get('sha')}")
    try:
        text = base64.b64decode(str(body.get("content", "")), validate=False).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(422, "content is not valid Base64") from None
    sha = store.next_sha(path)
    message = str(body.get("message", ""))
    commit = Commit(sha, message, [parent.sha], {**parent.files, path: text}, store.now, request.login)
    repository.commits[sha] = commit
    repository.refs[f"refs/heads/{branch}"] = sha
    written = {
        "content": request.wire.content(repository, path, text),
        "commit": request.wire.commit(repository, commit),
    }
    return Answer(200 if present is not None else 201, written)


def blob_sha(text: str) -> str:
    """The id that git gives the file."""
    data = text.encode()
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _commit(repository: Repository, ref: str) -> Commit:
    sha = repository.refs.get(f"refs/heads/{ref}") or repository.refs.get(f"refs/tags/{ref}", ref)
    sha = repository.refs.get(ref, sha)
    found = repository.commits.get(sha)
    if found is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    return found
