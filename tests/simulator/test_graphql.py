"""GraphQL as GitHub answers it: every field of the schema, mutations, errors, limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

R = "/repos/octo/widgets"
SCHEMA = Path(__file__).parents[2] / "scripts" / "milepost" / "simulator" / "schema.graphql"
EVERYTHING = {
    "labels": [{"name": "bug"}],
    "milestones": [{"title": "M", "due_on": "2026-02-01T12:00:00Z"}],
    "issues": [
        {"title": "Parent", "milestone": 1, "labels": ["bug"], "assignees": ["octocat"], "comments": [{"body": "c"}]},
        {"title": "Child", "parent": 1},
        {"title": "Late", "milestone": 1, "state": "closed", "author": "mallory"},
    ],
    "pulls": [{"title": "P", "head": "topic", "body": "Fixes #1", "milestone": 1, "number": 9}],
    "files": {"a.txt": "text", "b/c.txt": "deeper"},
    "tags": {"v1": {"message": "One"}},
    "releases": [{"tag": "v1", "name": "One"}],
    "checks": [{"name": "build", "conclusion": "success"}],
}
ARGUMENTS = {
    "owner": '"octo"',
    "name": '"widgets"',
    "number": "1",
    "first": "5",
    "qualifiedName": '"main"',
    "expression": '"HEAD:a.txt"',
    "tagName": '"v1"',
}


@pytest.fixture
def full(make_wire: Callable[..., Any]) -> Any:
    """A repository that has something for every field, with a story behind it."""
    wire = make_wire(EVERYTHING)
    for body in (
        {"milestone": None},
        {"title": "Old"},
        {"state": "closed"},
        {"state": "open"},
        {"labels": []},
        {"assignees": []},
    ):
        wire("PATCH", f"{R}/issues/1", body)
    wire("PATCH", f"{R}/issues/1", {"labels": ["bug"], "assignees": ["octocat"], "milestone": 1, "body": "new"})
    wire("PUT", f"{R}/issues/1/lock", {"lock_reason": "too heated"})
    wire("DELETE", f"{R}/issues/1/lock")
    return wire


def test_every_field_of_the_schema_is_answered(full: Any) -> None:
    """A query that asks for every readable field, two levels down, has no error and no 501."""
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True)
    ids = {
        name: each["node_id"]
        for name, each in {
            "Issue": full("GET", f"{R}/issues/1"),
            "PullRequest": full("GET", f"{R}/pulls/9"),
            "Milestone": full("GET", f"{R}/milestones/1"),
            "Repository": full("GET", R),
            "Label": full("GET", f"{R}/labels/bug"),
            "IssueComment": full("GET", f"{R}/issues/1/comments")[0],
            "User": full("GET", "/user"),
        }.items()
    }
    kinds = {}
    for name, id in ids.items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        text = f'{{ node(id: "{id}") {{ __typename ... on {name} {{ {_fields(kind, 3)} }} }} }}'

        answer = full.query(text)

        assert "errors" not in answer, (name, answer["errors"][:2])
        kinds[name] = answer["data"]["node"]["__typename"]
    assert kinds == {name: name for name in ids}
    seen = {each["__typename"] for each in _walk(full.query(_timeline())["data"])}
    assert seen >= {each.name for each in _members(schema, "IssueTimelineItems")}


def _fields(kind: Any, depth: int) -> str:
    """Every field of the type as a selection."""
    if isinstance(kind, GraphQLUnionType):
        return "__typename " + " ".join(f"... on {each.name} {{ {_fields(each, depth)} }}" for each in kind.types)
    found = []
    for name, each in kind.fields.items():
        inner = get_named_type(each.type)
        needed = [one for one, argument in each.args.items() if is_required_argument(argument) or one == "first"]
        given = [f"{one}: {ARGUMENTS[one]}" for one in needed]
        if name == "object":
            given = ['expression: "HEAD:a.txt"']
        arguments = f"({', '.join(given)})" if given else ""
        alias = f"{kind.name}_{name}: {name}{arguments}"
        if is_leaf_type(inner):
            found.append(alias)
        elif depth and name not in ("pullRequest", "edges"):
            found.append(f"{alias} {{ __typename {_fields(inner, depth - 1)} }}")
    if isinstance(kind, GraphQLInterfaceType) and kind.name == "GitObject":
        found.append("... on Blob { text byteSize isBinary } ... on Commit { message }")
    return " ".join(found) or "__typename"


def _timeline() -> str:
    """What happened to the first issue, of every kind."""
    items = "timelineItems(first: 50) { nodes { __typename } }"
    return f'{{ repository(owner: "octo", name: "widgets") {{ issue(number: 1) {{ {items} }} }} }}'


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        if "__typename" in value:
            yield value
        for each in value.values():
            yield from _walk(each)
    for each in value if isinstance(value, list) else ():
        yield from _walk(each)


def _members(schema: Any, union: str) -> Any:
    return schema.type_map[union].types


def test_the_mutations_do_what_their_names_say(full: Any) -> None:
    """An issue is created, placed, nested, commented, minimized, closed and opened again, all without REST."""
    repository, label = full("GET", R)["node_id"], full("GET", f"{R}/labels/bug")["node_id"]
    milestone, user = full("GET", f"{R}/milestones/1")["node_id"], full("GET", "/user")["node_id"]
    parent = full("GET", f"{R}/issues/1")["node_id"]
    fields = {"title": "New", "labelIds": [label], "milestoneId": milestone, "assigneeIds": [user]}
    made = _mutate(
        full, "createIssue", {"repositoryId": repository, "parentIssueId": parent, **fields}, "issue { id number }"
    )["issue"]
    subject = _mutate(full, "addComment", {"subjectId": made["id"], "body": "c"}, "commentEdge { node { id } }")
    comment = subject["commentEdge"]["node"]["id"]
    _mutate(full, "updateIssueComment", {"id": comment, "body": "d"}, "issueComment { body }")
    _mutate(full, "minimizeComment", {"subjectId": comment, "classifier": "OUTDATED"}, "clientMutationId")
    _mutate(full, "updateIssue", {"id": made["id"], "title": "Newer", "body": "b"}, "issue { id }")
    _mutate(full, "closeIssue", {"issueId": made["id"], "stateReason": "NOT_PLANNED"}, "issue { id }")

    issue = next(each for each in full.github.state()["issues"] if each["number"] == made["number"])
    kept = {"title": "Newer", "body": "b", "milestone": "M", "labels": ["bug"], "assignees": ["octocat"], "parent": 1}
    assert {**kept, "state": "closed", "state_reason": "not_planned"} == {
        name: issue[name] for name in (*kept, "state", "state_reason")
    }
    (written,) = [each for each in full.github.state()["comments"] if each["issue"] == made["number"]]
    assert ("d", "outdated") == (written["body"], written["minimized"])

    _mutate(full, "reopenIssue", {"issueId": made["id"]}, "issue { id }")
    _mutate(full, "unminimizeComment", {"subjectId": comment}, "clientMutationId")
    _mutate(full, "removeSubIssue", {"issueId": parent, "subIssueId": made["id"]}, "clientMutationId")
    _mutate(full, "addSubIssue", {"issueId": made["id"], "subIssueId": parent}, "clientMutationId")
    _mutate(full, "deleteIssueComment", {"id": comment}, "clientMutationId")
    issues = {each["number"]: each for each in full.github.state()["issues"]}
    assert ("open", "reopened", None, made["number"]) == (
        issues[made["number"]]["state"],
        issues[made["number"]]["state_reason"],
        issues[made["number"]]["parent"],
        issues[1]["parent"],
    )
    assert made["number"] not in [each["issue"] for each in full.github.state()["comments"]]


def _mutate(wire: Any, name: str, input: dict[str, Any], selection: str, token: str = "admin-token") -> Any:
    kind = name[0].upper() + name[1:]
    text = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {selection} }} }}"
    answer = wire.query(text, input=input, token=token)
    assert "errors" not in answer, answer
    return answer["data"][name]


@pytest.mark.parametrize(
    ("input", "kind", "said"),
    [
        ({"subjectId": "I_nobody", "body": "b"}, "NOT_FOUND", "global id of 'I_nobody'"),
        ({"subjectId": "ISSUE", "body": " "}, "UNPROCESSABLE", "Body can't be blank"),
        ({"subjectId": "ISSUE", "body": "b"}, "FORBIDDEN", "Resource not accessible by integration"),
    ],
)
def test_a_refused_mutation_has_a_type(input: dict[str, str], kind: str, said: str, full: Any) -> None:
    """As the REST operation refuses it; the field is null."""
    input = {**input, "subjectId": input["subjectId"].replace("ISSUE", full("GET", f"{R}/issues/1")["node_id"])}
    token = "read-token" if kind == "FORBIDDEN" else "admin-token"
    text = "mutation($input: AddCommentInput!) { addComment(input: $input) { clientMutationId } }"

    answer = full.query(text, input=input, token=token)

    assert {"addComment": None} == answer["data"]
    assert (kind, said) == (answer["errors"][0]["type"], answer["errors"][0]["message"][-len(said) :])


def test_a_mutation_counts_as_content(make_wire: Callable[..., Any]) -> None:
    """With one creation a minute the second is refused with 403 and `Retry-After`."""
    wire = make_wire({"issues": [{"title": "I"}]}, limits={"secondary_per_minute": 1})
    subject = wire("GET", f"{R}/issues/1")["node_id"]
    text = "mutation($i: AddCommentInput!) { addComment(input: $i) { clientMutationId } }"
    body = {"query": text, "variables": {"i": {"subjectId": subject, "body": "b"}}}

    first = wire.headers("POST", "/graphql", body=body)
    second = wire.headers("POST", "/graphql", body=body)

    assert [(200, None), (403, "60")] == [(status, headers.get("retry-after")) for status, headers in (first, second)]
    assert 1 == len(wire.github.state()["comments"])
    assert 2 == len(wire.github.journal.writes())


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("states: OPEN", [1, 2]),
        ('labels: ["BUG"]', [1]),
        ('filterBy: {createdBy: "mallory"}', [3]),
        ("filterBy: {assignee: null}", [2, 3]),
        ('filterBy: {assignee: "*"}', [1]),
        ('filterBy: {milestoneNumber: "1", states: CLOSED}', [3]),
        ("filterBy: {milestone: null}", [2]),
        ('filterBy: {since: "2026-02-01T00:00:00Z"}', [2]),
        ("orderBy: {field: UPDATED_AT, direction: DESC}", [2, 3, 1]),
    ],
)
def test_issues_are_filtered_as_asked(filters: str, expected: list[int], make_wire: Callable[..., Any]) -> None:
    """Each filter alone; a null that is given asks for issues without."""
    wire = make_wire(EVERYTHING)
    wire.github.clock.advance(40 * 86_400)
    wire("PATCH", f"{R}/issues/2", {"title": "Child, edited"})
    text = (
        f'{{ repository(owner: "octo", name: "widgets") {{ issues(first: 9, {filters}) {{ nodes {{ number }} }} }} }}'
    )

    assert expected == [each["number"] for each in wire.query(text)["data"]["repository"]["issues"]["nodes"]]


def test_pages_follow_each_other_in_both_directions(make_wire: Callable[..., Any]) -> None:
    """`after` goes on behind a cursor, `last` with `before` goes back; totals count everything."""
    wire = make_wire({"issues": [{"title": "I {n}", "repeat": 5}]})

    def page(arguments: str) -> Any:
        selection = "totalCount nodes { number } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        text = f'{{ repository(owner: "octo", name: "widgets") {{ issues({arguments}) {{ {selection} }} }} }}'
        return wire.query(text)["data"]["repository"]["issues"]

    first = page("first: 2")
    second = page(f'first: 2, after: "{first["pageInfo"]["endCursor"]}"')
    back = page(f'last: 1, before: "{second["pageInfo"]["startCursor"]}"')

    assert ([1, 2], [3, 4], [2]) == tuple([each["number"] for each in one["nodes"]] for one in (first, second, back))
    assert [(5, True, False), (5, True, True)] == [
        (one["totalCount"], one["pageInfo"]["hasNextPage"], one["pageInfo"]["hasPreviousPage"])
        for one in (first, second)
    ]


def test_one_missing_node_does_not_hide_the_others(full: Any) -> None:
    """It is null, with an error that names its place in the list."""
    issue = full("GET", f"{R}/issues/1")["node_id"]

    answer = full.query("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[issue, "nobody"])

    assert [{"id": issue}, None] == answer["data"]["nodes"]
    assert (["nodes", 1], "NOT_FOUND") == (answer["errors"][0]["path"], answer["errors"][0]["type"])


def test_a_field_that_github_lacks_is_a_mistake_of_the_query(wire: Any) -> None:
    """200 with GitHub's words and `undefinedField`; a mistake in the syntax is 200 too."""
    unknown = wire.query("{ viewer { shoeSize } }")
    broken = wire.query("{ viewer { ")

    assert "Field 'shoeSize' doesn't exist on type 'User'" == unknown["errors"][0]["message"]
    assert "undefinedField" == unknown["errors"][0]["extensions"]["code"]
    assert "data" not in broken


def test_graphql_has_a_budget_of_its_own(wire: Any) -> None:
    """`rateLimit` and the headers count queries, and REST counts without them."""
    wire("GET", R)
    wire("GET", R)

    rate = wire.query("{ rateLimit { limit remaining used nodeCount } }")["data"]["rateLimit"]
    status, headers = wire.headers("POST", "/graphql", body={"query": "{ viewer { login } }"})

    assert {"limit": 5000, "remaining": 4999, "used": 1, "nodeCount": 0} == rate
    assert (200, "graphql", "2") == (status, headers["x-ratelimit-resource"], headers["x-ratelimit-used"])
    assert {"core": 2, "graphql": 2} == {
        name: each["used"] for name, each in wire("GET", "/rate_limit")["resources"].items() if name != "search"
    }


def test_a_named_operation_is_chosen(wire: Any) -> None:
    """`operationName` picks one of two."""
    text = "query a { viewer { login } } query b { viewer { id } }"

    answer = wire("POST", "/graphql", {"query": text, "operationName": "a"})

    assert {"viewer": {"login": "octocat"}} == answer["data"]


@pytest.mark.parametrize("body", [None, {"query": 5}, {"variables": {}}, []])
def test_a_request_without_a_query_is_refused(body: Any, wire: Any) -> None:
    """400, in words that name what is missing."""
    status, answer = wire.status("POST", "/graphql", body)

    assert (400, True) == (status, "query" in answer["message"])


def test_a_private_repository_hides_what_the_token_may_not_read(make_wire: Callable[..., Any]) -> None:
    """FORBIDDEN for pull requests, branches and linked issues without the scope, NOT_FOUND for strangers."""
    tokens = {
        "read-token": {"login": "github-actions[bot]", "permissions": {"issues": "read"}},
        "pulls-token": {"login": "github-actions[bot]", "permissions": {"pull-requests": "read"}},
        "mallory-token": {"login": "mallory"},
    }
    seeded = {
        "milestones": [{"title": "M", "number": 1}],
        "issues": [{"title": "I", "number": 1}],
        "pulls": [{"title": "P", "number": 2, "head": "x", "milestone": 1, "body": "Closes #1"}],
    }
    wire = make_wire({"private": True, **seeded}, tokens=tokens)
    text = '{ repository(owner: "octo", name: "widgets") { pullRequests(first: 1) { totalCount } } }'

    types = [wire.query(text, token=token)["errors"][0]["type"] for token in ("read-token", "mallory-token")]

    assert ["FORBIDDEN", "NOT_FOUND"] == types
    for fields, token in (
        ('ref(qualifiedName: "refs/heads/main") { name }', "read-token"),
        ("milestone(number: 1) { pullRequests(first: 1) { nodes { number } } }", "read-token"),
        ("issueOrPullRequest(number: 1) { __typename }", "pulls-token"),
        ("pullRequest(number: 2) { closingIssuesReferences(first: 1) { nodes { number } } }", "pulls-token"),
    ):
        assert ["FORBIDDEN"] == [each["type"] for each in ask(wire, fields, token)]


def ask(wire: Any, fields: str, token: str = "admin-token") -> Any:
    """The part of the answer that is about the repository, or the errors."""
    text = f'{{ repository(owner: "octo", name: "widgets") {{ {fields} }} }}'
    answer = wire.query(text, token)
    return answer["data"]["repository"] if not answer.get("errors") else answer["errors"]


LAST = "pullRequest(number: 1) { commits(last: 1) { nodes { commit { %s } } } }"
PULLS = {"pulls": [{"title": "P", "head": "x", "number": 1}, {"title": "Q", "head": "x", "number": 2}]}


def test_graphql_shows_the_status_of_a_pull_requests_last_commit(make_wire: Callable[..., Any]) -> None:
    """The newest of the context, whoever wrote it; a private repository's only to who may read statuses."""
    tokens = {
        "admin-token": {"login": "octocat"},
        "blind": {"login": "github-actions[bot]", "permissions": {"pull-requests": "read"}},
    }
    wire = make_wire({**PULLS, "private": True}, tokens=tokens)
    fields = LAST % 'oid status { state context(name: "c") { state description } contexts { context } }'
    before = ask(wire, fields)["pullRequest"]["commits"]["nodes"][0]["commit"]
    for state in ("error", "success"):
        wire("POST", f"{R}/statuses/{before['oid']}", {"state": state, "context": "c", "description": state})

    after = ask(wire, fields)["pullRequest"]["commits"]["nodes"][0]["commit"]["status"]

    assert None is before["status"]
    assert ("SUCCESS", {"state": "SUCCESS", "description": "success"}) == (after["state"], after["context"])
    assert [{"context": "c"}] == after["contexts"]
    assert ["FORBIDDEN"] == [each["type"] for each in ask(wire, fields, "blind")]


def test_graphql_shows_the_pull_requests_with_one_head(make_wire: Callable[..., Any]) -> None:
    """Two from one branch."""
    found = ask(make_wire(PULLS), LAST % "associatedPullRequests(first: 5) { nodes { number headRefOid } }")

    (commit,) = found["pullRequest"]["commits"]["nodes"]
    assert [1, 2] == [each["number"] for each in commit["commit"]["associatedPullRequests"]["nodes"]]


def test_graphql_reads_a_file_of_the_default_branch(make_wire: Callable[..., Any]) -> None:
    """Whole, cut, or not at all."""
    wire = make_wire({"files": {"a.txt": "Hello", "large.txt": "x" * 512_001}})

    found = ask(
        wire,
        " ".join(
            f'{name}: object(expression: "HEAD:{path}") {{ ... on Blob {{ text isTruncated }} }}'
            for name, path in (("small", "a.txt"), ("large", "large.txt"), ("none", "none.txt"))
        ),
    )

    assert {"text": "Hello", "isTruncated": False} == found["small"]
    assert (512_000, True) == (len(found["large"]["text"]), found["large"]["isTruncated"])
    assert None is found["none"]


PAST = {
    "milestones": [
        {"title": "S 1", "state": "closed", "created_at": "2026-01-01T00:00:00Z", "closed_at": "2026-01-04T00:00:00Z"},
        {"title": "S 2"},
    ],
    "issues": [
        {
            "title": "Done",
            "milestone": 1,
            "state": "closed",
            "state_reason": "not_planned",
            "created_at": "2026-01-01T00:00:00Z",
            "closed_at": "2026-01-03T00:00:00Z",
        },
        {
            "title": "Moved",
            "milestone": 2,
            "created_at": "2026-01-01T00:00:00Z",
            "timeline": [
                {"event": "milestoned", "milestone": "S 1", "at": "2026-01-01T01:00:00Z", "actor": "mallory"},
                {"event": "demilestoned", "milestone": "S 1", "at": "2026-01-04T01:00:00Z"},
            ],
        },
    ],
    "pulls": [
        {"title": "P", "head": "p", "milestone": 2, "draft": True, "labels": ["l"], "assignees": ["octocat"]},
        {"title": "Q", "head": "q", "milestone": 2, "state": "closed", "body": "Fixes #2"},
    ],
}
MOVES = (
    "timelineItems(itemTypes: [MILESTONED_EVENT, DEMILESTONED_EVENT], first: 9) { totalCount nodes {"
    " ... on MilestonedEvent { createdAt milestoneTitle actor { login } }"
    " ... on DemilestonedEvent { createdAt milestoneTitle actor { login } } } }"
)


def test_a_seed_gives_milestones_and_issues_a_past(make_wire: Callable[..., Any]) -> None:
    """When they were made, moved and closed, and why; a closed pull request has no reason."""
    wire = make_wire(PAST)

    found = ask(
        wire,
        "milestone(number: 1) { closedAt creator { login } issues(first: 9, states: CLOSED) { totalCount nodes {"
        " createdAt closedAt updatedAt stateReason } } }"
        f" issue(number: 2) {{ updatedAt {MOVES} }}",
    )

    assert ("2026-01-04T00:00:00Z", "octo") == (
        found["milestone"]["closedAt"],
        found["milestone"]["creator"]["login"],
    )
    times = {name: f"2026-01-0{day}T00:00:00Z" for name, day in (("createdAt", 1), ("closedAt", 3), ("updatedAt", 3))}
    assert [{**times, "stateReason": "NOT_PLANNED"}] == found["milestone"]["issues"]["nodes"]
    assert [("2026-01-01T01:00:00Z", "S 1", "mallory"), ("2026-01-04T01:00:00Z", "S 1", "octo")] == [
        (each["createdAt"], each["milestoneTitle"], each["actor"]["login"])
        for each in found["issue"]["timelineItems"]["nodes"]
    ]
    assert "2026-01-04T01:00:00Z" == found["issue"]["updatedAt"]
    assert None is wire("GET", f"{R}/issues/4")["state_reason"]


def test_a_milestone_lists_its_pull_requests_by_state(make_wire: Callable[..., Any]) -> None:
    """With drafts, labels and assignees; an issue knows the open ones that close it, or all."""
    wire = make_wire(PAST)
    fields = (
        "totalCount nodes { number isDraft labels(first: 9) { nodes { name } } assignees(first: 9) { totalCount } }"
    )

    found = ask(
        wire,
        f"milestone(number: 2) {{ open: pullRequests(first: 9, states: OPEN) {{ {fields} }}"
        " closed: pullRequests(first: 9, states: CLOSED) { nodes { number } } }"
        " issue(number: 2) { open: closedByPullRequestsReferences(first: 9) { totalCount }"
        " all: closedByPullRequestsReferences(first: 9, includeClosedPrs: true) { totalCount } }",
    )

    (draft,) = found["milestone"]["open"]["nodes"]
    assert (3, True, ["l"], 1) == (
        draft["number"],
        draft["isDraft"],
        [each["name"] for each in draft["labels"]["nodes"]],
        draft["assignees"]["totalCount"],
    )
    assert [{"number": 4}] == found["milestone"]["closed"]["nodes"]
    assert (0, 1) == (found["issue"]["open"]["totalCount"], found["issue"]["all"]["totalCount"])


def test_every_step_of_an_item_moves_its_time(make_wire: Callable[..., Any]) -> None:
    """Into a milestone, out of it, closed, open again, and when its milestone is deleted: `since` finds it."""
    wire = make_wire(PAST)
    steps: list[tuple[str, str, Any]] = [
        ("PATCH", "/issues/2", {"milestone": None}),
        ("PATCH", "/issues/2", {"milestone": 2}),
        ("PATCH", "/issues/2", {"state": "closed"}),
        ("PATCH", "/issues/2", {"state": "open"}),
        ("DELETE", "/milestones/2", None),
    ]
    for method, path, body in steps:
        wire.github.clock.advance(60)
        since = wire.github.clock.now().isoformat()

        wire(method, f"{R}{path}", body)

        found = ask(wire, f'issues(first: 9, filterBy: {{since: "{since}"}}) {{ nodes {{ number }} }}')
        assert [{"number": 2}] == found["issues"]["nodes"], path


def test_a_pull_request_tells_where_it_was(make_wire: Callable[..., Any]) -> None:
    """It is moved like an issue; its timeline has the moves, and its commits before them."""
    wire = make_wire(PAST)
    wire("PATCH", f"{R}/issues/3", {"milestone": None})
    wire("DELETE", f"{R}/milestones/2")

    found = ask(
        wire,
        f"moved: pullRequest(number: 3) {{ {MOVES} }} left: pullRequest(number: 4) {{ {MOVES} }}"
        " all: pullRequest(number: 4) { timelineItems(first: 9) { nodes { __typename } } }",
    )

    assert [["S 2"], ["S 2"]] == [
        [each["milestoneTitle"] for each in found[name]["timelineItems"]["nodes"]] for name in ("moved", "left")
    ]
    assert ["PullRequestCommit", "DemilestonedEvent"] == [
        each["__typename"] for each in found["all"]["timelineItems"]["nodes"]
    ]
