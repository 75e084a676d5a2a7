"""What a release reads of GitHub: the board, the standing, statuses, items, permissions, artifacts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha1
from typing import Any

import pytest
from milepost.core.release import Status, Tag
from milepost.errors import Refused
from milepost.remote.artifacts import list_artifacts, read_artifact, read_run
from milepost.remote.client import Client
from milepost.remote.collaborators import read_permission
from milepost.remote.release import read_commit, read_items, read_milestone, read_statuses
from milepost.simulator import Fault

LOGIN = "github-actions[bot]"
VERIFY = ".github/workflows/verify-gpu.yml"


def test_the_board_has_the_milestone_by_title_or_number(new_bench: Callable[..., Any]) -> None:
    """Exactly that title, closed ones too, with who made it; one read."""
    bench = new_bench(
        {
            "milestones": [
                {"title": "v1.10", "creator": "mallory"},
                {"title": "v1.1", "state": "closed", "creator": "app[bot]", "due_on": "2026-02-01T12:00:00Z"},
            ],
            "issues": [{"title": "a", "milestone": 2}, {"title": "b", "milestone": 2, "state": "closed"}],
            "pulls": [{"title": "p", "head": "p", "milestone": 2}],
        }
    )
    client = bench.client()

    titled, reads = _counted(bench, lambda: read_milestone(client, title="v1.1"))
    numbered = read_milestone(client, number=2)

    assert 1 == reads
    assert titled == numbered
    assert (LOGIN, "octo/widgets", "main", _head(bench), False) == (
        titled.login,
        titled.repository,
        titled.default_branch,
        titled.head,
        titled.is_fork,
    )
    found = titled.milestone
    assert (2, "v1.1", False, "app[bot]", True, "2026-02-01") == (
        found.number,
        found.title,
        found.is_open,
        found.creator,
        found.is_creator_bot,
        str(found.due),
    )
    assert (2, 1) == (titled.issues, titled.pull_requests)
    assert found.url.endswith("/octo/widgets/milestone/2")
    assert {"v1.10": 1} == {each.title: each.number for each in titled.snapshot.milestones}


@pytest.mark.parametrize("title", ["v1.", "V1.1", "v9", ""])
def test_a_title_that_is_not_exactly_that_is_none(title: str, new_bench: Callable[..., Any]) -> None:
    """GitHub's search finds parts of titles, and we do not."""
    bench = new_bench({"milestones": [{"title": "v1.1"}]})

    assert read_milestone(bench.client(), title=title).milestone is None
    assert read_milestone(bench.client(), number=7).milestone is None


def test_the_standing_of_what_is_not_released_yet_takes_one_read(new_bench: Callable[..., Any]) -> None:
    """The head of the branch, its files to the byte, what was released before, and no tag."""
    files = {"milepost.yml": "version: 1\r\n# ü\n", "notes.md": "Hello"}
    releases = [
        {"tag": "v0.2", "published_at": "2026-01-02T00:00:00Z"},
        {"tag": "v0.1", "published_at": "2026-01-01T00:00:00Z"},
        {"tag": "v0.3", "draft": True},
    ]
    bench = new_bench({"files": files, "releases": releases})

    found, reads = _counted(bench, lambda: _standing(bench, template_path="notes.md"))

    assert 1 == reads
    assert (_head(bench), _head(bench), None, None) == (found.commit, found.head, found.tag, found.release)
    assert (files["milepost.yml"].encode(), b"Hello") == (found.plan, found.template)
    assert ("v0.2", "2026-01-02T00:00:00Z", ()) == (found.previous, found.previous_at, found.statuses)


def test_the_standing_has_the_release_and_what_its_tag_leads_to(new_bench: Callable[..., Any]) -> None:
    """The published release goes before a draft; a draft is ours when our login wrote it. Two reads."""
    bench = new_bench({"tags": {"v1": {"message": "Milepost-Milestone: 1"}}})
    draft = bench.request("POST", "/releases", {"tag_name": "v1", "draft": True}, token="workflow-token")

    first, reads = _counted(bench, lambda: _standing(bench))
    published = bench.request("POST", "/releases", {"tag_name": "v1", "name": "One", "body": "b"})
    second = _standing(bench)

    assert 2 == reads
    assert Tag(name="v1", commit=_head(bench), message="Milepost-Milestone: 1") == first.tag
    assert (draft["id"], True, True) == (first.release.id, first.release.is_draft, first.release.is_own)
    assert (published["id"], False, False, "One", "b") == (
        second.release.id,
        second.release.is_draft,
        second.release.is_own,
        second.release.name,
        second.release.body,
    )
    assert second.previous is None


def test_a_lightweight_tag_has_no_message_and_a_tag_of_a_tag_is_followed(new_bench: Callable[..., Any]) -> None:
    """Both lead to the commit."""
    bench = new_bench({"tags": {"v1": None, "v2": {"message": "inner"}}})
    inner = bench.request("GET", "/git/ref/tags/v2")["object"]["sha"]
    outer = bench.request("POST", "/git/tags", {"tag": "v3", "message": "outer", "object": inner, "type": "tag"})
    bench.request("POST", "/git/refs", {"ref": "refs/tags/v3", "sha": outer["sha"]})

    found = [_standing(bench, tag=name).tag for name in ("v1", "v3")]

    assert [(_head(bench), None), (_head(bench), "outer")] == [(each.commit, each.message) for each in found]


def test_a_head_that_moves_meanwhile_is_read_again(
    new_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and commit belong together: the head that came last counts, by its own id."""
    bench = new_bench({"files": {"milepost.yml": "old"}})
    old, real, asked = _head(bench), Client.query, []

    def query(self: Client, text: str, variables: Any, **more: Any) -> Any:
        data = real(self, text, variables, **more)
        asked.append(variables["at"])
        if len(asked) == 1:  # the first parts of the answer are of the commit before
            bench.request("PUT", "/contents/milepost.yml", {"message": "m", "content": "bmV3", "sha": _blob("old")})
            data["repository"]["branch"]["target"]["oid"] = _head(bench)
        return data

    monkeypatch.setattr(Client, "query", query)
    found = _standing(bench)

    assert (b"new", _head(bench), _head(bench)) == (found.plan, found.commit, found.head)
    assert ["refs/heads/main", _head(bench)] == asked
    assert old != found.commit


def test_a_branch_or_file_that_is_not_there_is_none(new_bench: Callable[..., Any]) -> None:
    """And a given commit counts, whatever the branch."""
    bench = new_bench({"files": {"a.yml": "a"}})

    missing = _standing(bench, branch="gone")
    given = _standing(bench, branch="gone", commit=_head(bench), plan_path="a.yml")

    assert (None, None, None) == (missing.commit, missing.head, missing.plan)
    assert (_head(bench), None, b"a") == (given.commit, given.head, given.plan)


def test_a_file_that_is_no_text_is_read_apart(new_bench: Callable[..., Any]) -> None:
    """GraphQL tells no binary files."""
    bench = new_bench()
    content = base64.b64encode(b"\0\xff").decode()
    bench.request("PUT", "/contents/milepost.yml", {"message": "m", "content": content})

    found, reads = _counted(bench, lambda: _standing(bench))

    assert (b"\0\xff", 2) == (found.plan, reads)


def test_statuses_are_the_newest_of_each_name(new_bench: Callable[..., Any]) -> None:
    """Statuses and check runs in small letters; what has not ended says how far it is."""
    checks = [
        {"name": "build", "conclusion": "failure", "started_at": "2026-01-01T00:00:00Z"},
        {"name": "build", "conclusion": "success", "started_at": "2026-01-02T00:00:00Z"},
        {"name": "lint", "conclusion": "success", "started_at": "2026-01-02T00:00:00Z"},
        {"name": "lint", "status": "queued"},
        {"name": "old", "conclusion": "skipped", "started_at": "2026-01-02T00:00:00Z"},
        {"name": "old", "conclusion": "failure", "started_at": "2026-01-01T00:00:00Z"},
    ]
    bench = new_bench({"checks": checks})
    for state in ("failure", "success"):
        bench.request("POST", f"/statuses/{_head(bench)}", {"state": state, "context": "ci"})

    standing = _standing(bench, has_statuses=True)

    expected = {"build": "success", "ci": "success", "lint": "queued", "old": "skipped"}
    assert expected == {each.name: each.state for each in standing.statuses}
    assert standing.statuses == read_statuses(bench.client(), _head(bench))


def test_all_pages_of_statuses_are_read(new_bench: Callable[..., Any]) -> None:
    """A read for each hundred."""
    bench = new_bench({"checks": [{"name": f"c{each:03}", "conclusion": "neutral"} for each in range(205)]})

    found, reads = _counted(bench, lambda: _standing(bench, has_statuses=True))

    assert (205, 3) == (len(found.statuses), reads)
    assert Status(name="c204", state="neutral", source="github-actions/CI") == found.statuses[-1]
    assert () == read_statuses(bench.client(), "0" * 40)


def test_statuses_that_the_token_may_not_see_are_refused(new_bench: Callable[..., Any]) -> None:
    """They are not taken for none; without them nothing is asked for that takes their permissions."""
    permissions = {"contents": "read"}
    tokens = {"bare-token": {"login": LOGIN, "permissions": permissions, "repository": "octo/widgets"}}
    bench = new_bench({"private": True}, tokens=tokens)
    bench.github.store.tokens["admin-token"] = bench.github.store.tokens["bare-token"]

    with pytest.raises(Refused) as found:
        _standing(bench, token="bare-token", has_statuses=True)

    assert "no-permission" == found.value.diagnostic.rule
    assert "checks: read" in str(found.value.diagnostic.help)
    assert _standing(bench, token="bare-token").commit is not None


def test_all_items_of_a_milestone_are_read(new_bench: Callable[..., Any]) -> None:
    """By number, never more reads than hundreds; with who wrote them, labels and how they ended."""
    held = {
        "milestones": [{"title": "v1", "state": "closed"}],
        "issues": [
            {"title": "I{n}", "milestone": 1, "state": "closed", "repeat": 230, "closed_at": "2026-01-03T00:00:00Z"},
            {"title": "N", "milestone": 1, "state": "closed", "state_reason": "not_planned", "labels": ["bug", "x"]},
            {"title": "O", "milestone": 1, "author": "app[bot]"},
        ],
        "pulls": [{"title": "P", "head": "p", "milestone": 1, "merged": True, "author": "amy"}],
    }
    bench = new_bench(held)

    (items, homeless), reads = _counted(bench, lambda: read_items(bench.client(), 1))

    assert (list(range(1, 234)), 3) == ([each.number for each in items], reads)
    done, dropped, opened, pull = items[0], items[230], items[231], items[232]
    assert ("completed", "2026-01-03T00:00:00Z", False) == (done.reason, done.closed_at, done.is_open)
    assert ("not_planned", ("bug", "x")) == (dropped.reason, dropped.labels)
    assert (True, "app[bot]", True) == (opened.is_open, opened.author, opened.is_bot)
    assert (True, True, False, "amy", False) == (
        pull.is_pull,
        pull.is_merged,
        pull.is_open,
        pull.author,
        pull.is_bot,
    )
    assert pull.url.endswith("/octo/widgets/pull/233")
    assert () == homeless


def test_a_milestone_that_is_deleted_meanwhile_has_no_items(new_bench: Callable[..., Any]) -> None:
    """A release of nothing would look like one of a milestone that was empty."""
    bench = new_bench({"milestones": [{"title": "v1", "state": "closed"}]})

    with pytest.raises(Refused) as raised:
        read_items(bench.client(), 9)

    assert "not-found" == raised.value.diagnostic.rule


def test_what_was_done_without_a_milestone_is_found(new_bench: Callable[..., Any]) -> None:
    """Completed issues and merged pull requests since that moment; one read."""
    day = "2026-01-03T00:00:00Z"
    bench = new_bench(
        {
            "milestones": [{"title": "v1"}],
            "issues": [
                {"title": "done", "state": "closed", "closed_at": day},
                {"title": "dropped", "state": "closed", "state_reason": "not_planned", "closed_at": day},
                {"title": "held", "state": "closed", "closed_at": day, "milestone": 1},
                {"title": "before", "state": "closed", "created_at": "2026-01-01T00:00:00Z"},
                {"title": "open"},
            ],
            "pulls": [
                {"title": "merged", "head": "a", "merged": True, "closed_at": day},
                {"title": "closed", "head": "b", "state": "closed", "closed_at": day},
                {"title": "merged in v1", "head": "c", "merged": True, "closed_at": day, "milestone": 1},
            ],
        }
    )

    found, reads = _counted(bench, lambda: read_items(bench.client(), 1, since="2026-01-02T00:00:00Z")[1])

    assert (["done", "merged"], 1) == ([each.title for each in found], reads)


@pytest.mark.parametrize("role", ["admin", "maintain", "write", "triage", "read", "none"])
def test_a_permission_is_the_name_of_the_role(role: str, new_bench: Callable[..., Any]) -> None:
    """Not the older four, where maintain is write and triage is read."""
    bench = new_bench({"collaborators": {"octocat": "admin", "amy": role}})

    assert role == read_permission(bench.client(), "amy")


def test_a_custom_role_is_what_it_is_based_on(new_bench: Callable[..., Any]) -> None:
    """And a user that GitHub does not know may nothing."""
    bench = new_bench({"collaborators": {"amy": "captain"}, "custom_roles": {"captain": "write"}})

    assert ["write", "none"] == [read_permission(bench.client(), each) for each in ("amy", "nobody")]


def test_an_artifact_and_its_run_are_read(new_bench: Callable[..., Any]) -> None:
    """Newest first, with what says whether it proves anything; the archive takes one read and comes from elsewhere."""
    bench = new_bench(
        {
            "workflows": [{"path": VERIFY}],
            "runs": [{"id": 7, "workflow": VERIFY, "event": "push", "head_sha": "a" * 40}],
            "artifacts": [
                {"run": 7, "name": "proof", "files": {"verdict.json": "{}", "more/x.txt": "x"}},
                {"run": 7, "name": "proof", "created_at": "2026-01-06T00:00:00Z", "expired": True},
                {"run": 7, "name": "other"},
            ],
        }
    )
    client = bench.client()

    newest, oldest = list_artifacts(client, "proof")
    run = read_run(client, oldest.run)
    files, reads = _counted(bench, lambda: read_artifact(client, oldest))

    assert (True, False, True) == (newest.is_expired, oldest.is_expired, oldest.is_own_head)
    assert ("a" * 40, "main", 7) == (oldest.head_sha, oldest.head_branch, oldest.run)
    assert ({"verdict.json": b"{}", "more/x.txt": b"x"}, 1) == (files, reads)
    assert read_artifact(client, newest) is None
    assert (VERIFY, "push", "a" * 40, "octo/widgets", "success", "completed") == (
        run.path,
        run.event,
        run.head_sha,
        run.head_repository,
        run.conclusion,
        run.status,
    )
    assert read_run(client, 99) is None


@pytest.mark.parametrize("path", ["/zip", "_storage"])
@pytest.mark.parametrize("do", ["status", "drop"])
def test_an_archive_is_asked_for_again_with_a_fresh_address(path: str, do: str, new_bench: Callable[..., Any]) -> None:
    """Whichever of the two hosts fails."""
    bench = new_bench(
        {
            "workflows": [{"path": VERIFY}],
            "runs": [{"id": 7, "workflow": VERIFY, "event": "push"}],
            "artifacts": [{"run": 7, "name": "proof", "files": {"a": "b"}}],
        }
    )
    client = bench.client()
    artifact = list_artifacts(client, "proof")[0]
    bench.github.faults.add(Fault(do=do, path=path))

    assert {"a": b"b"} == read_artifact(client, artifact)


def _standing(bench: Any, token: str = "workflow-token", **more: Any) -> Any:
    asked = {"branch": "main", "tag": "v1", "plan_path": "milepost.yml", "login": LOGIN, **more}
    return read_commit(bench.client(token), **asked)


def _counted(bench: Any, call: Callable[[], Any]) -> tuple[Any, int]:
    """What the call gives, and how many reads it takes."""
    found: list[Any] = []
    reads = bench.reads(lambda: found.append(call()))
    return found[0], reads


def _head(bench: Any) -> str:
    return str(bench.github.state()["refs"]["refs/heads/main"])


def _blob(text: str) -> str:
    data = text.encode()
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()
