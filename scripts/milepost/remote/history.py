"""The data branch: records as files on an orphan branch of the repository (docs/decisions/0015-history-is-an-orphan-branch.md).

Everything read from it is somebody's text, to be judged by who reads it. Nothing here deletes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from milepost.errors import Refused
from milepost.remote.client import Client, Unanswered
from milepost.remote.errors import REJECTED

BRANCH = "milepost-data"
READ = "contents: read"
WRITE = "contents: write"
MOST_TRIES = 6
# The branch that was read is gone, or has another head.
MOVED = (404, 409)
MOST_BYTES = 5 * 1024 * 1024
README = """\
# Records of Milepost

Milepost writes this branch: the records of sprints and of progress, one file each, by one commit per run.
It only appends: a file that is here is not deleted, and no commit is rewritten.
The branch shares no commit with the others and is not to be merged.
Delete the branch to forget everything; the next run starts a new one.
"""
# The head comes first: a commit between the two is then seen as a head that moved, never as a file that is not there.
QUERY = """
query($owner: String!, $name: String!, $ref: String!, $folder: String!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) { target { oid } }
    object(expression: $folder) { ...level1 }
  }
}
fragment level1 on Tree { entries { name type object { ...file ...level2 } } }
fragment level2 on Tree { entries { name type object { ...file ...level3 } } }
fragment level3 on Tree { entries { name type object { ...file } } }
fragment file on Blob { text isBinary isTruncated byteSize }
"""
MUTATION = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}
"""
Files = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class History:
    """What a folder of the data branch holds; paths are those below the folder."""

    head: str | None = None
    files: Files = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()


def read_history(client: Client, folder: str) -> History:
    """The files below the folder, up to three levels deep; nothing when there is no branch or no folder."""
    return _read(client, folder, READ)


def append_history(client: Client, folder: str, make: Callable[[Files], Files], *, message: str) -> bool:
    """The branch holds what `make` adds to the files of the folder that it is given; False when that is nothing.

    `make` is asked again whenever somebody else wrote meanwhile, or an answer was lost.
    """
    is_sent, reason, wait = False, "", 1.0
    for _ in range(MOST_TRIES):
        history = _read(client, folder, WRITE)
        files = _new_files(history, folder, make(history.files))
        if not files:
            return is_sent
        try:
            if _write(client, history, files, message):
                return True
            reason = "somebody else created it meanwhile"
        except Unanswered as trouble:
            is_sent, reason = True, trouble.reason
        except Refused as refusal:
            if history.head is None or refusal.status not in MOVED:
                raise
            reason = "another commit came first"
        client.wait(wait, f"before reading {BRANCH} again: {reason}", is_told=True)
        wait *= 2
    raise Refused(REJECTED.found(f"{BRANCH} could not be written in {MOST_TRIES} tries: {reason}", help="run again"))


def _read(client: Client, folder: str, needs: str) -> History:
    ref = f"refs/heads/{BRANCH}"
    variables = {**client.names, "ref": ref, "folder": f"{ref}:{folder}"}
    repository = client.query(QUERY, variables, needs=needs)["repository"]
    head = repository["ref"]["target"]["oid"] if repository["ref"] else None
    files: dict[str, str] = {}
    unreadable, size = [], 0
    for path, found in _walk(repository["object"] if head else None):
        size += found.get("byteSize") or 0
        if size > MOST_BYTES or (text := _text(found)) is None:
            unreadable.append(path)
        else:
            files[path] = text
    return History(head=head, files=files, unreadable=tuple(unreadable))


def _walk(tree: Mapping[str, Any] | None, above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each file with its path; a folder deeper than was asked for, and what is no file, count as one that is empty."""
    for each in (tree or {}).get("entries") or ():
        path, found = f"{above}{each['name']}", each["object"] or {}
        if "entries" in found:
            yield from _walk(found, f"{path}/")
        else:
            yield path, found


def _text(found: Mapping[str, Any]) -> str | None:
    """The file's text; None for what is binary, was cut off, or is not UTF-8 and was guessed at."""
    text = found.get("text")
    if not isinstance(text, str) or found.get("isBinary") or found.get("isTruncated"):
        return None
    return text if len(text.encode("utf-8", "surrogatepass")) == found.get("byteSize") else None


def _new_files(history: History, folder: str, wanted: Files) -> Files:
    """What is to be written, by its path in the repository; what cannot be read is never replaced."""
    if lost := sorted(set(wanted) & set(history.unreadable)):
        summary = f"{BRANCH} holds {folder}/{lost[0]}, which cannot be read as text, and is not replaced"
        raise Refused(REJECTED.found(summary, help="put it right on the branch, or delete the branch to start anew"))
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}{path}": text for path, text in wanted.items() if history.files.get(path) != text}


def _write(client: Client, history: History, files: Files, message: str) -> bool:
    """The files are on the branch, by one commit; False when another made the branch meanwhile."""
    if history.head is None:
        return _create_branch(client, {"README.md": README, **files}, message)
    headline, _, body = message.partition("\n")
    additions = [
        {"path": path, "contents": base64.b64encode(text.encode()).decode()} for path, text in sorted(files.items())
    ]
    change = {
        "branch": {"repositoryNameWithOwner": client.repository, "branchName": BRANCH},
        "expectedHeadOid": history.head,
        "message": {"headline": headline, "body": body.strip()},
        "fileChanges": {"additions": additions},
    }
    client.mutate(MUTATION, {"input": change}, needs=WRITE)
    return True


def _create_branch(client: Client, files: Files, message: str) -> bool:
    """The branch is there with the files, and has no past; False when another made it meanwhile."""
    # Git names its objects by what they hold: what was made twice is one, and what no branch holds is forgotten.
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in sorted(files.items())
    ]
    tree = client.add("/git/trees", {"tree": entries}, needs=WRITE)
    commit = client.add("/git/commits", {"message": message, "tree": tree["sha"], "parents": []}, needs=WRITE)
    body = {"ref": f"refs/heads/{BRANCH}", "sha": commit["sha"]}
    ref = client.create("/git/refs", body, lambda: client.find(f"/git/ref/heads/{BRANCH}", needs=WRITE), needs=WRITE)
    return bool(ref["object"]["sha"] == commit["sha"])
