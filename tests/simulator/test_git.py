"""Files as git keeps them: trees, commits without a past, and commits by GraphQL."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from milepost.simulator import Fault

R = "/repos/octo/widgets"
FILES = {"a.txt": "1", "a/b.txt": "2", "größe/c/d.txt": "3"}
TEXT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid message tree { oid } } ref { name target { oid } } }
}"""


def entry(path: str, **more: Any) -> dict[str, Any]:
    """A plain file of a tree."""
    return {"path": path, "mode": "100644", "type": "blob", **more}


def head(wire: Any, branch: str = "data") -> str:
    """The commit that the branch is at."""
    return str(wire("GET", f"{R}/git/ref/heads/{branch}")["object"]["sha"])


def commit(wire: Any, changes: Mapping[str, Any], token: str = "admin-token", **more: Any) -> Any:
    """The answer to a commit on the branch `data`."""
    branch = {"repositoryNameWithOwner": "octo/widgets", "branchName": "data"}
    input = {"branch": branch, "message": {"headline": "h", "body": "b"}, "fileChanges": changes, **more}
    return wire.query(TEXT, token, input={"expectedHeadOid": head(wire), **input})


def add(path: str, data: bytes = b"new") -> dict[str, str]:
    """A file to be added."""
    return {"path": path, "contents": base64.b64encode(data).decode()}


def files(wire: Any, branch: str = "data") -> Any:
    """What the branch holds."""
    return wire.github.state()["branches"][branch]


@pytest.fixture
def data(make_wire: Callable[..., Any]) -> Any:
    """A repository with an orphan branch `data`."""
    return make_wire({"branches": {"data": FILES}})


def test_trees_have_the_ids_that_git_gives_them(wire: Any, tmp_path: Path) -> None:
    """A folder sorts as if its name ended in a slash, and names are bytes."""
    texts = {"a.txt": "1", "a/b.txt": "2", "a-b": "3", "größe/c/d.txt": "4", "ab": ""}
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    git("-c", "core.autocrlf=false", "add", "-A")

    made = wire("POST", f"{R}/git/trees", {"tree": [entry(path, content=text) for path, text in texts.items()]})

    assert git("write-tree") == made["sha"]


def test_a_root_commit_begins_an_orphan_branch(wire: Any) -> None:
    """Tree, commit without parents, reference; the commit is by who asked, and shares nothing."""
    tree = wire(
        "POST", f"{R}/git/trees", {"tree": [entry(path, content=text) for path, text in FILES.items() if "/" in path]}
    )
    body = {"message": "root", "tree": tree["sha"], "parents": []}
    made = wire("POST", f"{R}/git/commits", body, token="workflow-token")
    wire("POST", f"{R}/git/refs", {"ref": "refs/heads/data", "sha": made["sha"]})

    assert {"a/b.txt": "2", "größe/c/d.txt": "3"} == files(wire)
    assert ([], "github-actions[bot]", tree["sha"]) == (made["parents"], made["author"]["name"], made["tree"]["sha"])
    assert ["a", "größe"] == [each["path"] for each in wire("GET", f"{R}/git/trees/data")["tree"]]


def test_a_tree_changes_its_base(data: Any) -> None:
    """Files are added by text or by id, replaced, and taken away by null; the others stay."""
    blob = data("POST", f"{R}/git/blobs", {"content": "by id"})["sha"]
    changed = [entry("a.txt", sha=None), entry("a/b.txt", content="2b"), entry("x.txt", sha=blob)]
    base = data("GET", f"{R}/git/commits/{head(data)}")["tree"]["sha"]

    made = data("POST", f"{R}/git/trees", {"base_tree": base, "tree": changed})["sha"]

    found = data("GET", f"{R}/git/trees/{made}?recursive=1")["tree"]
    assert ["a", "a/b.txt", "größe", "größe/c", "größe/c/d.txt", "x.txt"] == [each["path"] for each in found]
    assert (blob, 5) == (found[-1]["sha"], found[-1]["size"])


def test_a_folder_is_read_with_what_is_below_it(data: Any) -> None:
    """`BRANCH:FOLDER` is a tree, `BRANCH:` the whole one; what is not text has none."""
    data("PUT", f"{R}/contents/bin", {"message": "m", "content": "/wA=", "branch": "data"})
    selection = "... on Tree { entries { name path type mode size object { ... on Blob { text isBinary byteSize } } } }"
    text = " ".join(
        f'{name}: object(expression: "{expression}") {{ {selection} }}'
        for name, expression in (("root", "data:"), ("folder", "refs/heads/data:größe/"), ("none", "data:gr"))
    )

    answer = data.query(f'{{ repository(owner: "octo", name: "widgets") {{ {text} }} }}')["data"]["repository"]

    root = {each["name"]: each for each in answer["root"]["entries"]}
    assert ["a.txt", "a", "bin", "größe"] == list(root)
    assert {"text": None, "isBinary": True, "byteSize": 2} == root["bin"]["object"]
    assert ("blob", 0o100644, 1, {"text": "1", "isBinary": False, "byteSize": 1}) == tuple(
        root["a.txt"][name] for name in ("type", "mode", "size", "object")
    )
    assert [("größe/c", "tree", 0o040000)] == [
        (each["path"], each["type"], each["mode"]) for each in answer["folder"]["entries"]
    ]
    assert None is answer["none"]


def test_a_commit_is_made_on_the_head_that_was_expected(data: Any) -> None:
    """Files come and go, the branch is one commit ahead, and the commit is by who asked."""
    before = head(data)
    changes = {"additions": [add("größe/ü.txt"), add("a.txt", b"1b")], "deletions": [{"path": "a/b.txt"}]}

    made = commit(data, changes, "workflow-token")["data"]["createCommitOnBranch"]

    assert {"a.txt": "1b", "größe/c/d.txt": "3", "größe/ü.txt": "new"} == files(data)
    assert ("h\n\nb", "data", head(data)) == (
        made["commit"]["message"],
        made["ref"]["name"],
        made["ref"]["target"]["oid"],
    )
    written = data("GET", f"{R}/git/commits/{head(data)}")
    assert ("github-actions[bot]", [before]) == (
        written["author"]["name"],
        [each["sha"] for each in written["parents"]],
    )


def test_a_branch_is_named_by_its_id_too(data: Any) -> None:
    """The id of the reference stands for both names."""
    query = '{ repository(owner: "octo", name: "widgets") { ref(qualifiedName: "refs/heads/data") { id } } }'
    id = data.query(query)["data"]["repository"]["ref"]["id"]

    answer = commit(data, {"additions": [add("b.txt")]}, branch={"id": id})

    assert "errors" not in answer
    assert "new" == files(data)["b.txt"]


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ({"expectedHeadOid": "0" * 40}, "STALE_DATA", f'Expected branch to point to "{"0" * 40}" but it did not.'),
        ({"branch": {"repositoryNameWithOwner": "octo/widgets", "branchName": "gone"}}, "NOT_FOUND", "'gone'"),
        ({"branch": {"repositoryNameWithOwner": "octo/none", "branchName": "data"}}, "NOT_FOUND", "'data'"),
        ({"fileChanges": {"deletions": [{"path": "z"}]}}, "NOT_FOUND", "requested for deletion which does not exist"),
        ({"fileChanges": {"additions": [add("z"), add("z")]}}, "UNPROCESSABLE", "once only"),
        ({"fileChanges": {"additions": [add("/z")]}}, "UNPROCESSABLE", "malformed"),
        ({"fileChanges": {"additions": [add("a/../z")]}}, "UNPROCESSABLE", "malformed"),
        ({"fileChanges": {"additions": [{"path": "z", "contents": "?"}]}}, "UNPROCESSABLE", "base64"),
    ],
)
def test_a_refused_commit_changes_nothing(more: dict[str, Any], kind: str, said: str, data: Any) -> None:
    """The error has GitHub's type, and the branch is where it was."""
    before = head(data)

    answer = commit(data, {"additions": [add("z")]}, **more)

    assert {"createCommitOnBranch": None} == answer["data"]
    assert kind == answer["errors"][0]["type"]
    assert said in answer["errors"][0]["message"]
    assert (before, FILES) == (head(data), files(data))


def test_a_commit_takes_the_permission_to_write_contents(make_wire: Callable[..., Any]) -> None:
    """A token that reads, a stranger, and everybody in an archived repository are FORBIDDEN; REST says 403."""
    found = []
    for seed, token in (({}, "read-token"), ({}, "mallory-token"), ({"archived": True}, "admin-token")):
        wire = make_wire({"branches": {"data": FILES}, **seed})
        found.append(commit(wire, {"additions": [add("z")]}, token)["errors"][0]["type"])
        for path, body in (("trees", {"tree": [entry("z", content="")]}), ("blobs", {"content": ""})):
            assert 403 == wire.status("POST", f"{R}/git/{path}", body, token=token)[0]

    assert ["FORBIDDEN"] * 3 == found


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("trees", {"tree": []}, "Invalid tree info"),
        ("trees", {"tree": [entry("a//b", content="")]}, "malformed path component"),
        ("trees", {"tree": [entry(".git/config", content="")]}, "malformed path component"),
        ("trees", {"tree": [entry("/a", content="")]}, "cannot start with a slash"),
        ("trees", {"tree": [entry("a", sha="0" * 40)]}, "is not a valid blob"),
        ("trees", {"tree": [entry("a", content="")], "base_tree": "0" * 40}, "base_tree"),
        ("commits", {"message": "m", "tree": "0" * 40}, "Tree SHA does not exist"),
        ("commits", {"message": "m", "tree": "main", "parents": ["0" * 40]}, "Parent SHA does not exist"),
        ("blobs", {"content": "a", "encoding": "base64"}, "Base64"),
    ],
)
def test_an_object_that_git_cannot_keep_is_refused(path: str, body: dict[str, Any], said: str, wire: Any) -> None:
    """422, in words that name what is wrong."""
    status, answer = wire.status("POST", f"{R}/git/{path}", body)

    assert 422 == status
    assert said in answer["message"]


def test_a_commit_on_a_branch_is_content_and_a_write(make_wire: Callable[..., Any]) -> None:
    """The limits and the journal count it, and a fault may choose writes only."""
    wire = make_wire({"branches": {"data": FILES}}, limits={"secondary_per_minute": 1})
    wire.github.faults.add(Fault(do="status", status=502, after=True, is_write=True))
    input = {
        "branch": {"repositoryNameWithOwner": "octo/widgets", "branchName": "data"},
        "message": {"headline": "h"},
        "expectedHeadOid": head(wire),
    }
    wire.query("{ viewer { login } }")

    found = [wire.status("POST", "/graphql", {"query": TEXT, "variables": {"input": input}})[0] for _ in range(2)]

    assert [502, 403] == found
    assert 2 == len(wire.github.journal.writes())
    assert 2 == len(wire.github.journal.reads())
