"""The data branch through PyGithub: what is read, what is written, and what a disturbed write leaves behind."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from milepost.errors import Refused
from milepost.remote.history import BRANCH, MOST_TRIES, README, History, append_history, read_history
from milepost.simulator import Fault

PRESENT = {"README.md": README, "sprints/team/1/closed.json": "{}\n", "progress/2026.csv": "day\n"}
WANTED = {"größe/2/closed.json": '{"title": "größe"}\n', "größe/3/planned.json": "[]\n"}
STARTS: dict[str, dict[str, Any]] = {"no branch": {}, "a branch": {"branches": {BRANCH: PRESENT}}}


def missing(present: Mapping[str, str]) -> dict[str, str]:
    """The wanted files that are not there."""
    return {path: text for path, text in WANTED.items() if path not in present}


def append(bench: Any, make: Callable[[Mapping[str, str]], Mapping[str, str]] = missing, **more: Any) -> bool:
    """What the append says."""
    return append_history(bench.client(**more), "sprints", make, message="Sprint 2 is closed\n\nby a test")


def files(bench: Any) -> dict[str, str]:
    """What the data branch holds."""
    found: dict[str, str] = bench.github.state()["branches"].get(BRANCH, {})
    return found


def commits(bench: Any) -> list[Any]:
    """The commits of the data branch, the newest first."""
    repository = bench.github.store.find("octo/widgets")
    found, sha = [], repository.refs.get(f"refs/heads/{BRANCH}")
    while sha:
        found.append(repository.commits[sha])
        sha = next(iter(found[-1].parents), None)
    return found


def put(path: str, text: str) -> Fault:
    """Another writer's commit, just before the next write."""
    body = {"message": "m", "content": base64.b64encode(text.encode()).decode(), "branch": BRANCH}
    request = {"method": "PUT", "path": f"/repos/octo/widgets/contents/{path}", "body": body, "token": "admin-token"}
    return Fault(do="edit", path="/graphql$", is_write=True, request=request)


def test_no_branch_and_no_folder_are_an_empty_history(new_bench: Callable[..., Any]) -> None:
    """Nobody has written yet: no error, and with a branch its head."""
    bare, started = new_bench(), new_bench(STARTS["a branch"])

    none = read_history(bare.client(), "sprints")
    empty = read_history(started.client(), "gone")

    assert History() == none
    assert (commits(started)[0].sha, {}, ()) == (empty.head, empty.files, empty.unreadable)
    assert 1 == len(bare.github.journal)


def test_a_folder_is_read_in_one_request(new_bench: Callable[..., Any]) -> None:
    """Every file down to the third level by its path below the folder; a folder within it the same way."""
    deep = {"sprints/a.json": "1", "sprints/ä/b.json": "2", "sprints/ä/b/c.json": "3", "other/d.json": "4"}
    bench = new_bench({"branches": {BRANCH: deep}})

    found = read_history(bench.client("read-token"), "sprints")

    assert {"a.json": "1", "ä/b.json": "2", "ä/b/c.json": "3"} == found.files
    assert [1, 0] == [len(bench.github.journal.reads()), len(bench.github.journal.writes())]
    assert {"b.json": "2", "b/c.json": "3"} == read_history(bench.client(), "sprints/ä").files


def test_what_cannot_be_read_is_named(new_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Binary, not UTF-8, cut off by GitHub, too deep, and beyond what is read in all."""
    held = {"a.bin": "\0", "b.txt": "gr\udcf6\udcdfe", "c.txt": "x" * 512_001, "d/e/f/g.txt": "deep", "y.txt": "yy"}
    bench = new_bench({"branches": {BRANCH: {f"sprints/{path}": text for path, text in held.items()}}})

    found = read_history(bench.client(), "sprints")
    monkeypatch.setattr("milepost.remote.history.MOST_BYTES", 3)
    bounded = read_history(bench.client(), "sprints")

    assert ({"y.txt": "yy"}, ("a.bin", "b.txt", "c.txt", "d/e/f")) == (found.files, found.unreadable)
    assert ({}, 5) == (bounded.files, len(bounded.unreadable))


def test_a_text_that_github_guessed_at_is_unreadable(bench: Any) -> None:
    """Its size is not that of the text: it was in another encoding, and would be written back in UTF-8."""
    blob = {"text": "größe", "isBinary": False, "isTruncated": False, "byteSize": 5}
    tree = {"entries": [{"name": "a.txt", "type": "blob", "object": blob}]}
    repository = {"ref": {"target": {"oid": "0" * 40}}, "object": tree}
    bench.github.faults.add(Fault(do="status", status=200, body={"data": {"repository": repository}}))

    found = read_history(bench.client(), "sprints")

    assert ({}, ("a.txt",)) == (found.files, found.unreadable)


@pytest.mark.parametrize("start", STARTS)
def test_files_are_added_by_one_commit(start: str, new_bench: Callable[..., Any]) -> None:
    """What was there stays; the commit is the token's, and only the first has no parent."""
    bench = new_bench(STARTS[start])
    before = commits(bench)

    assert append(bench)

    added = {f"sprints/{path}": text for path, text in WANTED.items()}
    assert {"README.md": README, **files(new_bench(STARTS[start])), **added} == files(bench)
    newest, *older = commits(bench)
    assert before == older
    assert ("github-actions[bot]", "Sprint 2 is closed\n\nby a test") == (newest.author, newest.message)
    assert (3 if start == "no branch" else 1) == len(bench.github.journal.writes())
    assert 1 == len(bench.github.journal.reads())


def test_nothing_to_add_writes_nothing(new_bench: Callable[..., Any]) -> None:
    """Neither no files, nor those that are there word for word."""
    bench = new_bench(STARTS["a branch"])

    assert not append(bench, lambda present: {})
    assert not append(bench, dict)
    assert [] == bench.github.journal.writes()


def test_a_file_is_replaced_by_its_full_text(new_bench: Callable[..., Any]) -> None:
    """`make` sees the old text and gives the new one."""
    bench = new_bench(STARTS["a branch"])

    append_history(bench.client(), "progress", lambda old: {"2026.csv": old["2026.csv"] + "1\n"}, message="m")

    assert "day\n1\n" == files(bench)["progress/2026.csv"]


def test_a_file_that_cannot_be_read_is_not_replaced(new_bench: Callable[..., Any]) -> None:
    """It may be the record, damaged: a refusal names it, and nothing is written."""
    bench = new_bench({"branches": {BRANCH: {"sprints/größe/2/closed.json": "\0"}}})

    with pytest.raises(Refused) as found:
        append(bench)

    assert "sprints/größe/2/closed.json" in found.value.diagnostic.summary
    assert [] == bench.github.journal.writes()


@pytest.mark.parametrize("start", STARTS)
def test_a_missing_permission_is_named(start: str, new_bench: Callable[..., Any]) -> None:
    """GraphQL's FORBIDDEN and REST's 403 both say what to grant."""
    bench = new_bench(STARTS[start])

    with pytest.raises(Refused) as found:
        append(bench, token="read-token")

    assert ("no-permission", 403) == (found.value.diagnostic.rule, found.value.status)
    assert "`contents: write`" in found.value.diagnostic.help


def test_a_private_repository_is_read_with_the_permission_only(new_bench: Callable[..., Any]) -> None:
    """Without `contents: read` the refusal names it; it is not an empty history."""
    tokens = {"blind": {"login": "github-actions[bot]", "permissions": {"issues": "read"}}}
    bench = new_bench({**STARTS["a branch"], "private": True}, tokens=tokens)

    with pytest.raises(Refused) as found:
        read_history(bench.client("blind"), "sprints")

    assert "`contents: read`" in found.value.diagnostic.help


def test_a_commit_between_reading_and_writing_loses_nothing(new_bench: Callable[..., Any]) -> None:
    """The head that was read is no longer the head: everything is read again, and both commits are there."""
    bench = new_bench(STARTS["a branch"])
    bench.github.faults.add(put("progress/other.csv", "theirs"))

    assert append(bench)

    added = {f"sprints/{path}": text for path, text in WANTED.items()}
    assert {**PRESENT, **added, "progress/other.csv": "theirs"} == files(bench)
    assert 3 == len(commits(bench))


def test_a_record_that_another_run_wrote_meanwhile_stays(new_bench: Callable[..., Any]) -> None:
    """`make` is asked again, sees it, and adds the others only."""
    bench = new_bench(STARTS["a branch"])
    bench.github.faults.add(put("sprints/größe/2/closed.json".replace("ö", "%C3%B6").replace("ß", "%C3%9F"), "theirs"))

    append(bench)

    held = files(bench)
    assert ("theirs", "[]\n") == (held["sprints/größe/2/closed.json"], held["sprints/größe/3/planned.json"])


def test_a_branch_that_another_run_created_meanwhile_stays(new_bench: Callable[..., Any]) -> None:
    """The reference is there already: it is read, and written to."""
    bench = new_bench()
    sha = bench.request("GET", "/git/ref/heads/main")["object"]["sha"]
    body = {"ref": f"refs/heads/{BRANCH}", "sha": sha}
    request = {"method": "POST", "path": "/repos/octo/widgets/git/refs", "body": body, "token": "admin-token"}
    bench.github.faults.add(Fault(do="edit", path="/git/refs$", request=request))

    assert append(bench)

    assert {f"sprints/{path}" for path in WANTED} == set(files(bench))
    assert [sha] == [each.sha for each in commits(bench)[1:]]


def test_a_branch_that_was_deleted_meanwhile_is_begun_anew(new_bench: Callable[..., Any]) -> None:
    """Somebody forgets everything between the reading and the writing: the new records are on a new branch."""
    bench = new_bench(STARTS["a branch"])
    path = f"/repos/octo/widgets/git/refs/heads/{BRANCH}"
    request = {"method": "DELETE", "path": path, "token": "admin-token"}
    bench.github.faults.add(Fault(do="edit", path="/graphql$", is_write=True, request=request))

    assert append(bench)

    assert {"README.md", *(f"sprints/{path}" for path in WANTED)} == set(files(bench))
    assert 1 == len(commits(bench))


def test_a_branch_that_never_rests_ends_in_a_refusal(new_bench: Callable[..., Any]) -> None:
    """After six tries, with growing pauses, and without having written anything."""
    bench = new_bench(STARTS["a branch"])
    head = commits(bench)[0].sha
    error = {"type": "STALE_DATA", "message": f'Expected branch to point to "{head}" but it did not.'}
    body = {"data": {"createCommitOnBranch": None}, "errors": [error]}
    bench.github.faults.add(Fault(do="status", status=200, body=body, path="/graphql$", is_write=True, times=99))

    with pytest.raises(Refused) as found:
        append(bench)

    assert ("rejected", MOST_TRIES) == (found.value.diagnostic.rule, len(bench.github.journal.writes()))
    assert "another commit came first" in found.value.diagnostic.summary
    assert PRESENT == files(bench)


FAULTS: dict[str, Callable[[int], Fault]] = {
    "dropped before": lambda nth: Fault(do="drop", nth=nth),
    "dropped after": lambda nth: Fault(do="drop", nth=nth, after=True),
    "502 before": lambda nth: Fault(do="status", nth=nth),
    "502 after": lambda nth: Fault(do="status", nth=nth, after=True),
    "malformed after": lambda nth: Fault(do="malformed", nth=nth, after=True),
    "secondary": lambda nth: Fault(do="secondary", nth=nth),
    "applied but invisible": lambda nth: Fault(do="invisible", nth=nth, reads=3),
    "dropped and invisible": lambda nth: Fault(do="invisible", nth=nth, after=True, reads=3),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_request_leaves_each_file_once(name: str, start: str, new_bench: Callable[..., Any]) -> None:
    """The append gets through by itself, another adds nothing, and the branch is that of an undisturbed run."""
    bench = new_bench(STARTS[start])
    empty, before = bench.github.snapshot(), len(commits(bench))
    append(bench)
    requests, expected = len(bench.github.journal), files(bench)
    for nth in range(1, requests + 1):
        bench.github.restore(empty)
        bench.github.faults.clear()
        bench.github.faults.add(FAULTS[name](nth))

        said = append(bench)
        bench.github._stale = None

        assert (True, False) == (said, append(bench)), f"{name} at request {nth}"
        assert expected == files(bench), f"{name} at request {nth}"
        assert before + 1 == len(commits(bench)), f"{name} at request {nth}"


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_end_at_any_request_leaves_each_file_once(
    when: str, start: str, new_bench: Callable[..., Any], killed_at: Callable[..., Any]
) -> None:
    """The run ends for good at every request in turn; the next one ends where an undisturbed one does."""
    bench = new_bench(STARTS[start])
    empty, before = bench.github.snapshot(), len(commits(bench))
    append(bench)
    requests, expected = len(bench.github.journal), files(bench)
    for nth in range(1, requests + 1):
        bench.github.restore(empty)
        with killed_at(nth, when):
            append(bench)

        append(bench)

        assert expected == files(bench), f"{when} request {nth}"
        assert before + 1 == len(commits(bench)), f"{when} request {nth}"


def test_the_requests_are_ones_that_github_describes(new_bench: Callable[..., Any], contract: Any) -> None:
    """Those that create the branch fit GitHub's description of its REST API."""
    bench = new_bench()
    append(bench)

    found = [
        each
        for exchange in bench.github.journal
        if not exchange.path.endswith("/graphql")
        for each in contract.check_exchange(
            exchange.method,
            exchange.path,
            exchange.query,
            exchange.body,
            exchange.status,
            dict(exchange.headers),
            exchange.answer,
        )
    ]

    assert [] == found
    assert 3 == len([each for each in bench.github.journal if not each.path.endswith("/graphql")])
