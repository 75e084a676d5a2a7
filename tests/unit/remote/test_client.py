"""The client's own decisions: what is repeated, how long is waited, what is told."""

from __future__ import annotations

from typing import Any

import pytest
from milepost.errors import Refused
from milepost.remote.client import MOST_TRIES, Unanswered
from milepost.remote.errors import OutOfTime
from milepost.simulator import Fault

NEEDS = "issues: write"


def test_a_read_gives_up_after_some_tries_and_says_how_to_go_on(bench: Any) -> None:
    """Six times 502, with growing pauses, then one refusal."""
    bench.github.faults.add(Fault(do="status", status=502, times=99))

    with pytest.raises(Refused) as found:
        bench.client().get("/milestones", needs=NEEDS)

    assert "unreachable" == found.value.diagnostic.rule
    assert MOST_TRIES == len(bench.github.journal)
    assert [1, 2, 4, 8, 16, 32] == bench.clock.slept


def test_what_is_not_implemented_is_not_asked_for_again(bench: Any) -> None:
    """501 is final."""
    bench.github.faults.add(Fault(do="status", status=501))

    with pytest.raises(Refused):
        bench.client().get("/milestones", needs=NEEDS)

    assert 1 == len(bench.github.journal)
    bench.github.journal.clear()


def test_the_wait_that_github_asks_for_is_kept(bench: Any) -> None:
    """`Retry-After` to the second; without it a minute, then two; the primary limit until its reset."""
    for fault in (Fault(do="secondary", retry_after=7), Fault(do="secondary", times=2), Fault(do="primary")):
        bench.github.faults.clear()
        bench.github.faults.add(fault)
        bench.client().get("/milestones", needs=NEEDS)

    assert [7.0, 60.0, 120.0, 60.0] == bench.clock.slept


def test_a_wait_beyond_the_time_limit_ends_the_run(bench: Any) -> None:
    """Before waiting, not after."""
    client = bench.client()
    client.deadline = bench.clock.now() + 30
    bench.github.faults.add(Fault(do="secondary", retry_after=31))

    with pytest.raises(OutOfTime) as found:
        client.get("/milestones", needs=NEEDS)

    assert ([], "rate-limited") == (bench.clock.slept, found.value.diagnostic.rule)


def test_a_page_of_a_proxy_is_no_answer(bench: Any) -> None:
    """HTML with status 200 is asked for again, and is never taken for data."""
    bench.github.faults.add(Fault(do="status", status=200, body=b"<html>Sign in</html>"))

    assert [] == bench.client().get("/milestones", needs=NEEDS)
    assert 2 == len(bench.github.journal)


@pytest.mark.parametrize(
    ("error", "rule", "requests"),
    [
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, None, 2),
        ({"message": "Something went wrong while executing your query."}, None, 2),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, "no-permission", 1),
        ({"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve"}, "not-found", 1),
        ({"message": "Field 'x' doesn't exist"}, "rejected", 1),
    ],
)
def test_errors_of_graphql_are_told_apart(error: dict[str, Any], rule: str | None, requests: int, bench: Any) -> None:
    """Limits and GitHub's own troubles are waited for; the others are refusals of their kind."""
    bench.github.faults.add(Fault(do="status", status=200, body={"data": None, "errors": [error]}))
    client = bench.client()

    if rule is None:
        assert {"viewer": {"login": "github-actions[bot]"}} == client.query("{ viewer { login } }", {}, needs=NEEDS)
    else:
        with pytest.raises(Refused) as found:
            client.query("{ viewer { login } }", {}, needs=NEEDS)
        assert rule == found.value.diagnostic.rule
    assert requests == len(bench.github.journal)


def test_what_is_gone_already_is_deleted(bench: Any) -> None:
    """404 to a DELETE is what was wanted; 403 is not."""
    bench.client().delete("/labels/none", needs=NEEDS)

    with pytest.raises(Refused):
        bench.client("read-token").delete("/labels/none", needs=NEEDS)


def test_a_creation_whose_object_exists_takes_that_object(bench: Any) -> None:
    """`already_exists` is looked up; one that stays invisible is told after some tries."""
    bench.request("POST", "/labels", {"name": "x"})
    client = bench.client()

    found = client.create("/labels", {"name": "x"}, lambda: client.find("/labels/x", needs=NEEDS), needs=NEEDS)
    with pytest.raises(Refused) as refused:
        client.create("/labels", {"name": "x"}, lambda: None, needs=NEEDS)

    assert "x" == found["name"]
    assert "exists, and does not show it" in refused.value.diagnostic.summary


def test_enterprise_server_addresses_work_as_they_are(bench: Any) -> None:
    """Below /api/v3, with GraphQL at /api/graphql, and links that stay there."""
    from milepost.remote.client import Access, connect

    access = Access(token="workflow-token", repository="octo/widgets", api_url=f"{bench.github.url}/api/v3")
    client = connect(access, log=print, clock=bench.clock)

    assert [] == client.get("/milestones", needs=NEEDS)
    assert "github-actions[bot]" == client.query("{ viewer { login } }", {}, needs=NEEDS)["viewer"]["login"]
    assert ["/api/v3/repos/octo/widgets/milestones", "/api/graphql"] == [each.path for each in bench.github.journal]


MUTATION = "mutation($input: AddCommentInput!) { addComment(input: $input) { clientMutationId } }"


@pytest.fixture
def subject(bench: Any) -> dict[str, Any]:
    """The input of a comment on an issue."""
    id = bench.request("POST", "/issues", {"title": "I"})["node_id"]
    bench.github.journal.clear()
    return {"input": {"subjectId": id, "body": "b", "clientMutationId": "c"}}


def test_a_mutation_is_sent_once_and_gives_its_data(bench: Any, subject: Any) -> None:
    """What GitHub answers, below the mutation's name."""
    assert {"addComment": {"clientMutationId": "c"}} == bench.client().mutate(MUTATION, subject, needs=NEEDS)
    assert 1 == len(bench.github.journal)


def test_a_mutation_waits_for_its_turn_and_for_limits(bench: Any, subject: Any) -> None:
    """It is a write: one a second, and one that a limit turned away is sent again, for it took no effect."""
    client = bench.client()
    client.mutate(MUTATION, subject, needs=NEEDS)
    bench.github.faults.add(Fault(do="secondary", retry_after=7))

    client.mutate(MUTATION, subject, needs=NEEDS)

    assert [1.0, 7.0] == bench.clock.slept[:2]
    assert 2 == len(bench.github.state()["comments"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do="drop"),
        Fault(do="drop", after=True),
        Fault(do="status", status=502),
        Fault(do="status", status=502, after=True),
        Fault(do="malformed", after=True),
        Fault(do="status", status=200, body={"errors": [{"message": "Something went wrong while executing"}]}),
    ],
    ids=lambda fault: f"{fault.do.value} {fault.after}",
)
def test_a_mutation_that_is_not_answered_is_not_repeated(fault: Fault, bench: Any, subject: Any) -> None:
    """Whether it took effect or not: the caller is told, and looks."""
    bench.github.faults.add(fault)

    with pytest.raises(Unanswered):
        bench.client().mutate(MUTATION, subject, needs=NEEDS)

    assert 1 == len(bench.github.journal)


@pytest.mark.parametrize(
    ("error", "rule", "status"),
    [
        ({"type": "STALE_DATA", "message": "Expected branch to point to"}, "rejected", 409),
        ({"message": f"Ref refs/heads/x is at {'a' * 40} but expected {'b' * 40}"}, "rejected", 409),
        ({"type": "UNPROCESSABLE", "message": "no"}, "rejected", 422),
        ({"type": "NOT_FOUND", "message": "no"}, "not-found", 404),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, "no-permission", 403),
    ],
)
def test_refusals_of_mutations_are_told_apart(
    error: dict[str, Any], rule: str, status: int, bench: Any, subject: Any
) -> None:
    """What has changed meanwhile has a status of its own, in both of GitHub's wordings."""
    bench.github.faults.add(Fault(do="status", status=200, body={"data": None, "errors": [error]}))

    with pytest.raises(Refused) as found:
        bench.client().mutate(MUTATION, subject, needs=NEEDS)

    assert (rule, status) == (found.value.diagnostic.rule, found.value.status)
    assert "refused a GraphQL mutation" in found.value.diagnostic.summary
