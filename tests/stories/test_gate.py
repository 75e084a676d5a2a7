"""The gate: a pull request, what GitHub holds, and the one commit status that says whether it may be merged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from milepost.errors import ExitCode, Unusable
from milepost.simulator import Fault

PULL = {"title": "Add it", "head": "topic", "number": 10, "author": "mallory", "body": "Closes #1"}
ISSUE = {"title": "Wanted", "number": 1, "milestone": 1, "assignees": ["mallory"]}
MILESTONE = {"title": "v1", "number": 1}
EVENT = {"pull_request": {"number": 10, "head": {"sha": "f" * 40}}}


def repository(pull: dict[str, Any] | None = None, policy: str = "", **more: Any) -> dict[str, Any]:
    """One pull request, one issue, one milestone, and a plan file with that policy."""
    plan = f"version: 1\npull-requests:\n{policy}" if policy else "version: 1\n"
    return {
        "milestones": [MILESTONE],
        "issues": [ISSUE],
        "pulls": [{**PULL, **(pull or {})}],
        "files": {".github/milepost.yml": plan},
        **more,
    }


def status(bench: Any, number: int = 10) -> tuple[str, str]:
    """State and description of the newest status at the head of the pull request."""
    pull = bench.request("GET", f"/pulls/{number}")
    found = bench.request("GET", f"/commits/{pull['head']['sha']}/statuses")
    return (found[0]["state"], found[0]["description"]) if found else ("", "")


def rules(outcome: Any) -> list[tuple[str, str]]:
    """Rule and severity of each finding, as the output tells them."""
    return [(each["rule"], each["severity"]) for each in json.loads(outcome.outputs["findings"])]


def test_a_planned_issue_passes(new_bench: Callable[..., Any]) -> None:
    """One success, no comment, and outputs that later steps can use."""
    bench = new_bench(repository())

    outcome = bench.gate("pull_request_target", EVENT)

    assert ("success", "linked to #1") == status(bench)
    assert ExitCode.DONE == outcome.exit_code
    assert ("success", '["octo/widgets#1"]', "v1", "[]") == tuple(
        outcome.outputs[name] for name in ("verdict", "issues", "milestone", "findings")
    )
    assert [] == bench.github.state()["comments"]
    assert "| `octo/widgets#1 Wanted` | `keyword, line 1` | `open` | `v1` | `mallory` |  |" in outcome.summary


@pytest.mark.parametrize(
    ("body", "more", "policy", "expected"),
    [
        (None, {}, "", [("linked", "error")]),
        ("", {}, "", [("linked", "error")]),
        (None, {}, "  rules: {linked: warn}", [("linked", "warning")]),
        (None, {}, "  rules: {linked: off}", []),
        ("Closes #99", {}, "", [("linked", "error")]),
        ("Closes #99999999999", {}, "", [("linked", "error")]),
        ("Closes #10", {}, "", [("linked", "error")]),
        ("Closes #1, closes #10", {}, "", [("linked", "warning")]),
        ("Refs #1", {}, "", [("linked", "error"), ("uncounted-link", "warning")]),
        ("Refs #1", {}, "  accept: reference", []),
        ("Blocked by #1", {}, "  accept: reference\n  keywords: [blocked by]", []),
        ("Closes #1", {"issues": [{**ISSUE, "state": "closed"}]}, "", [("open", "error")]),
        ("Closes #1", {"issues": [{**ISSUE, "state": "closed"}]}, "  rules: {open: warn}", [("open", "warning")]),
        ("Closes #1", {"issues": [{**ISSUE, "milestone": None}]}, "", [("milestone", "warning")]),
        ("Closes #1", {"issues": [{**ISSUE, "milestone": None}]}, "  rules: {milestone: off}", []),
        ("Closes #1", {"milestones": [{**MILESTONE, "state": "closed"}]}, "", [("milestone", "warning")]),
        ("Closes #1", {}, "  milestones: {allow: ['v*']}", []),
        ("Closes #1", {}, "  rules: {milestone: fail}\n  milestones: {allow: [w]}", [("milestone", "error")]),
        ("Closes #1", {}, "  milestones: {deny: ['v?']}", [("milestone", "warning")]),
        ("Closes #1", {}, "  rules: {assigned: any}", []),
        ("Closes #1", {}, "  rules: {assigned: author}", []),
        ("Closes #1", {"issues": [{**ISSUE, "assignees": []}]}, "  rules: {assigned: any}", [("assigned", "error")]),
        (
            "Closes #1",
            {"issues": [{**ISSUE, "assignees": ["bob"]}]},
            "  rules: {assigned: author}",
            [("assigned", "error")],
        ),
        ("Closes #1", {}, "  rules: {labels: fail}\n  required-labels: [ready]", [("labels", "error")]),
        (
            "Closes #1",
            {"issues": [{**ISSUE, "labels": ["Ready"]}]},
            "  rules: {labels: fail}\n  required-labels: [ready]",
            [],
        ),
        ("Does not close #1", {}, "", [("negated-link", "warning")]),
        ("Closes #1, #2", {}, "", [("uncounted-link", "warning")]),
    ],
)
def test_each_rule(
    body: str | None, more: dict[str, Any], policy: str, expected: list[tuple[str, str]], new_bench: Callable[..., Any]
) -> None:
    """What is found, how severe it is, and a status that fails exactly when something is an error."""
    bench = new_bench(repository({"body": body}, policy, **more))

    outcome = bench.gate("pull_request_target", EVENT)

    is_bad = any(severity == "error" for _, severity in expected)
    assert expected == rules(outcome)
    assert is_bad == (status(bench)[0] == "failure")
    assert is_bad == bool(bench.github.state()["comments"])
    assert ExitCode.DONE == outcome.exit_code


def test_a_closed_issue_beside_an_open_one_is_told_only(new_bench: Callable[..., Any]) -> None:
    """One open issue is enough; the other may have been closed by another pull request."""
    closed = {"title": "Done", "number": 2, "state": "closed", "state_reason": "not_planned"}
    bench = new_bench(repository({"body": "Closes #1, closes #2"}, issues=[ISSUE, closed]))

    outcome = bench.gate("pull_request_target", EVENT)

    assert [("open", "warning")] == rules(outcome)
    assert "#2 is closed (not planned" in json.loads(outcome.outputs["findings"])[0]["summary"]
    assert "success" == status(bench)[0]


def test_a_sidebar_link_counts_and_shows_its_source(new_bench: Callable[..., Any]) -> None:
    """On the default branch and on any other."""
    for base in ("main", "dev"):
        bench = new_bench(repository({"body": "", "sidebar_links": [1], "base": base}))

        outcome = bench.gate("pull_request_target", EVENT)

        assert ("success", []) == (status(bench)[0], rules(outcome))
        assert "`sidebar`" in outcome.summary


def test_on_another_base_the_description_decides(new_bench: Callable[..., Any]) -> None:
    """GitHub's graph is empty there; the issue counts, and merging is told not to close it."""
    bench = new_bench(repository({"base": "dev"}))

    outcome = bench.gate("pull_request_target", EVENT)

    assert ("success", [("not-closed-on-merge", "notice")]) == (status(bench)[0], rules(outcome))
    assert "`description, line 1`" in outcome.summary


@pytest.mark.parametrize("base", ["main", "dev"])
def test_two_claims_on_one_issue_are_told_with_both_numbers(base: str, new_bench: Callable[..., Any]) -> None:
    """Drafts count; nobody is accused for being the newer one; the team chooses whether it fails."""
    rival = {"title": "Mine", "head": "other", "number": 11, "author": "bob", "body": "fixes #1", "draft": True}
    held = repository({"base": base}, "  rules: {duplicate-claim: fail}")
    bench = new_bench({**held, "pulls": [*held["pulls"], rival]})

    outcome = bench.gate("pull_request_target", EVENT)

    (found,) = [each for each in json.loads(outcome.outputs["findings"]) if each["rule"] == "duplicate-claim"]
    assert ("error", "#1 is claimed by #10 and by #11 (a draft) by bob") == (found["severity"], found["summary"])
    assert "failure" == status(bench)[0]


def test_claims_on_other_bases_are_seen_from_another_base(new_bench: Callable[..., Any]) -> None:
    """The graph does not hold them; a scan of the open pull requests does."""
    rival = {"title": "Mine", "head": "other", "number": 11, "author": "bob", "body": "fixes #1", "base": "next"}
    held = repository({"base": "dev"})
    bench = new_bench({**held, "pulls": [*held["pulls"], rival]})

    outcome = bench.gate("pull_request_target", EVENT)

    assert ("duplicate-claim", "warning") in rules(outcome)


def test_more_claims_than_could_be_seen_are_unknown(new_bench: Callable[..., Any]) -> None:
    """Neither a pass nor an accusation: the own pull request is among 26, and not all are shown."""
    rivals = {"title": "Spam {n}", "head": "own", "body": "fixes #1", "repeat": 30, "state": "open"}
    held = repository(pull={"number": 200})
    bench = new_bench({**held, "pulls": [*held["pulls"], rivals]})

    outcome = bench.gate("pull_request_target", {"pull_request": {"number": 200}})

    assert "…" in outcome.summary
    assert ("duplicate-claim", "warning") in rules(outcome)


def beside(held: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """The repository of these tests, and another one."""
    return [{"full_name": "octo/widgets", "collaborators": {"octocat": "admin"}, **held}, other]


@pytest.mark.parametrize(
    ("word", "state", "severities"),
    [("pass", "success", []), ("warn", "success", ["warning"]), ("fail", "failure", ["error"])],
)
def test_an_issue_that_the_token_cannot_see(
    word: str, state: str, severities: list[str], new_bench: Callable[..., Any]
) -> None:
    """It is neither missing nor fine: the team says what it means, and the message names the token."""
    hidden = {"full_name": "octo/secret", "private": True, "issues": [{"title": "S", "number": 5}]}
    held = repository({"body": "Fixes octo/secret#5"}, f"  invisible: {word}")
    bench = new_bench(repositories=beside(held, hidden))

    outcome = bench.gate("pull_request_target", EVENT)

    assert state == status(bench)[0]
    assert [("invisible", each) for each in severities] == rules(outcome)
    assert all("`token`" in each["help"] for each in json.loads(outcome.outputs["findings"]))


@pytest.mark.parametrize(
    ("body", "expected"),
    [("Fixes octo/public#5", "open"), ("Fixes octo/public#6", "linked"), ("Fixes octo/public#7", "")],
)
def test_an_issue_of_another_repository_is_judged_like_any(
    body: str, expected: str, new_bench: Callable[..., Any]
) -> None:
    """When the token can see it; a number that is not there is missing, not invisible."""
    issues = [{"title": "S", "number": 5, "state": "closed"}, {"title": "T", "number": 7}]
    bench = new_bench(repositories=beside(repository({"body": body}), {"full_name": "octo/public", "issues": issues}))

    outcome = bench.gate("pull_request_target", EVENT)

    assert [(expected, "error")] * bool(expected) == [each for each in rules(outcome) if each[1] == "error"]


@pytest.mark.parametrize("policy", ["", "  repositories: [mallory/x]"])
def test_an_issue_of_somebody_elses_repository_links_only_where_the_team_says_so(
    policy: str, new_bench: Callable[..., Any]
) -> None:
    """Anybody may plan and assign the issues of a repository of their own; nobody sees one that is not there."""
    other = {"full_name": "mallory/x", "issues": [{"title": "Mine", "number": 1}]}
    for body, allowed in (("Closes mallory/x#1", "success"), ("Closes no/such#1", "failure")):
        bench = new_bench(repositories=beside(repository({"body": body}, policy), other))

        outcome = bench.gate("pull_request_target", EVENT)

        expected = allowed if policy else "failure"
        assert expected == status(bench)[0]
        assert expected == "success" or "does not count" in outcome.summary


@pytest.mark.parametrize(
    ("pull", "exempt", "is_exempt"),
    [
        ({"author": "dependabot[bot]"}, 'authors: ["dependabot[bot]"]', True),
        ({"author": "dependabot"}, 'authors: ["dependabot[bot]"]', False),
        ({"author": "Mallory"}, "authors: [mallory]", True),
        ({"labels": ["no-issue"]}, "labels: [No-Issue]", True),
        ({"head": "release/1"}, "branches: ['release/*']", True),
        ({"head": "release/1", "head_repository": "mallory/widgets"}, "branches: ['release/*']", False),
        ({"title": "dependabot[bot]", "head": "dependabot"}, 'authors: ["dependabot[bot]"]', False),
    ],
)
def test_exemptions_have_a_reason(
    pull: dict[str, Any], exempt: str, is_exempt: bool, new_bench: Callable[..., Any]
) -> None:
    """A success that says why; a fork's branch and a look-alike are not exempt."""
    bench = new_bench(repository({"body": "", **pull}, f"  exempt: {{{exempt}}}"))

    outcome = bench.gate("pull_request_target", EVENT)

    assert ("success" if is_exempt else "failure") == status(bench)[0]
    assert is_exempt == ("exempt" in outcome.text)


def test_a_draft_is_pending_and_has_no_comment(new_bench: Callable[..., Any]) -> None:
    """What is missing is told in the summary all the same."""
    bench = new_bench(repository({"body": "", "draft": True}))

    outcome = bench.gate("pull_request_target", EVENT)

    assert ("pending", "a draft; it is judged when it is ready for review") == status(bench)
    assert [("linked", "error")] == rules(outcome)
    assert [] == bench.github.state()["comments"]


@pytest.mark.parametrize("sibling", [{"base": "dev"}, {"labels": ["no-issue"], "body": ""}])
def test_pull_requests_with_one_head_share_the_worst_verdict(
    sibling: dict[str, Any], new_bench: Callable[..., Any]
) -> None:
    """An unlinked one does not turn green because another one, from the same branch, is right or exempt."""
    held = repository({"body": ""}, "  exempt: {labels: [no-issue]}")
    other = {**PULL, "number": 11, "body": "Closes #1", **sibling}
    bench = new_bench({**held, "pulls": [*held["pulls"], other]})

    outcome = bench.gate("pull_request_target", {"pull_request": {"number": 11}})
    shared = status(bench)
    bench.request("PATCH", "/pulls/10", {"state": "closed"})
    bench.gate("pull_request_target", EVENT)
    alone = status(bench)[0]
    bench.request("PATCH", "/pulls/10", {"state": "open"})
    bench.gate("pull_request_target", EVENT)
    again = status(bench)[0]
    bench.request("PATCH", "/pulls/10", {"body": "Closes #1"})
    bench.gate("pull_request_target", EVENT)

    assert ("failure", "#10 has the same head: #10 is linked to no issue") == shared
    assert ("shared-head", "error") == rules(outcome)[0]
    assert ("success", "failure", "success") == (alone, again, status(bench)[0])


def test_a_shared_keyword_is_no_claim(new_bench: Callable[..., Any]) -> None:
    """With `accept: reference` many may be part of one issue; only who closes it claims it."""
    policy = "  accept: reference\n  rules: {duplicate-claim: fail}"
    for base in ("main", "dev"):
        held = repository({"body": "Part of #1", "base": base}, policy)
        others = [
            {"title": "O", "head": f"o{number}", "number": number, "body": body, "base": base}
            for number, body in ((11, "Part of #1"), (12, "Closes #1"))
        ]
        bench = new_bench({**held, "pulls": [*held["pulls"], *others]})

        bench.gate("pull_request_target", EVENT)

        assert "success" == status(bench)[0]


def test_fixing_the_issue_turns_the_same_context_green_and_back(new_bench: Callable[..., Any]) -> None:
    """Fail on the pull request's event, mend the issue, and the issue's own event tells the same commit."""
    bench = new_bench(repository(policy="  rules: {milestone: fail}", issues=[{**ISSUE, "milestone": None}]))
    bench.gate("pull_request_target", EVENT)
    before = status(bench)[0]
    bench.request("PATCH", "/issues/1", {"milestone": 1})
    bench.gate("issues", {"action": "milestoned", "issue": {"number": 1}})
    mended, comments = status(bench)[0], bench.github.state()["comments"]
    bench.request("PATCH", "/milestones/1", {"state": "closed"})
    bench.gate("milestone", {"action": "closed", "milestone": {"number": 1}})

    (statuses,) = bench.github.state()["statuses"].values()
    assert ("failure", "success", "failure") == (before, mended, status(bench)[0])
    assert [] == comments
    assert ["milepost/gate"] * 3 == [each["context"] for each in statuses]


def test_an_event_of_an_issue_that_nobody_claims_costs_one_read(new_bench: Callable[..., Any]) -> None:
    """And no write."""
    bench = new_bench(repository({"body": "nothing"}))

    reads = bench.reads(lambda: bench.gate("issues", {"issue": {"number": 1}}))

    assert (1, []) == (reads, bench.github.journal.writes())


def test_a_deleted_issue_is_found_by_those_that_name_it(new_bench: Callable[..., Any]) -> None:
    """GitHub's graph has forgotten it; the descriptions have not."""
    bench = new_bench(repository({"body": "Closes #77"}))

    bench.gate("issues", {"action": "deleted", "issue": {"number": 77}})

    assert ("failure", "#77 on line 1 of the description does not exist") == status(bench)


def test_at_most_fifty_are_judged_and_the_rest_is_named(new_bench: Callable[..., Any]) -> None:
    """Sixty pull requests claim one issue."""
    many = {"title": "P {n}", "head": "topic", "body": "Closes #1", "repeat": 60}
    bench = new_bench({**repository(), "pulls": [many]})

    outcome = bench.gate("issues", {"issue": {"number": 1}})

    (found,) = [each for each in outcome.diagnostics if each.rule == "too-many-claims"]
    assert "10 pull requests not judged now: #52, #53" in found.summary
    assert 50 == outcome.text.count(": success, ")


def test_who_only_mentions_an_issue_does_not_push_out_who_claims_it(new_bench: Callable[..., Any]) -> None:
    """GitHub's own links come first among the fifty."""
    talk = {"title": "T {n}", "head": "talk", "body": "step #1 of a list", "repeat": 60}
    held = repository({"number": 5}, issues=[{**ISSUE, "state": "closed"}])
    bench = new_bench({**held, "pulls": [*held["pulls"], talk]})

    bench.gate("issues", {"action": "closed", "issue": {"number": 1}})

    assert "failure" == status(bench, 5)[0]


def test_a_deleted_milestone_is_noticed(new_bench: Callable[..., Any]) -> None:
    """Nobody knows any more what was in it, so every open pull request is judged."""
    bench = new_bench(repository(policy="  rules: {milestone: fail}"))
    bench.gate("pull_request_target", EVENT)
    before = status(bench)[0]
    bench.request("DELETE", "/milestones/1")

    bench.gate("milestone", {"action": "deleted", "milestone": {"number": 1}})

    assert ("success", "failure") == (before, status(bench)[0])


def test_an_event_that_touches_many_reads_the_open_pull_requests_once(new_bench: Callable[..., Any]) -> None:
    """Thirty into another branch: the event's own read, and two for each."""
    many = {"title": "P {n}", "head": "topic", "body": "Closes #1", "base": "dev", "repeat": 30}
    drafts = {**many, "draft": True}
    bench = new_bench({**repository(), "pulls": [drafts]})

    reads = bench.reads(lambda: bench.gate("issues", {"issue": {"number": 1}}))

    assert reads <= 1 + 2 * 30


def test_a_merge_queue_is_judged_at_the_groups_commit(new_bench: Callable[..., Any]) -> None:
    """The number is in the branch's name; the pull request's own head and its comments are left alone."""
    group = "c" * 40
    bench = new_bench({**repository({"body": ""}), "branches": {"gh-readonly-queue/main/pr-10-abc": group}})
    ref = f"refs/heads/gh-readonly-queue/main/pr-10-{'a' * 40}"

    bench.gate("merge_group", {"merge_group": {"head_ref": ref, "head_sha": group}})
    again = bench.writes(lambda: bench.gate("merge_group", {"merge_group": {"head_ref": ref, "head_sha": group}}))
    gone = bench.gate("merge_group", {"action": "destroyed", "merge_group": {"head_ref": ref, "head_sha": group}})

    assert ["failure"] == [each["state"] for each in bench.request("GET", f"/commits/{group}/statuses")]
    assert ("", "") == status(bench)
    assert (0, []) == (again, bench.github.state()["comments"])
    assert "gone" in gone.text


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("push", {}),
        ("", {}),
        ("workflow_dispatch", {"inputs": {"number": "10"}}),
        ("merge_group", {"merge_group": {"head_ref": "refs/heads/main", "head_sha": "a" * 40}}),
        ("issues", {"issue": {"number": "1"}}),
        ("milestone", {"milestone": None}),
    ],
)
def test_an_event_without_a_pull_request_is_told(event: str, payload: dict[str, Any], bench: Any) -> None:
    """Nothing is sent."""
    with pytest.raises(Unusable, match="names no pull request") as problem:
        bench.gate(event, payload)

    assert ["no-pull-request"] == [each.rule for each in problem.value.diagnostics]
    assert [] == list(bench.github.journal)


def test_by_hand_with_a_number(new_bench: Callable[..., Any]) -> None:
    """The input wins over the event; a closed one has nothing to judge; one that is not there is told."""
    bench = new_bench({**repository(), "pulls": [PULL, {**PULL, "number": 12, "state": "closed", "head": "other"}]})

    bench.gate("workflow_dispatch", {}, pull_request=10)
    closed = bench.gate("workflow_dispatch", {}, pull_request=12)
    missing = bench.gate("workflow_dispatch", {}, pull_request=13)

    assert "success" == status(bench)[0]
    assert "not open any more" in closed.text
    assert (ExitCode.REFUSED, "error") == (missing.exit_code, missing.outputs["verdict"])


def test_a_second_run_writes_nothing(new_bench: Callable[..., Any]) -> None:
    """Neither status nor comment, as long as nothing changed; a changed finding changes both in place."""
    bench = new_bench(repository({"body": ""}))
    bench.gate("pull_request_target", EVENT)

    again = bench.writes(lambda: bench.gate("pull_request_target", EVENT))
    bench.request("PATCH", "/pulls/10", {"body": "Closes #99"})
    changed = bench.writes(lambda: bench.gate("pull_request_target", EVENT))
    bench.request("PATCH", "/pulls/10", {"body": "Closes #1"})
    mended = bench.writes(lambda: bench.gate("pull_request_target", EVENT))

    assert (0, 2, 2) == (again, changed, mended)
    assert [] == bench.github.state()["comments"]


def test_no_comment_is_written_unless_wanted(new_bench: Callable[..., Any]) -> None:
    """`comment: false` leaves one write, the status."""
    bench = new_bench(repository({"body": ""}))

    assert 1 == bench.writes(lambda: bench.gate("pull_request_target", EVENT, comment=False))


@pytest.mark.parametrize(("body", "code"), [("", ExitCode.NO), ("Closes #1", ExitCode.DONE)])
def test_with_a_read_only_token_the_job_says_the_verdict(
    body: str, code: ExitCode, new_bench: Callable[..., Any]
) -> None:
    """As for pull requests of forks: one notice, and the same verdict as exit status."""
    bench = new_bench(repository({"body": body}))

    outcome = bench.gate("pull_request", EVENT, token="read-token")

    assert code == outcome.exit_code
    assert any(
        each.rule == "not-told" and "the job itself says the verdict" in each.summary for each in outcome.diagnostics
    )
    assert ("", "") == status(bench)


@pytest.mark.parametrize(
    ("on_error", "state", "code"), [("fail", "error", ExitCode.REFUSED), ("pass", "success", ExitCode.DONE)]
)
def test_an_outage_is_neither_a_pass_nor_a_failure(
    on_error: str, state: str, code: ExitCode, new_bench: Callable[..., Any]
) -> None:
    """Unless the team says that nobody is to be held up by it; the head is that of the event."""
    from milepost.actions.gate import OnError

    bench = new_bench(repository())
    head = bench.request("GET", "/pulls/10")["head"]["sha"]
    bench.github.faults.add(Fault(do="status", method="POST", path="/graphql", times=100))

    outcome = bench.gate(
        "pull_request_target", {"pull_request": {"number": 10, "head": {"sha": head}}}, on_error=OnError(on_error)
    )

    assert code == outcome.exit_code
    assert state == status(bench)[0]
    assert "could not be judged" in status(bench)[1]
    assert (on_error == "pass") == status(bench)[1].startswith("passed by `on-error`")


def test_an_outage_while_it_is_told_is_told(new_bench: Callable[..., Any]) -> None:
    """The status cannot be written, for no want of permission: the run fails, and says why."""
    bench = new_bench(repository())
    bench.github.faults.add(Fault(do="status", method="POST", path="/statuses/", times=100))

    outcome = bench.gate("pull_request_target", EVENT)

    assert (ExitCode.REFUSED, "error") == (outcome.exit_code, outcome.outputs["verdict"])
    assert ["unreachable"] == [each.rule for each in outcome.diagnostics]


def test_rules_that_cannot_be_read_are_told(new_bench: Callable[..., Any]) -> None:
    """An error of that section alone: what is wrong elsewhere in the plan holds up no pull request."""
    bad = new_bench(repository(policy="  rules: {linked: maybe}"))
    elsewhere = new_bench({**repository(), "files": {".github/milepost.yml": "version: 1\nmilestones: [{due: x}]\n"}})

    outcome = bad.gate("pull_request_target", EVENT)
    fine = elsewhere.gate("pull_request_target", EVENT)

    assert (ExitCode.UNUSABLE, "error") == (outcome.exit_code, status(bad)[0])
    assert ["unknown-value"] == [each.rule for each in outcome.diagnostics]
    assert "success" == fine.outputs["verdict"]


def test_without_a_plan_file_the_defaults_count(new_bench: Callable[..., Any]) -> None:
    """And a large plan file is read whole, with one more request."""
    none = new_bench({**repository({"body": ""}), "files": {}})
    large = f"version: 1\npull-requests:\n  rules: {{linked: off}}\n{'#' * 600_000}\n"
    much = new_bench({**repository({"body": ""}), "files": {".github/milepost.yml": large}})

    assert "failure" == none.gate("pull_request_target", EVENT).outputs["verdict"]
    assert "success" == much.gate("pull_request_target", EVENT).outputs["verdict"]


@pytest.mark.parametrize("links", [1, 10, 50])
@pytest.mark.parametrize("comments", [0, 150, 350])
def test_requests_do_not_grow_with_links(links: int, comments: int, new_bench: Callable[..., Any]) -> None:
    """Two reads at most, the plan file among them; one more for each further hundred comments when one must be found."""
    issues = [{**ISSUE, "number": number, "milestone": None} for number in range(1, links + 1)]
    body = ", ".join(f"closes #{number}" for number in range(1, links + 1))
    talk = [{"author": "bob", "body": f"text {number}"} for number in range(comments)]
    strict = "  rules: {milestone: fail}"
    bench = new_bench(repository({"body": body, "number": 900, "comments": talk}, strict, issues=issues))
    event = {"pull_request": {"number": 900}}

    failing = bench.reads(lambda: bench.gate("pull_request_target", event))
    writes = len(bench.github.journal.writes())
    again = bench.reads(lambda: bench.gate("pull_request_target", event))
    for number in range(1, links + 1):
        bench.request("PATCH", f"/issues/{number}", {"milestone": 1})
    mended = bench.reads(lambda: bench.gate("pull_request_target", event))
    passing = bench.reads(lambda: bench.gate("pull_request_target", event))

    further = comments // 100
    assert writes == 2
    assert failing <= 2 + further
    assert again <= 2 + further
    assert mended <= 2 + further
    assert passing <= 2
    assert [] == [each for each in bench.github.state()["comments"] if "milepost:gate" in each["body"]]


def test_references_that_github_has_not_linked_cost_one_read_more(new_bench: Callable[..., Any]) -> None:
    """Fifty on another base: the pull request, all the issues, and the open pull requests."""
    issues = [{**ISSUE, "number": number} for number in range(1, 51)]
    body = ", ".join(f"closes #{number}" for number in range(1, 51))
    bench = new_bench(repository({"body": body, "base": "dev", "number": 900}, issues=issues))

    reads = bench.reads(lambda: bench.gate("pull_request_target", {"pull_request": {"number": 900}}))

    assert 3 == reads
    assert "linked to #1, #2, #3 and 47 more" == status(bench, 900)[1]


@pytest.mark.parametrize("references", [101, 2000])
def test_a_wall_of_references_costs_one_read_more(references: int, new_bench: Callable[..., Any]) -> None:
    """A hundred are looked up; an exempt pull request has none looked up."""
    body = " ".join(f"fix #{number}" for number in range(1000, 1000 + references))
    policy = "  exempt: {authors: [bob]}"
    judged, exempt = (
        new_bench(repository({"body": body}, policy)),
        new_bench(repository({"body": body, "author": "bob"}, policy)),
    )

    assert 2 == judged.reads(lambda: judged.gate("pull_request_target", EVENT))
    assert 1 == exempt.reads(lambda: exempt.gate("pull_request_target", EVENT))
    assert ("failure", "success") == (status(judged)[0], status(exempt)[0])


def test_a_comment_far_down_goes_with_a_new_head(new_bench: Callable[..., Any]) -> None:
    """The new head has no status yet that could say whether there is a comment."""
    talk = [{"author": "bob", "body": f"text {number}"} for number in range(150)]
    bench = new_bench(repository({"body": "", "comments": talk}))
    bench.gate("pull_request_target", EVENT)
    for each in bench.github.state()["statuses"].values():
        assert ["failure"] == [one["state"] for one in each]
    bench.request("PATCH", "/pulls/10", {"body": "Closes #1"})
    bench.request("PUT", "/contents/new.txt", {"message": "m", "content": "eA==", "branch": "topic"})

    bench.gate("pull_request_target", EVENT)

    assert "success" == status(bench)[0]
    assert 150 == len(bench.github.state()["comments"])


def test_a_comment_that_cannot_be_written_is_told_and_no_more(make_github: Callable[..., Any], tmp_path: Any) -> None:
    """The status says the verdict; the job succeeds, and the summary has what the comment would say."""
    from milepost.actions import gate
    from milepost.remote.client import Access, connect
    from milepost.runner.context import Context
    from milepost.world import World

    permissions = {"contents": "read", "issues": "read", "pull-requests": "read", "statuses": "write"}
    tokens = {"t": {"login": "github-actions[bot]", "permissions": permissions}, "admin-token": {"login": "octocat"}}
    github = make_github(repository({"body": ""}), tokens=tokens)
    access = Access(token="t", repository="octo/widgets", api_url=github.url)
    world = World(
        context=Context(repository="octo/widgets", event="pull_request_target", payload=EVENT, server_url=github.url),
        now=datetime(2026, 1, 5, tzinfo=timezone.utc),
        log=print,
        client=connect(access, log=print),
    )

    outcome = gate.run(gate.Inputs(token="t"), world)

    (told,) = [each for each in outcome.diagnostics if each.rule == "not-told"]
    assert ExitCode.DONE == outcome.exit_code
    assert told.summary.startswith("the comment could not be written; the job summary has it")
    assert ["failure"] == [each["state"] for (each,) in github.state()["statuses"].values()]


HOSTILE = "@octocat](x) <img src=x> ::error::no %0A##[add-mask]no\n::set-output name=verdict::success `|` $(id) #2"


def test_hostile_names_stay_data(new_bench: Callable[..., Any]) -> None:
    """Titles, branches, logins and milestones mention nobody, inject nothing, and break no table."""
    title = HOSTILE.replace("\n", " ")
    bench = new_bench(
        repository(
            {"title": title, "head": "x-@octocat-`id`", "base": "dev-@octocat", "body": f"Closes #1\n{HOSTILE}"},
            "  rules: {milestone: fail}",
            milestones=[{"title": title, "number": 1, "state": "closed"}],
            issues=[{**ISSUE, "title": title}],
        )
    )

    outcome = bench.gate("pull_request_target", EVENT)

    (comment,) = bench.github.state()["comments"]
    for text in (comment["body"], outcome.summary):
        spans = text.replace("<!-- -->", "").count("@octocat")
        bare = [line for line in text.splitlines() if "@octocat" in _outside_code(line)]
        assert spans
        assert [] == bare
        assert "<img" not in _outside_code(text)
    assert all(not line.startswith("::") and "##[" not in line for line in outcome.text.splitlines())
    assert len(status(bench)[1]) <= 140
    assert "verdict" in outcome.outputs


def _outside_code(text: str) -> str:
    import re

    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_planted_markers_do_nothing(new_bench: Callable[..., Any]) -> None:
    """A stranger's comment that begins with our marker is neither edited nor deleted."""
    planted = {"author": "mallory", "body": "<!-- milepost:gate -->\nAll is well."}
    bench = new_bench(repository({"body": "", "comments": [planted]}))
    bench.gate("pull_request_target", EVENT)
    bench.request("PATCH", "/pulls/10", {"body": "Closes #1"})
    bench.gate("pull_request_target", EVENT)

    assert [planted["body"]] == [each["body"] for each in bench.github.state()["comments"]]


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "drop"},
        {"do": "drop", "after": True},
        {"do": "status", "status": 502, "after": True},
        {"do": "malformed", "after": True},
        {"do": "secondary", "retry_after": 61},
        {"do": "invisible", "after": True, "reads": 2},
    ],
    ids=str,
)
def test_a_fault_at_any_request_ends_in_the_same_state(fault: dict[str, Any], new_bench: Callable[..., Any]) -> None:
    """One status that fails and one comment; when the author mends it, one that succeeds and none."""
    for nth in range(1, 5):
        bench = new_bench(repository({"body": ""}))
        bench.github.faults.add({**fault, "nth": nth})

        _run_and_settle(bench)
        failing = (status(bench)[0], len(bench.github.state()["comments"]))
        bench.request("PATCH", "/pulls/10", {"body": "Closes #1"})
        bench.github.faults.add({**fault, "nth": nth})
        _run_and_settle(bench)

        assert ("failure", 1) == failing, f"request {nth}"
        assert ("success", 0) == (status(bench)[0], len(bench.github.state()["comments"])), f"request {nth}"


def _run_and_settle(bench: Any) -> None:
    """The disturbed run, two that may still read what is old, and one that finds everything."""
    for _ in range(4):
        bench.gate("pull_request_target", EVENT)
        bench.github.faults.clear()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("labels", "success"),
        ("comments", "success"),
        ("issue labels", "success"),
        ("assignees", "failure"),
        ("claims", "success"),
        ("author", "failure"),
        ("links", "failure"),
        ("viewer", "success"),
        ("commits", "success"),
    ],
)
def test_what_github_hides_is_no_traceback_and_no_pass(part: str, expected: str, new_bench: Callable[..., Any]) -> None:
    """Null members and connections, as GraphQL gives for what a token may not see, or what is gone."""
    bench = new_bench(repository(policy="  rules: {assigned: author, duplicate-claim: fail}"))
    bench.gate("pull_request_target", EVENT)
    text, variables = _pull_query()
    data = bench.client("gate-token").query(text, variables, needs="x")
    pull = data["repository"]["pullRequest"]
    issue = pull["closingIssuesReferences"]["nodes"][0]
    holes: dict[str, Callable[[], Any]] = {
        "labels": lambda: pull.update(labels=None),
        "comments": lambda: pull["comments"]["nodes"].append(None),
        "issue labels": lambda: issue["labels"]["nodes"].append(None),
        "assignees": lambda: issue["assignees"].update(nodes=[None]),
        "claims": lambda: issue.update(closedByPullRequestsReferences=None),
        "author": lambda: pull.update(author=None),
        "links": lambda: (pull.update(body=""), pull["closingIssuesReferences"].update(nodes=[None])),
        "viewer": lambda: data.update(viewer=None),
        "commits": lambda: pull["commits"].update(nodes=[None]),
    }
    holes[part]()
    bench.github.faults.add(Fault(do="status", status=200, path="/graphql", body={"data": data}))

    outcome = bench.gate("pull_request_target", EVENT)

    assert expected == outcome.outputs["verdict"]
    assert (part == "claims") == ("duplicate-claim" in [rule for rule, _ in rules(outcome)])


def _pull_query() -> tuple[str, dict[str, Any]]:
    from milepost.remote.pulls import PULL

    names = {"owner": "octo", "name": "widgets", "number": 10, "context": "milepost/gate"}
    return PULL, {**names, "plan": "HEAD:.github/milepost.yml", "group": "HEAD", "isGroup": False}
