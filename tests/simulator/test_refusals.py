"""What GitHub refuses, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

R = "/repos/octo/widgets"
SHA = "0" * 40


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        (("POST", f"{R}/milestones", {"title": ""}), 422, "missing_field"),
        (("POST", f"{R}/milestones", {"title": "M", "state": "ajar"}), 422, 'is not a member of ["open", "closed"]'),
        (("POST", f"{R}/milestones", {"title": "M" * 256}), 422, "too long"),
        (("GET", f"{R}/milestones?state=ajar", None), 422, "invalid"),
        (("GET", f"{R}/milestones/9", None), 404, "Not Found"),
        (("PATCH", f"{R}/milestones/x", {"title": "M"}), 404, "Not Found"),
        (("POST", f"{R}/labels", {"name": "l", "color": "#ff0000"}), 422, "invalid"),
        (("POST", f"{R}/labels", {"name": "l", "color": "red"}), 422, "invalid"),
        (("POST", f"{R}/labels", {"name": " "}), 422, "missing_field"),
        (("POST", f"{R}/labels", {"name": "l", "description": "d" * 101}), 422, "too long"),
        (("POST", f"{R}/issues", {"title": " "}), 422, "missing_field"),
        (("POST", f"{R}/issues", {"title": "I" * 257}), 422, "too long"),
        (("POST", f"{R}/issues", {"title": "I", "milestone": 9}), 422, "milestone"),
        (("POST", f"{R}/issues", {"title": "I", "type": "Epic"}), 422, "type"),
        (("POST", f"{R}/issues", {"title": "I", "labels": [5]}), 422, "not a string"),
        (("PATCH", f"{R}/issues/1", {"state": "done"}), 422, "state"),
        (("PATCH", f"{R}/issues/1", {"state_reason": "tired"}), 422, "state_reason"),
        (("GET", f"{R}/issues?milestone=9", None), 422, "milestone"),
        (("GET", f"{R}/issues?since=yesterday", None), 422, "since"),
        (("GET", f"{R}/issues?sort=mood", None), 422, "sort"),
        (("POST", f"{R}/issues/1/comments", {"body": " "}), 422, "missing_field"),
        (("POST", f"{R}/issues/1/comments", {"body": "b" * 65_537}), 422, "too long"),
        (("DELETE", f"{R}/issues/1/labels/absent", None), 404, "Label does not exist"),
        (("PUT", f"{R}/issues/1/lock", {"lock_reason": "rude"}), 422, "lock_reason"),
        (("POST", f"{R}/issues/1/dependencies/blocked_by", {"issue_id": 1}), 404, "Not Found"),
        (("POST", f"{R}/git/refs", {"ref": "heads/x", "sha": SHA}), 422, "must start with 'refs/'"),
        (("POST", f"{R}/git/refs", {"ref": "refs/heads/x", "sha": SHA}), 422, "Object does not exist"),
        (("DELETE", f"{R}/git/refs/heads/x", None), 422, "Reference does not exist"),
        (("POST", f"{R}/pulls", {"title": "P", "head": "x", "base": "main"}), 422, "head"),
        (("POST", f"{R}/pulls", {"title": "", "head": "topic", "base": "other"}), 422, "missing_field"),
        (("POST", f"{R}/pulls", {"title": "P", "head": "same", "base": "main"}), 422, "No commits between"),
        (("POST", f"{R}/pulls", {"title": "P", "head": "topic", "base": "main"}), 422, "already exists"),
        (("PUT", f"{R}/pulls/2/merge", {"sha": SHA}), 409, "Head branch was modified"),
        (("PUT", f"{R}/pulls/3/merge", {}), 405, "still a draft"),
        (("POST", f"{R}/statuses/{SHA}", {"state": "success"}), 422, "No commit found"),
        (("POST", f"{R}/releases", {"tag_name": ""}), 422, "missing_field"),
        (("POST", f"{R}/actions/workflows/ci.yml/dispatches", {"ref": "gone"}), 422, "No ref found"),
        (("POST", f"{R}/dispatches", {"event_type": ""}), 422, "event_type"),
        (("GET", f"{R}/contents/absent.txt", None), 404, "Not Found"),
        (("GET", f"{R}/collaborators/nobody/permission", None), 404, "not a user"),
    ],
)
def test_a_request_is_refused_with_its_reason(
    request_: tuple[str, str, Any], status: int, said: str, make_wire: Callable[..., Any]
) -> None:
    """The status is GitHub's, and the answer names what was wrong."""
    wire = make_wire(
        {
            "issues": [{"title": "I"}],
            "branches": {"same": None, "other": None},
            "pulls": [{"title": "P", "head": "topic"}, {"title": "D", "head": "draft", "draft": True}],
            "workflows": [{"path": ".github/workflows/ci.yml"}],
        }
    )

    answered, answer = wire.status(*request_)

    assert status == answered
    assert said in str(answer)


def test_a_body_that_is_not_json_is_refused(wire: Any) -> None:
    """400 for what cannot be read and for what is no object; 422 for a value of the wrong kind."""
    broken = wire.raw("POST", f"{R}/milestones", b'{"title":')
    listed = wire.status("POST", f"{R}/milestones", ["M"])
    text = wire.status("POST", f"{R}/milestones", "M")
    wrong = wire.status("POST", f"{R}/milestones", {"title": 5})
    null = wire.status("POST", f"{R}/labels", {"name": "l", "description": 5})

    assert [400, 400, 400, 422, 422] == [each[0] for each in (broken, listed, text, wrong, null)]
    assert b"Problems parsing JSON" in broken[1]
    assert "Body should be a JSON object" == listed[1]["message"]
    assert "Invalid request.\n\nFor 'properties/title', 5 is not a string." == wrong[1]["message"]


def test_a_private_repository_is_read_with_the_scope_only(make_wire: Callable[..., Any]) -> None:
    """A workflow's token without `pull-requests` reads issues, and no pull requests; a public one shows both."""
    paths = [f"{R}/issues", f"{R}/milestones", f"{R}/contents/a.txt", f"{R}/pulls", f"{R}/actions/runs"]

    found = [
        [wire.status("GET", path, token="read-token")[0] for path in paths]
        for wire in (make_wire({"private": True, "files": {"a.txt": ""}}), make_wire({"files": {"a.txt": ""}}))
    ]

    assert [[200, 200, 200, 403, 403], [200, 200, 200, 200, 200]] == found


def test_an_archived_repository_is_read_only(make_wire: Callable[..., Any]) -> None:
    """Reading is as ever; writing is 403."""
    wire = make_wire({"archived": True})

    status, answer = wire.status("POST", f"{R}/milestones", {"title": "M"})

    assert (403, "Repository was archived so is read-only.") == (status, answer["message"])
    assert [] == wire("GET", f"{R}/milestones")


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("read", [403, 403, 201]),
        ("triage", [403, 200, 201]),
        ("write", [201, 200, 201]),
        ("maintain", [201, 200, 201]),
    ],
)
def test_a_collaborator_may_what_the_role_allows(role: str, expected: list[int], make_wire: Callable[..., Any]) -> None:
    """Milestones take write, editing others' issues takes triage, opening an issue takes nothing."""
    wire = make_wire({"collaborators": {"octocat": "admin", "mallory": role}, "issues": [{"title": "I"}]})

    statuses = [
        wire.status(method, f"{R}{path}", body, token="mallory-token")[0]
        for method, path, body in (
            ("POST", "/milestones", {"title": "M"}),
            ("PATCH", "/issues/1", {"title": "J"}),
            ("POST", "/issues", {"title": "K"}),
        )
    ]

    assert expected == statuses


def test_a_locked_issue_takes_no_comments_of_outsiders(make_wire: Callable[..., Any]) -> None:
    """Those with write access go on."""
    wire = make_wire({"issues": [{"title": "I"}]})
    wire("PUT", f"{R}/issues/1/lock", {"lock_reason": "resolved"})

    outsider = wire.status("POST", f"{R}/issues/1/comments", {"body": "b"}, token="mallory-token")[0]
    admin = wire.status("POST", f"{R}/issues/1/comments", {"body": "b"})[0]

    assert (403, 201) == (outsider, admin)
    assert ("resolved", True) == tuple(wire("GET", f"{R}/issues/1")[name] for name in ("active_lock_reason", "locked"))


@pytest.mark.parametrize(("method", "path"), [("PATCH", f"{R}/issues/comments/"), ("DELETE", f"{R}/issues/comments/")])
def test_a_comment_is_changed_by_its_author_or_with_write_access(
    method: str, path: str, make_wire: Callable[..., Any]
) -> None:
    """A stranger's attempt is 403, and the comment stays."""
    wire = make_wire({"issues": [{"title": "I", "comments": [{"body": "mine", "author": "octocat"}]}]})
    comment = wire("GET", f"{R}/issues/1/comments")[0]["id"]
    body = {"body": "theirs"} if method == "PATCH" else None

    assert 403 == wire.status(method, f"{path}{comment}", body, token="mallory-token")[0]
    assert ["mine"] == [each["body"] for each in wire("GET", f"{R}/issues/1/comments")]
