"""What happens to the things of a repository: events, pull requests, references, releases, files, workflows."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

R = "/repos/octo/widgets"


def test_every_change_of_an_issue_is_an_event(make_wire: Callable[..., Any]) -> None:
    """In the order in which it happened; what did not change is none."""
    wire = make_wire({"milestones": [{"title": "M"}], "issues": [{"title": "Old"}]})
    change = {"title": "New", "milestone": 1, "labels": ["l"], "assignees": ["octocat"], "state": "closed"}
    wire("PATCH", f"{R}/issues/1", change)
    wire("PATCH", f"{R}/issues/1", change)
    wire("PATCH", f"{R}/issues/1", {"labels": [], "assignees": [], "state": "open"})

    events = wire("GET", f"{R}/issues/1/events")

    assert ["renamed", "milestoned", "labeled", "assigned", "closed", "unlabeled", "unassigned", "reopened"] == [
        each["event"] for each in events
    ]
    by_name = {each["event"]: each for each in events}
    assert {"from": "Old", "to": "New"} == by_name["renamed"]["rename"]
    assert "l" == by_name["labeled"]["label"]["name"]
    assert "octocat" == by_name["assigned"]["assignee"]["login"] == by_name["assigned"]["actor"]["login"]
    assert by_name["closed"] == {
        name: value
        for name, value in wire("GET", f"{R}/issues/events/{by_name['closed']['id']}").items()
        if name != "issue"
    }
    assert [each["id"] for each in reversed(events)] == [each["id"] for each in wire("GET", f"{R}/issues/events")]


def test_a_mention_and_a_comment_are_in_the_timeline_only(make_wire: Callable[..., Any]) -> None:
    """Once for each source, however often it mentions; a number that is nobody's is nothing."""
    wire = make_wire({"issues": [{"title": "Target"}]})
    wire("POST", f"{R}/issues", {"title": "Source", "body": "After #1, before #99; see org/other#1."})
    wire("POST", f"{R}/issues/2/comments", {"body": "Again #1"})
    wire("POST", f"{R}/issues/1/comments", {"body": "Hello"})

    timeline = wire("GET", f"{R}/issues/1/timeline")

    assert ["cross-referenced", "commented"] == [each["event"] for each in timeline]
    assert (2, "Hello") == (timeline[0]["source"]["issue"]["number"], timeline[1]["body"])
    assert [] == wire("GET", f"{R}/issues/1/events")


def test_labels_of_an_issue_are_added_replaced_and_removed(make_wire: Callable[..., Any]) -> None:
    """By name without case."""
    wire = make_wire({"labels": [{"name": "One"}], "issues": [{"title": "I"}]})

    added = wire("POST", f"{R}/issues/1/labels", {"labels": ["one", "two"]})
    removed = wire("DELETE", f"{R}/issues/1/labels/ONE")
    replaced = wire("PUT", f"{R}/issues/1/labels", {"labels": ["three"]})
    wire("DELETE", f"{R}/issues/1/labels")

    assert [["One", "two"], ["two"], ["three"]] == [
        [each["name"] for each in one] for one in (added, removed, replaced)
    ]
    assert [] == wire("GET", f"{R}/issues/1/labels")


@pytest.mark.parametrize("value", [None, ""])
def test_a_milestone_is_taken_away(value: str | None, make_wire: Callable[..., Any]) -> None:
    """By null and by an empty text."""
    wire = make_wire({"milestones": [{"title": "M"}], "issues": [{"title": "I", "milestone": 1}]})

    assert wire("PATCH", f"{R}/issues/1", {"milestone": value})["milestone"] is None


def test_an_issue_says_why_it_is_closed_and_by_whom(make_wire: Callable[..., Any]) -> None:
    """`completed` unless a reason is given, `reopened` when open again."""
    wire = make_wire({"issues": [{"title": "I"}]})
    members = ("state", "state_reason")

    closed = wire("PATCH", f"{R}/issues/1", {"state": "closed"})
    again = wire("PATCH", f"{R}/issues/1", {"state": "open"})
    refused = wire("PATCH", f"{R}/issues/1", {"state": "closed", "state_reason": "duplicate"})

    assert [("closed", "completed"), ("open", "reopened"), ("closed", "duplicate")] == [
        tuple(each[name] for name in members) for each in (closed, again, refused)
    ]
    assert ("octocat", None) == (closed["closed_by"]["login"], again["closed_by"])


def test_an_issue_is_blocked_by_others(make_wire: Callable[..., Any]) -> None:
    """Named by id, counted on both sides, once, and not in a circle of two."""
    wire = make_wire({"issues": [{"title": "a"}, {"title": "b"}]})
    first, second = (wire("GET", f"{R}/issues/{number}")["id"] for number in (1, 2))
    wire("POST", f"{R}/issues/1/dependencies/blocked_by", {"issue_id": second})

    again = wire.status("POST", f"{R}/issues/1/dependencies/blocked_by", {"issue_id": second})[0]
    circle = wire.status("POST", f"{R}/issues/2/dependencies/blocked_by", {"issue_id": first})[0]

    assert (422, 422) == (again, circle)
    assert [2] == [each["number"] for each in wire("GET", f"{R}/issues/1/dependencies/blocked_by")]
    assert [1] == [each["number"] for each in wire("GET", f"{R}/issues/2/dependencies/blocking")]
    summary = wire("GET", f"{R}/issues/1")["issue_dependencies_summary"]
    assert {"blocked_by": 1, "total_blocked_by": 1, "blocking": 0, "total_blocking": 0} == summary
    wire("DELETE", f"{R}/issues/1/dependencies/blocked_by/{second}")
    assert [] == wire("GET", f"{R}/issues/2/dependencies/blocking")


def test_sub_issues_go_eight_levels_deep(make_wire: Callable[..., Any]) -> None:
    """The ninth level is refused, and so is moving a tree of two below the seventh."""
    chain = [{"title": "1"}, *({"title": str(number), "parent": number - 1} for number in range(2, 9))]
    wire = make_wire({"issues": [*chain, {"title": "9"}, {"title": "10", "parent": 9}]})
    ids = {number: wire("GET", f"{R}/issues/{number}")["id"] for number in (9, 10)}

    ninth = wire.status("POST", f"{R}/issues/8/sub_issues", {"sub_issue_id": ids[10], "replace_parent": True})[0]
    tree = wire.status("POST", f"{R}/issues/7/sub_issues", {"sub_issue_id": ids[9]})[0]
    fits = wire.status("POST", f"{R}/issues/6/sub_issues", {"sub_issue_id": ids[9]})[0]

    assert (422, 422, 201) == (ninth, tree, fits)


def test_a_parent_has_a_hundred_sub_issues(make_wire: Callable[..., Any]) -> None:
    """The hundred-and-first is refused."""
    wire = make_wire(
        {"issues": [{"title": "P"}, {"title": "C {n}", "parent": 1, "repeat": 100}, {"title": "One too many"}]}
    )
    child = wire("GET", f"{R}/issues/102")["id"]

    assert 422 == wire.status("POST", f"{R}/issues/1/sub_issues", {"sub_issue_id": child})[0]
    assert 100 == wire("GET", f"{R}/issues/1")["sub_issues_summary"]["total"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("creator=mallory", [3]),
        ("assignee=octocat", [1]),
        ("assignee=none", [3, 2]),
        ("milestone=*", [1]),
        ("milestone=none", [3, 2]),
        ("labels=a,B", [2]),
        ("type=Bug", [1]),
        ("state=closed", [4]),
        ("sort=comments&direction=asc&state=all", [1, 3, 4, 2]),
        ("per_page=1&page=2", [2]),
    ],
)
def test_issues_are_listed_as_asked(filters: str, expected: list[int], make_wire: Callable[..., Any]) -> None:
    """Each filter alone; the newest first, labels without case and all of them."""
    wire = make_wire(
        {
            "milestones": [{"title": "M"}],
            "issues": [
                {"title": "1", "milestone": 1, "assignees": ["octocat"], "type": "Bug"},
                {"title": "2", "labels": ["A", "b"], "comments": [{"body": "c"}]},
                {"title": "3", "author": "mallory", "labels": ["a"]},
                {"title": "4", "state": "closed"},
            ],
        }
    )

    assert expected == [each["number"] for each in wire("GET", f"{R}/issues?{filters}")]


def test_a_fork_proposes_its_branch(make_wire: Callable[..., Any]) -> None:
    """The head is named `owner:branch`, and the files are those that differ."""
    wire = make_wire({"files": {"a.txt": "a\n", "b.txt": "b\n"}})
    fork = {"full_name": "mallory/widgets", "fork": True, "files": {"a.txt": "a\n"}}
    wire = make_wire(
        {"files": {"a.txt": "a\n", "b.txt": "b\n"}},
        repositories=[
            {
                "full_name": "octo/widgets",
                "collaborators": {"octocat": "admin"},
                "files": {"a.txt": "a\n", "b.txt": ""},
            },
            fork,
        ],
    )
    content = base64.b64encode(b"new\n").decode()
    put = {"message": "m", "content": content}
    wire("PUT", "/repos/mallory/widgets/contents/c.txt", put, token="mallory-token")

    pull = wire("POST", f"{R}/pulls", {"title": "P", "head": "mallory:main", "base": "main"}, token="mallory-token")

    assert ("mallory/widgets", "mallory:main") == (pull["head"]["repo"]["full_name"], pull["head"]["label"])
    files = {each["filename"]: each["status"] for each in wire("GET", f"{R}/pulls/1/files")}
    assert {"b.txt": "removed", "c.txt": "added"} == files


def test_a_merge_makes_a_commit_and_a_contributor(make_wire: Callable[..., Any]) -> None:
    """With two parents, on the base branch; its author's next issue says CONTRIBUTOR."""
    wire = make_wire({"pulls": [{"title": "P", "head": "topic", "author": "mallory", "head_files": {"a.txt": "a"}}]})
    before = wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"]
    first = wire("POST", f"{R}/issues", {"title": "I"}, token="mallory-token")["author_association"]

    merged = wire("PUT", f"{R}/pulls/1/merge", {"commit_title": "Merged"})

    assert merged["sha"] == wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"]
    commit = wire("GET", f"{R}/git/commits/{merged['sha']}")
    pull = wire("GET", f"{R}/pulls/1")
    assert ("Merged", [before, pull["head"]["sha"]]) == (commit["message"], [each["sha"] for each in commit["parents"]])
    assert (merged["sha"], "octocat", True) == (
        pull["merge_commit_sha"],
        pull["merged_by"]["login"],
        pull["merged"],
    )
    second = wire("POST", f"{R}/issues", {"title": "J"}, token="mallory-token")["author_association"]
    assert ("NONE", "CONTRIBUTOR") == (first, second)
    assert "a.txt" == wire("GET", f"{R}/contents/a.txt")["path"]


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        ("Closes #1", True),
        ("fixed: #1", True),
        ("RESOLVES #1 and more", True),
        ("Closes octo/widgets#1", True),
        ("Closes other/widgets#1", False),
        ("Fixes: GH-1", True),
        ("fixes https://github.example/octo/widgets/issues/1", True),
        ("fixes [this issue](https://github.example/octo/widgets/issues/1)", True),
        ("fixes #2, #1", False),
        ("Does **not** close #1", True),
        ("**Closes:** #1", False),
        ("`closes #1`", False),
        ("```\ncloses #1\n```", False),
        ("<!-- closes #1 -->", False),
        ("closing #1", False),
        ("prefix #1", False),
        ("closes 1", False),
        ("unfixes #1", False),
    ],
)
def test_keywords_close_an_issue(text: str, closes: bool, make_wire: Callable[..., Any]) -> None:
    """Nine words, with or without a colon, right before a reference to this repository, outside of code."""
    wire = make_wire({"issues": [{"title": "I"}], "pulls": [{"title": "P", "head": "topic", "body": text}]})

    wire("PUT", f"{R}/pulls/2/merge", {})

    assert ("closed" if closes else "open") == wire("GET", f"{R}/issues/1")["state"]


def test_a_branch_moves_forward_only(wire: Any) -> None:
    """Back only with `force`."""
    first = wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"]
    content = base64.b64encode(b"a").decode()
    second = wire("PUT", f"{R}/contents/a.txt", {"message": "m", "content": content})["commit"]["sha"]

    status, answer = wire.status("PATCH", f"{R}/git/refs/heads/main", {"sha": first})

    assert (422, "Update is not a fast forward") == (status, answer["message"])
    assert first == wire("PATCH", f"{R}/git/refs/heads/main", {"sha": first, "force": True})["object"]["sha"]
    assert second == wire("PATCH", f"{R}/git/refs/heads/main", {"sha": second})["object"]["sha"]


def test_an_annotated_tag_stands_for_its_commit(wire: Any) -> None:
    """The reference holds the tag object, the list of tags the commit."""
    sha = wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"]
    tagger = {"name": "Ann", "email": "ann@example.org", "date": "2026-01-02T03:04:05Z"}
    tag = wire(
        "POST", f"{R}/git/tags", {"tag": "v1", "message": "One", "object": sha, "type": "commit", "tagger": tagger}
    )
    wire("POST", f"{R}/git/refs", {"ref": "refs/tags/v1", "sha": tag["sha"]})

    assert {"type": "tag", "sha": tag["sha"]}.items() <= wire("GET", f"{R}/git/ref/tags/v1")["object"].items()
    assert tagger == wire("GET", f"{R}/git/tags/{tag['sha']}")["tagger"]
    assert [("v1", sha)] == [(each["name"], each["commit"]["sha"]) for each in wire("GET", f"{R}/tags")]


def test_a_file_is_replaced_by_who_knows_it(make_wire: Callable[..., Any]) -> None:
    """Without its id 422, with another's 409, with its own 200; a new file needs none."""
    wire = make_wire({"files": {"docs/a.txt": "old"}})
    new = {"message": "m", "content": base64.b64encode("neu, größer".encode()).decode()}
    sha = wire("GET", f"{R}/contents/docs/a.txt")["sha"]

    statuses = [
        wire.status("PUT", f"{R}/contents/{path}", {**new, **more})[0]
        for path, more in (
            ("docs/a.txt", {}),
            ("docs/a.txt", {"sha": "0" * 40}),
            ("docs/a.txt", {"sha": sha}),
            ("docs/sub/b.txt", {}),
        )
    ]

    assert [422, 409, 200, 201] == statuses
    read = wire("GET", f"{R}/contents/docs/a.txt")
    assert "neu, größer" == base64.b64decode(read["content"]).decode()
    assert [("a.txt", "file"), ("sub", "dir")] == [
        (each["name"], each["type"]) for each in wire("GET", f"{R}/contents/docs")
    ]
    raw = wire.raw("GET", f"{R}/contents/docs/a.txt", Accept="application/vnd.github.raw+json")
    assert (200, "neu, größer".encode()) == raw


def test_the_latest_release_is_no_draft_and_no_prerelease(wire: Any) -> None:
    """Nor one that says of itself that it is not."""
    for tag, more in (
        ("v1", {}),
        ("v2-rc", {"prerelease": True}),
        ("v3", {"draft": True}),
        ("v0", {"make_latest": "false"}),
    ):
        wire("POST", f"{R}/releases", {"tag_name": tag, **more})

    assert "v1" == wire("GET", f"{R}/releases/latest")["tag_name"]
    assert ["v0", "v3", "v2-rc", "v1"] == [each["tag_name"] for each in wire("GET", f"{R}/releases")]
    seen = wire("GET", f"{R}/releases", token="read-token")
    assert ["v0", "v2-rc", "v1"] == [each["tag_name"] for each in seen]


def test_a_tag_has_one_published_release(wire: Any) -> None:
    """A second is 422; a draft of the same tag may be there until it is published."""
    wire("POST", f"{R}/releases", {"tag_name": "v1"})
    draft = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]

    statuses = [
        wire.status("POST", f"{R}/releases", {"tag_name": "v1"})[0],
        wire.status("PATCH", f"{R}/releases/{draft}", {"draft": False})[0],
    ]

    assert [422, 422] == statuses


def test_notes_tell_what_was_merged_since_the_last_release(make_wire: Callable[..., Any]) -> None:
    """With authors and a link to the comparison."""
    pulls = [{"title": name, "head": name, "author": "mallory"} for name in ("before", "after")]
    wire = make_wire({"pulls": pulls})
    wire("PUT", f"{R}/pulls/1/merge", {})
    wire("POST", f"{R}/releases", {"tag_name": "v1"})
    wire.github.clock.advance(60)
    wire("PUT", f"{R}/pulls/2/merge", {})

    body = wire("POST", f"{R}/releases/generate-notes", {"tag_name": "v2"})["body"]

    assert "* after by @mallory in" in body
    assert "* before" not in body
    assert body.endswith("/octo/widgets/compare/v1...v2")


def test_an_asset_comes_back_as_it_went(wire: Any) -> None:
    """Bytes that are not text, and bytes that look like JSON."""
    release = wire("POST", f"{R}/releases", {"tag_name": "v1"})["id"]
    sent = {"a.bin": bytes(range(256)), "b.json": b'{"name": 1}'}
    for name, data in sent.items():
        status, _ = wire.raw("POST", f"{R}/releases/{release}/assets?name={name}", data)
        assert 201 == status

    assets = {each["name"]: each for each in wire("GET", f"{R}/releases/{release}/assets")}
    back = {
        name: wire.file(f"{R}/releases/assets/{each['id']}", Accept="application/octet-stream")
        for name, each in assets.items()
    }

    assert sent == back
    assert (256, 422) == (
        assets["a.bin"]["size"],
        wire.raw("POST", f"{R}/releases/{release}/assets?name=a.bin", b"")[0],
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [([], "pending"), (["success", "success"], "success"), (["pending", "success"], "pending"), (["error"], "failure")],
)
def test_statuses_add_up(states: list[str], expected: str, wire: Any) -> None:
    """The latest of each context counts."""
    sha = wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"]
    for number, state in enumerate(states):
        wire("POST", f"{R}/statuses/{sha}", {"state": "failure", "context": f"c{number}"})
        wire("POST", f"{R}/statuses/{sha}", {"state": state, "context": f"c{number}"})

    combined = wire("GET", f"{R}/commits/main/status")

    assert (expected, len(states)) == (combined["state"], combined["total_count"])
    assert 2 * len(states) == len(wire("GET", f"{R}/commits/{sha}/statuses"))


WORKFLOWS = {
    "on: workflow_dispatch\n": [],
    "on: [push, workflow_dispatch]\n": [],
    "on:\n  push:\n  workflow_dispatch:\n": [],
    "on:\n- push\n- workflow_dispatch\njobs:\n": [],
    "name: x\n'on':\n  workflow_dispatch: # by hand\n    inputs:\n      mode:\n        type: string\n      \"to\":\n"
    "  push:\n    branches: [main]\n": ["mode", "to"],
    "on: push\njobs:\n  workflow_dispatch:\n": None,
    "# on: workflow_dispatch\non: [push]\n": None,
    "": None,
}


@pytest.mark.parametrize("text", WORKFLOWS, ids=range(len(WORKFLOWS)))
def test_a_workflow_file_says_what_it_takes(text: str, make_wire: Callable[..., Any]) -> None:
    """A dispatch with its inputs is taken, one with another is not, and none where there is no trigger."""
    wire = make_wire({"files": {".github/workflows/a.yml": text}})
    declared = WORKFLOWS[text]
    inputs = dict.fromkeys(declared or [], "x")

    statuses = [
        wire.status("POST", f"{R}/actions/workflows/a.yml/dispatches", {"ref": "main", "inputs": each})[0]
        for each in (inputs, {**inputs, "other": "x"})
    ]

    assert ([422, 422] if declared is None else [204, 422]) == statuses
    expected = [] if declared is None else [{"workflow": ".github/workflows/a.yml", "branch": "main", "inputs": inputs}]
    assert expected == wire.github.state()["dispatches"]


def test_a_new_workflow_file_is_a_workflow(wire: Any) -> None:
    """From the commit on, on the default branch; it is listed by its name."""
    content = base64.b64encode(b"name: Nightly\non: workflow_dispatch\n").decode()
    wire("PUT", f"{R}/contents/.github/workflows/n.yml", {"message": "m", "content": content})

    assert ["Nightly"] == [each["name"] for each in wire("GET", f"{R}/actions/workflows")["workflows"]]
    assert 204 == wire.status("POST", f"{R}/actions/workflows/n.yml/dispatches", {"ref": "main"})[0]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("event=push", 2),
        ("actor=octocat", 1),
        ("branch=main&status=success", 3),
        ("status=failure", 0),
        ("created=2026-01-02", 1),
        ("created=%3E=2026-01-02", 2),
        ("created=%3E2026-01-02", 1),
        ("created=%3C2026-01-02", 1),
        ("created=2026-01-01..2026-01-02", 2),
        ("created=2026-01-02..*", 2),
    ],
)
def test_runs_are_filtered(filters: str, expected: int, make_wire: Callable[..., Any]) -> None:
    """By event, actor, branch, state and time of creation."""
    runs = [
        {"workflow": "a.yml", "event": "push", "created_at": "2026-01-01T10:00:00Z"},
        {"workflow": "a.yml", "event": "push", "created_at": "2026-01-02T10:00:00Z"},
        {"workflow": "a.yml", "event": "schedule", "actor": "octocat", "created_at": "2026-01-03T10:00:00Z"},
    ]
    wire = make_wire({"runs": runs})

    assert expected == wire("GET", f"{R}/actions/runs?{filters}")["total_count"]


def test_a_repository_dispatch_is_kept(wire: Any) -> None:
    """Its type and payload are in the state; more than ten members are too many."""
    wire("POST", f"{R}/dispatches", {"event_type": "sprint", "client_payload": {"n": 1}})

    many = {"event_type": "x", "client_payload": {str(number): 1 for number in range(11)}}

    assert 422 == wire.status("POST", f"{R}/dispatches", many)[0]
    assert [{"type": "sprint", "payload": {"n": 1}}] == wire.github.state()["repository_dispatches"]


def test_a_permission_is_the_role_and_its_old_name(make_wire: Callable[..., Any]) -> None:
    """`maintain` was called write, `triage` read; who has none reads what is public."""
    roles = {"ann": "maintain", "ben": "triage", "cem": "write"}
    wire = make_wire({"collaborators": {"octocat": "admin", **roles}})

    found = {
        login: tuple(wire("GET", f"{R}/collaborators/{login}/permission")[name] for name in ("role_name", "permission"))
        for login in ("octocat", *roles, "mallory")
    }

    assert {
        "octocat": ("admin", "admin"),
        "ann": ("maintain", "write"),
        "ben": ("triage", "read"),
        "cem": ("write", "write"),
        "mallory": ("read", "read"),
    } == found


def test_a_workflow_token_is_nobody_to_the_user_endpoint(wire: Any) -> None:
    """403 for it, the login for a user's token, 401 for none."""
    statuses = [wire.status("GET", "/user", token=token)[0] for token in ("workflow-token", "admin-token", None)]

    assert [403, 200, 401] == statuses


def test_a_disabled_workflow_says_so_and_is_not_dispatched(make_wire: Callable[..., Any]) -> None:
    """GitHub disables a schedule after sixty quiet days; the workflow's state tells, and its runs stay."""
    path = ".github/workflows/sprint.yml"
    run = {"workflow": path, "event": "schedule", "created_at": "2026-01-01T00:00:00Z"}
    wire = make_wire(
        {"workflows": [{"path": path, "state": "disabled_inactivity", "dispatch_inputs": []}], "runs": [run]}
    )

    state = wire("GET", f"{R}/actions/workflows/sprint.yml")["state"]
    status, answer = wire.status("POST", f"{R}/actions/workflows/sprint.yml/dispatches", {"ref": "main"})

    assert ("disabled_inactivity", 422) == (state, status)
    assert "disabled workflow" in answer["message"]
    assert ["schedule"] == [
        each["event"] for each in wire("GET", f"{R}/actions/workflows/sprint.yml/runs")["workflow_runs"]
    ]
