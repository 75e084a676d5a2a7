"""What GitHub does, on the wire. The tests marked in BEHAVIOURS also run against github.com."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

R = "/repos/octo/widgets"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-01-15T12:00:00Z", "2026-01-15T08:00:00Z"),
        ("2026-07-15T12:00:00Z", "2026-07-15T07:00:00Z"),
        ("2026-03-08T12:00:00Z", "2026-03-08T08:00:00Z"),
        ("2026-03-09T12:00:00Z", "2026-03-09T07:00:00Z"),
        ("2026-11-01T12:00:00Z", "2026-11-01T07:00:00Z"),
        ("2026-11-02T12:00:00Z", "2026-11-02T08:00:00Z"),
        ("2026-03-01T00:00:00Z", "2026-02-28T08:00:00Z"),
        ("2026-07-01T06:59:00Z", "2026-06-30T07:00:00Z"),
        ("2026-07-01T07:01:00Z", "2026-07-01T07:00:00Z"),
        ("2028-02-29T23:59:59+00:00", "2028-02-29T08:00:00Z"),
    ],
)
def test_a_due_date_is_floored_to_midnight_in_california(sent: str, kept: str, wire: Any) -> None:
    """In winter and in summer, on the days that the clocks change, and on a leap day."""
    assert kept == wire("POST", f"{R}/milestones", {"title": "M", "due_on": sent})["due_on"]


def test_a_bare_date_is_refused(wire: Any) -> None:
    """`2026-03-01` is not a date-time."""
    status, answer = wire.status("POST", f"{R}/milestones", {"title": "M", "due_on": "2026-03-01"})

    assert 422 == status
    assert "not a valid date-time" in answer["message"]


def test_null_clears_a_due_date(wire: Any) -> None:
    """A PATCH with null leaves no due date."""
    wire("POST", f"{R}/milestones", {"title": "M", "due_on": "2026-03-01T12:00:00Z"})

    assert wire("PATCH", f"{R}/milestones/1", {"due_on": None})["due_on"] is None


def test_a_title_is_unique_with_case(wire: Any) -> None:
    """The same title is refused on creation and on rename, closed ones included; another case is not."""
    wire("POST", f"{R}/milestones", {"title": "v1", "state": "closed"})
    wire("POST", f"{R}/milestones", {"title": "V1"})

    created = wire.status("POST", f"{R}/milestones", {"title": "v1"})
    renamed = wire.status("PATCH", f"{R}/milestones/2", {"title": "v1"})

    error = {"resource": "Milestone", "code": "already_exists", "field": "title"}
    assert [(422, [error]), (422, [error])] == [(status, answer["errors"]) for status, answer in (created, renamed)]


def test_the_milestone_filter_unites_case_twins(make_wire: Callable[..., Any]) -> None:
    """`?milestone=1` also shows the issue of the milestone that differs in case."""
    wire = make_wire(
        {
            "milestones": [{"title": "v1"}, {"title": "V1"}],
            "issues": [{"title": "a", "milestone": 1}, {"title": "b", "milestone": 2}, {"title": "c"}],
        }
    )

    assert ["b", "a"] == [each["title"] for each in wire("GET", f"{R}/issues?milestone=1")]


def test_counts_include_pull_requests(make_wire: Callable[..., Any]) -> None:
    """One open issue, one closed one and one pull request: two open, one closed."""
    wire = make_wire(
        {
            "milestones": [{"title": "M"}],
            "issues": [{"title": "a", "milestone": 1}, {"title": "b", "milestone": 1, "state": "closed"}],
            "pulls": [{"title": "p", "head": "x", "milestone": 1}],
        }
    )

    milestone = wire("GET", f"{R}/milestones/1")

    assert (2, 1) == (milestone["open_issues"], milestone["closed_issues"])


def test_the_list_shows_open_milestones_by_due_date(make_wire: Callable[..., Any]) -> None:
    """Closed ones only when asked for; those without a due date come last."""
    late, soon = "2026-09-01T12:00:00Z", "2026-02-01T12:00:00Z"
    wire = make_wire(
        {
            "milestones": [
                {"title": "none"},
                {"title": "late", "due_on": late},
                {"title": "soon", "due_on": soon},
                {"title": "closed", "state": "closed"},
            ]
        }
    )

    assert ["soon", "late", "none"] == [each["title"] for each in wire("GET", f"{R}/milestones")]
    assert 4 == len(wire("GET", f"{R}/milestones?state=all"))


def test_a_number_is_not_given_out_again(wire: Any) -> None:
    """After number 1 is deleted the next milestone is number 2."""
    wire("POST", f"{R}/milestones", {"title": "a"})
    wire("DELETE", f"{R}/milestones/1")

    assert 2 == wire("POST", f"{R}/milestones", {"title": "a"})["number"]


def test_deleting_a_milestone_detaches_its_issues(make_wire: Callable[..., Any]) -> None:
    """The issue stays, without a milestone."""
    wire = make_wire({"milestones": [{"title": "M"}], "issues": [{"title": "a", "milestone": 1}]})

    wire("DELETE", f"{R}/milestones/1")

    assert wire("GET", f"{R}/issues/1")["milestone"] is None


def test_lists_come_in_pages(make_wire: Callable[..., Any], call: Callable[..., Any]) -> None:
    """30 by default, 100 at most, and links that lead on, also below Enterprise Server's prefix."""
    wire = make_wire({"issues": [{"title": "I {n}", "repeat": 130}]})

    assert 30 == len(wire("GET", f"{R}/issues"))
    assert 100 == len(wire("GET", f"{R}/issues?per_page=500"))
    _, headers = wire.headers("GET", f"/api/v3{R}/issues?per_page=50&page=2")
    base = f"{wire.github.url}/api/v3{R}/issues?per_page=50"
    expected = [
        f'<{base}&page={page}>; rel="{rel}"' for rel, page in (("next", 3), ("last", 3), ("prev", 1), ("first", 1))
    ]
    assert expected == headers["link"].split(", ")


def test_a_label_is_unique_without_case(wire: Any) -> None:
    """`Bug` is refused beside `bug`, and found by either spelling."""
    wire("POST", f"{R}/labels", {"name": "bug", "color": "FF0000"})

    status, answer = wire.status("POST", f"{R}/labels", {"name": "Bug", "color": "ff0000"})

    assert (422, "already_exists") == (status, answer["errors"][0]["code"])
    assert "ff0000" == wire("GET", f"{R}/labels/BUG")["color"]


def test_a_label_that_an_issue_names_comes_into_being(wire: Any) -> None:
    """With the default colour."""
    wire("POST", f"{R}/issues", {"title": "I", "labels": ["fresh"]})

    assert "ededed" == wire("GET", f"{R}/labels/fresh")["color"]


def test_planning_fields_are_dropped_without_push_access(make_wire: Callable[..., Any]) -> None:
    """An outsider's issue is created, with nothing but its title and text."""
    wire = make_wire({"milestones": [{"title": "M"}]})
    body = {"title": "I", "body": "b", "milestone": 1, "labels": ["x"], "assignees": ["octocat"], "type": "Bug"}

    issue = wire("POST", f"{R}/issues", body, token="mallory-token")

    assert ("b", None, [], [], None) == tuple(
        issue[name] for name in ("body", "milestone", "labels", "assignees", "type")
    )
    assert "NONE" == issue["author_association"]


def test_who_cannot_be_assigned_is_dropped(wire: Any) -> None:
    """A stranger is not assigned, and nothing is said."""
    issue = wire("POST", f"{R}/issues", {"title": "I", "assignees": ["octocat", "stranger"]})

    assert ["octocat"] == [each["login"] for each in issue["assignees"]]


def test_a_closed_milestone_still_takes_issues(make_wire: Callable[..., Any]) -> None:
    """Through the API; and closing it left its issue open."""
    wire = make_wire({"milestones": [{"title": "M"}], "issues": [{"title": "a", "milestone": 1}]})
    wire("PATCH", f"{R}/milestones/1", {"state": "closed"})

    issue = wire("POST", f"{R}/issues", {"title": "b", "milestone": 1})

    assert 1 == issue["milestone"]["number"]
    assert "open" == wire("GET", f"{R}/issues/1")["state"]


def test_a_sub_issue_has_one_parent(make_wire: Callable[..., Any]) -> None:
    """Named by id, refused twice, moved only with `replace_parent`, and never in a circle."""
    wire = make_wire({"issues": [{"title": "a"}, {"title": "b"}, {"title": "c"}]})
    ids = {number: wire("GET", f"{R}/issues/{number}")["id"] for number in (1, 2, 3)}
    wire("POST", f"{R}/issues/1/sub_issues", {"sub_issue_id": ids[3]})

    twice = wire.status("POST", f"{R}/issues/1/sub_issues", {"sub_issue_id": ids[3]})[0]
    second = wire.status("POST", f"{R}/issues/2/sub_issues", {"sub_issue_id": ids[3]})[0]
    circle = wire.status("POST", f"{R}/issues/3/sub_issues", {"sub_issue_id": ids[1]})[0]
    number = wire.status("POST", f"{R}/issues/2/sub_issues", {"sub_issue_id": 3})[0]
    wire("POST", f"{R}/issues/2/sub_issues", {"sub_issue_id": ids[3], "replace_parent": True})

    assert [422, 422, 422, 404] == [twice, second, circle, number]
    assert 2 == wire("GET", f"{R}/issues/3/parent")["number"]


def test_the_timeline_names_the_milestone_by_title(make_wire: Callable[..., Any]) -> None:
    """Milestoned and demilestoned events carry a title and no number."""
    wire = make_wire({"milestones": [{"title": "M"}], "issues": [{"title": "a"}]})
    wire("PATCH", f"{R}/issues/1", {"milestone": 1})
    wire("PATCH", f"{R}/issues/1", {"milestone": None})

    events = wire("GET", f"{R}/issues/1/timeline")

    assert [("milestoned", {"title": "M"}), ("demilestoned", {"title": "M"})] == [
        (each["event"], each["milestone"]) for each in events
    ]


def test_a_pull_request_is_an_issue(make_wire: Callable[..., Any]) -> None:
    """It is in the list of issues with a `pull_request` member, and takes labels as one."""
    wire = make_wire({"pulls": [{"title": "p", "head": "x"}]})
    wire("POST", f"{R}/issues/1/labels", {"labels": ["x"]})

    listed = wire("GET", f"{R}/issues")

    assert ("p", True, "x") == (listed[0]["title"], "pull_request" in listed[0], listed[0]["labels"][0]["name"])


def test_closing_references_count_on_the_default_branch_only(make_wire: Callable[..., Any]) -> None:
    """A keyword counts for `main`, not for another base; a sidebar link counts for both."""
    pulls = [
        {"title": "p", "head": "x", "body": "Fixes #1", "number": 10},
        {"title": "q", "head": "y", "body": "Fixes #1", "base": "release", "sidebar_links": [2], "number": 11},
    ]
    wire = make_wire({"issues": [{"title": "a"}, {"title": "b"}], "branches": {"release": None}, "pulls": pulls})
    text = """query($n: Int!) { repository(owner: "octo", name: "widgets") { pullRequest(number: $n) {
        closingIssuesReferences(first: 10) { nodes { number } } } } }"""

    found = [
        [
            each["number"]
            for each in wire.query(text, n=number)["data"]["repository"]["pullRequest"]["closingIssuesReferences"][
                "nodes"
            ]
        ]
        for number in (10, 11)
    ]

    assert [[1], [2]] == found


def test_merging_closes_what_it_references(make_wire: Callable[..., Any]) -> None:
    """The issue is closed as completed, and the pull request cannot be merged again."""
    wire = make_wire({"issues": [{"title": "a"}], "pulls": [{"title": "p", "head": "x", "body": "closes #1"}]})

    wire("PUT", f"{R}/pulls/2/merge", {})

    assert ("closed", "completed") == tuple(wire("GET", f"{R}/issues/1")[name] for name in ("state", "state_reason"))
    assert 405 == wire.status("PUT", f"{R}/pulls/2/merge", {})[0]


def test_a_workflow_token_may_what_it_was_granted(wire: Any) -> None:
    """Reading issues is granted, writing them is not."""
    assert 200 == wire.status("GET", f"{R}/milestones", token="read-token")[0]
    status, answer = wire.status("POST", f"{R}/milestones", {"title": "M"}, token="read-token")
    assert (403, "Resource not accessible by integration") == (status, answer["message"])


def test_what_is_hidden_is_not_found(make_wire: Callable[..., Any]) -> None:
    """A private repository is 404 to a stranger and to nobody's token; an unknown token is 401."""
    wire = make_wire({"private": True})

    tokens = ("mallory-token", None, "unknown-token", "admin-token", "read-token")

    assert [404, 404, 401, 200, 200] == [wire.status("GET", R, token=token)[0] for token in tokens]


def test_content_is_limited_by_minute_and_hour(wire: Any) -> None:
    """The 81st write within a minute is refused, and the 501st within an hour; time heals both."""
    made = 0
    for _ in range(6):
        for _ in range(80):
            wire("POST", f"{R}/labels", {"name": f"l{made}"})
            made += 1
        status, headers = wire.headers("POST", f"{R}/labels", body={"name": "too many"})
        assert (403, "60") == (status, headers["retry-after"])
        wire.github.clock.advance(60)
    for _ in range(20):
        wire("POST", f"{R}/labels", {"name": f"l{made}"})
        made += 1
    assert 403 == wire.status("POST", f"{R}/labels", {"name": "too many"})[0]
    wire.github.clock.advance(3600)
    wire("POST", f"{R}/labels", {"name": "later"})


def test_requests_are_limited_by_hour(make_wire: Callable[..., Any]) -> None:
    """With a limit of 3 the fourth request is refused until the hour is over."""
    wire = make_wire(limits={"primary_per_hour": 3})

    statuses = [wire.headers("GET", R)[0] for _ in range(3)]
    status, headers = wire.headers("GET", R)
    wire.github.clock.advance(3601)

    assert [200, 200, 200, 403] == [*statuses, status]
    assert "0" == headers["x-ratelimit-remaining"]
    assert 200 == wire.headers("GET", R)[0]


def test_an_unchanged_answer_is_not_sent_again(wire: Any) -> None:
    """304 with the tag; 200 after a change."""
    _, headers = wire.headers("GET", f"{R}/milestones")
    tag = {"If-None-Match": headers["etag"]}

    unchanged = wire.headers("GET", f"{R}/milestones", headers=tag)[0]
    wire("POST", f"{R}/milestones", {"title": "M"})

    assert 304 == unchanged
    assert 200 == wire.headers("GET", f"{R}/milestones", headers=tag)[0]


def test_a_reference_exists_once(wire: Any) -> None:
    """Creating it again is refused."""
    sha = wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"]

    status, answer = wire.status("POST", f"{R}/git/refs", {"ref": "refs/heads/main", "sha": sha})

    assert (422, "Reference already exists") == (status, answer["message"])


def test_publishing_makes_a_missing_tag(wire: Any) -> None:
    """A draft makes none; publishing it does."""
    release = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]
    before = wire.status("GET", f"{R}/git/ref/tags/v1")[0]

    wire("PATCH", f"{R}/releases/{release}", {"draft": False})

    assert (404, 200) == (before, wire.status("GET", f"{R}/git/ref/tags/v1")[0])


def test_a_dispatch_takes_declared_inputs_only(make_wire: Callable[..., Any]) -> None:
    """An undeclared input, and a workflow without the trigger, are refused."""
    wire = make_wire(
        {
            "workflows": [
                {"path": ".github/workflows/a.yml", "dispatch_inputs": ["mode"]},
                {"path": ".github/workflows/b.yml"},
            ]
        }
    )

    statuses = [
        wire.status("POST", f"{R}/actions/workflows/{name}/dispatches", {"ref": "main", "inputs": inputs})[0]
        for name, inputs in (("a.yml", {"mode": "x"}), ("a.yml", {"other": "x"}), ("b.yml", {}))
    ]

    assert [204, 422, 422] == statuses


def test_a_bot_has_two_spellings(wire: Any) -> None:
    """REST and the viewer say `github-actions[bot]`; a GraphQL author says `github-actions`, of type Bot."""
    wire("POST", f"{R}/issues", {"title": "I"}, token="workflow-token")
    text = """{ viewer { login } repository(owner: "octo", name: "widgets") {
        issue(number: 1) { author { __typename login } } } }"""

    data = wire.query(text, token="workflow-token")["data"]

    assert "github-actions[bot]" == data["viewer"]["login"]
    assert {"__typename": "Bot", "login": "github-actions"} == data["repository"]["issue"]["author"]
    assert "github-actions[bot]" == wire("GET", f"{R}/issues/1")["user"]["login"]


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("milestones { totalCount }", "MISSING_PAGINATION_BOUNDARIES"),
        ("milestones(first: 101) { totalCount }", "EXCESSIVE_PAGINATION"),
        (
            "milestones(first: 100) { nodes { issues(first: 100) { nodes { labels(first: 100) { nodes { name } } } } } }",
            "MAX_NODE_LIMIT_EXCEEDED",
        ),
    ],
)
def test_graphql_limits_pages_and_nodes(field: str, kind: str, wire: Any) -> None:
    """Each refusal has GitHub's type."""
    answer = wire.query(f'{{ repository(owner: "octo", name: "widgets") {{ {field} }} }}')

    assert [kind] == [each["type"] for each in answer["errors"]]


def test_graphql_names_what_it_does_not_find(wire: Any) -> None:
    """A missing repository, and a missing issue beside something that is there."""
    missing = wire.query('{ repository(owner: "octo", name: "nothing") { name } }')
    partly = wire.query('{ repository(owner: "octo", name: "widgets") { name a: issue(number: 7) { title } } }')

    assert (["repository"], "NOT_FOUND") == (missing["errors"][0]["path"], missing["errors"][0]["type"])
    assert {"name": "widgets", "a": None} == partly["data"]["repository"]
    assert ["repository", "a"] == partly["errors"][0]["path"]


def test_graphql_finds_a_label_without_case(make_wire: Callable[..., Any]) -> None:
    """`BUG` finds `bug`."""
    wire = make_wire({"labels": [{"name": "bug"}]})

    data = wire.query('{ repository(owner: "octo", name: "widgets") { label(name: "BUG") { name } } }')["data"]

    assert "bug" == data["repository"]["label"]["name"]
