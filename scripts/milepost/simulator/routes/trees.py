"""Git's objects below a commit: files and folders."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.store import Repository, blob_sha, commit_of, from_bytes
from milepost.simulator.trees import FILE_MODE, Files, is_clash, is_path, tree_sha, walk_folders

REPO = "/repos/{owner}/{repo}"
ENTRY = ("path", "mode", "type", "sha", "content")


@route("POST", f"{REPO}/git/blobs", scopes="contents", role="write", members="content:string encoding:string")
def create_blob(request: Request) -> Answer:
    repository, body = request.repository, request.fields
    text = str(body.get("content", ""))
    if body.get("encoding", "utf-8") == "base64":
        try:
            text = from_bytes(base64.b64decode(text))
        except binascii.Error:
            raise Refusal(422, "content is not valid Base64") from None
    repository.blobs[blob_sha(text)] = text
    written = request.wire.blob(repository, blob_sha(text))
    return Answer(201, written, {"Location": written["url"]})


@route("POST", f"{REPO}/git/trees", scopes="contents", role="write", members="tree:array base_tree:string")
def create_tree(request: Request) -> Answer:
    """The base with some files more, others or less; without a base just the files named."""
    repository, body = request.repository, request.fields
    base = find_tree(repository, body["base_tree"]) if "base_tree" in body else {}
    if base is None:
        raise Refusal(422, "base_tree is not a valid tree oid")
    entries = body.get("tree")
    if not entries:
        raise Refusal(422, "Invalid tree info")
    files = dict(base)
    for each in entries:
        _put(repository, files, each)
    if is_clash(files):
        raise Refusal(501, "the simulator does not know a file and a folder of one name in POST git/trees")
    repository.trees[tree_sha(files)] = files
    written = request.wire.tree(repository, files)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{REPO}/git/trees/{{tree*}}", scopes="contents", query="recursive")
def get_tree(request: Request) -> Answer:
    files = find_tree(request.repository, request.parts["tree"])
    if files is None:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.tree(request.repository, files, is_recursive="recursive" in request.query))


def find_tree(repository: Repository, name: str) -> Files | None:
    """The folder that a tree's id, a commit's, a branch or a tag stands for."""
    for ref in (f"refs/heads/{name}", f"refs/tags/{name}"):
        if ref in repository.refs:
            return repository.commits[commit_of(repository, ref)].files
    if name in repository.commits:
        return repository.commits[name].files
    known = [*repository.trees.values(), *(each.files for each in repository.commits.values())]
    return next((each for files in known for each in walk_folders(files) if tree_sha(each) == name), None)


def _put(repository: Repository, files: dict[str, str], entry: Mapping[str, Any]) -> None:
    """The files hold what the entry says; an id that is null takes the file away."""
    path = str(entry.get("path", ""))
    if path.startswith("/"):
        raise Refusal(422, "tree.path cannot start with a slash")
    if not is_path(path):
        raise Refusal(422, "tree.path contains a malformed path component")
    unknown = sorted(set(entry) - set(ENTRY))
    if unknown or entry.get("mode") != FILE_MODE or entry.get("type", "blob") != "blob":
        raise Refusal(501, f"the simulator knows plain files ({FILE_MODE}, blob) of {', '.join(ENTRY)} only")
    if "content" in entry:
        files[path] = str(entry["content"])
    elif entry.get("sha") is None:
        files.pop(path, None)
    elif (text := _find_blob(repository, str(entry["sha"]))) is not None:
        files[path] = text
    else:
        raise Refusal(422, f"tree.sha {entry['sha']} is not a valid blob")


def _find_blob(repository: Repository, sha: str) -> str | None:
    if sha in repository.blobs:
        return repository.blobs[sha]
    texts = (text for each in repository.commits.values() for text in each.files.values())
    return next((text for text in texts if blob_sha(text) == sha), None)
