"""The sync action as its users meet it: modes, refusals, permissions, pace, hostile texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from milepost.cli import main
from milepost.errors import ExitCode, Refused, Unusable
from milepost.simulator import Fault, Simulator

PLAN = "version: 1\nmilestones: [{title: M, issues: [{title: One}]}]"
MARKER = '<!-- milepost key="m/one" issue milestone=1 -->'
PULL = {"event": "pull_request", "payload": {"pull_request": {"number": 1}}}


def rules(outcome: Any) -> list[str]:
    """The rules of an outcome's diagnostics, in their order."""
    return [each.rule for each in outcome.diagnostics]


@pytest.mark.parametrize(
    ("context", "mode"),
    [
        ({"event": "push", "ref": "refs/heads/main"}, "apply"),
        ({"event": "schedule"}, "apply"),
        ({"event": "milestone"}, "apply"),
        ({"event": "push", "ref": "refs/heads/topic"}, "plan"),
        ({"event": "pull_request"}, "plan"),
        ({"event": "workflow_dispatch", "ref": "refs/heads/main"}, "plan"),
        ({}, "plan"),
    ],
)
def test_the_mode_follows_the_event_and_the_summary_begins_with_it(
    context: Mapping[str, Any], mode: str, bench: Any
) -> None:
    """Apply where a reviewed plan takes effect, plan everywhere else; the first line says which and why."""
    outcome = bench.sync(PLAN, "", context=context)

    assert outcome.summary.startswith(f"**{mode}** on `octo/widgets`: ")
    assert (mode == "apply") == bool(bench.github.state()["milestones"])


def test_drift_exits_with_no_and_writes_nothing(bench: Any) -> None:
    """Exit status 1 when GitHub differs from the plan, 0 when not."""
    differs = bench.sync(PLAN, "drift").exit_code
    writes = len(bench.github.journal.writes())
    bench.sync(PLAN)

    assert (ExitCode.NO, 0) == (differs, writes)
    assert ExitCode.DONE is bench.sync(PLAN, "drift").exit_code


@pytest.mark.parametrize(
    ("repository", "plan", "rule"),
    [
        ({"issues": [{"title": "One"}, {"title": "One"}]}, PLAN, "ambiguous-issue"),
        ({"milestones": [{"title": "m"}]}, PLAN, "case-twin"),
        ({}, "version: 1\nissues: [{title: A, number: 9}]", "unknown-number"),
        ({"pulls": [{"title": "P", "head": "x"}]}, "version: 1\nissues: [{title: A, number: 1}]", "unknown-number"),
        ({"fork": True}, PLAN, "fork"),
        (
            {"labels": [{"name": f"l{n}"} for n in range(11)]},
            "version: 1\nlabels: [" + ", ".join(f"{{name: l{n}, state: absent}}" for n in range(11)) + "]",
            "too-many-deletes",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_and_changes_nothing(
    repository: Mapping[str, Any], plan: str, rule: str, new_bench: Callable[..., Any]
) -> None:
    """An error names the way out, the exit status is 2, and not one request writes."""
    bench = new_bench(repository)

    outcome = bench.sync(plan)

    assert ([rule], ExitCode.UNUSABLE) == (rules(outcome), outcome.exit_code)
    assert outcome.diagnostics[0].help
    assert [] == bench.github.journal.writes()


def test_a_plan_for_another_repository_is_refused_before_anything_is_sent(bench: Any) -> None:
    """Not even a read: the plan file is judged first."""
    with pytest.raises(Unusable) as found:
        bench.sync("version: 1\nrepository: acme/other")

    assert ["wrong-repository"] == [each.rule for each in found.value.diagnostics]
    assert [] == list(bench.github.journal)


def test_a_malformed_plan_or_pace_sends_no_request(bench: Any) -> None:
    """Both are told in one go."""
    with pytest.raises(Unusable) as found:
        bench.sync("version: 1\nmilestons: []", pace="fast")

    assert ["unknown-key", "bad-input"] == [each.rule for each in found.value.diagnostics]
    assert [] == list(bench.github.journal)


def test_a_fork_is_written_to_when_told_so(new_bench: Callable[..., Any]) -> None:
    """`allow-fork: true`; and planning in a fork needs no word."""
    bench = new_bench({"fork": True})

    assert 0 == bench.sync(PLAN, "plan").exit_code
    assert 0 == bench.sync(PLAN, allow_fork=True).exit_code
    assert ["M"] == [each["title"] for each in bench.github.state()["milestones"]]


def test_a_token_that_may_only_read_is_told_which_permission_to_add(bench: Any) -> None:
    """Exit status 3, the request, and the line for `permissions:`."""
    outcome = bench.sync(PLAN, token="read-token")

    assert (ExitCode.REFUSED, "false") == (outcome.exit_code, outcome.outputs["complete"])
    assert ["no-permission"] == rules(outcome)
    assert "issues: write" in outcome.diagnostics[0].help
    assert "POST /milestones" in outcome.diagnostics[0].summary


@pytest.mark.parametrize(
    ("token", "repository", "rule"),
    [("unknown-token", {}, "bad-token"), ("mallory-token", {"private": True}, "not-found")],
)
def test_a_token_that_sees_nothing_is_refused(
    token: str, repository: Mapping[str, Any], rule: str, new_bench: Callable[..., Any]
) -> None:
    """A wrong token and a hidden repository are told apart, each with its way out."""
    with pytest.raises(Refused) as found:
        new_bench(repository).sync(PLAN, token=token)

    assert rule == found.value.diagnostic.rule
    assert found.value.diagnostic.help


def test_what_github_drops_silently_is_reported(bench: Any) -> None:
    """An assignee who cannot be assigned: a warning that names them and what it takes."""
    outcome = bench.sync("version: 1\nissues: [{title: A, assignees: [stranger]}]")

    assert ["dropped-field"] == rules(outcome)
    assert "stranger" in outcome.diagnostics[0].summary


def test_a_forged_marker_has_no_effect_beyond_a_warning(new_bench: Callable[..., Any]) -> None:
    """An outsider's issue with the key of a planned one is neither taken nor touched."""
    bench = new_bench({"issues": [{"title": "One", "author": "mallory", "body": f"Hi\n\n{MARKER}"}]})

    outcome = bench.sync(PLAN)

    forged, real = bench.github.state()["issues"]
    assert ["untrusted-marker"] == rules(outcome)
    assert (None, f"Hi\n\n{MARKER}") == (forged["milestone"], forged["body"])
    assert ("M", "github-actions[bot]") == (real["milestone"], real["author"])


def test_a_renamed_milestone_is_named_before_another_is_made(bench: Any) -> None:
    """Its key tells: the warning gives both ways to keep it."""
    bench.sync(PLAN)
    bench.request("PATCH", "/milestones/1", {"title": "Renamed"})

    outcome = bench.sync(PLAN, "plan")

    assert ["renamed-milestone"] == rules(outcome)
    assert "`was: M`" in outcome.diagnostics[0].help


def test_a_pull_request_keeps_one_comment(new_bench: Callable[..., Any]) -> None:
    """Created once, changed in place only when it changes; foreign comments with our marker do nothing."""
    planted = [
        {"author": "mallory", "body": "<!-- milepost:sync -->\nplanted"},
        *[{"body": f"c{n}"} for n in range(130)],
    ]
    bench = new_bench({"pulls": [{"title": "P", "head": "x", "comments": planted}]})

    first = bench.writes(lambda: bench.sync(PLAN, "", context=PULL))
    same = bench.writes(lambda: bench.sync(PLAN, "", context=PULL))
    changed = bench.writes(lambda: bench.sync(PLAN.replace("One", "Two"), "", context=PULL))

    comments = bench.github.state()["comments"]
    assert (1, 0, 1) == (first, same, changed)
    assert 132 == len(comments)
    assert ("mallory", "<!-- milepost:sync -->\nplanted") == (comments[0]["author"], comments[0]["body"])
    assert "`Two`" in comments[-1]["body"]
    assert [] == bench.github.state()["milestones"]


def test_a_pull_request_without_changes_gets_no_comment(new_bench: Callable[..., Any]) -> None:
    """Nothing to say, nothing said."""
    bench = new_bench({"pulls": [{"title": "P", "head": "x"}]})

    assert 0 == bench.writes(lambda: bench.sync("version: 1", "", context=PULL))


def test_without_the_permission_the_summary_says_that_no_comment_was_written(new_bench: Callable[..., Any]) -> None:
    """A fork's pull request has a read-only token: the plan is shown all the same, and the job passes."""
    bench = new_bench({"pulls": [{"title": "P", "head": "x"}]})

    outcome = bench.sync(PLAN, "", token="read-token", context=PULL)

    assert ExitCode.DONE is outcome.exit_code
    assert "No comment was written" in outcome.summary
    assert "2" == outcome.outputs["changes"]


def test_a_large_plan_keeps_githubs_limits_and_tells_its_forecast(new_bench: Callable[..., Any]) -> None:
    """1,100 writes: not one 403, never more than 80 a minute or 500 an hour."""
    bench = new_bench(limits={"primary_per_hour": 50_000})
    issues = "".join(f"      - {{title: I{n}}}\n" for n in range(1_099))

    outcome = bench.sync(f"version: 1\nmilestones:\n  - title: M\n    issues:\n{issues}", time_limit=600)

    assert "1,100 writes, about 2 hours" in bench.log
    assert "true" == outcome.outputs["complete"]
    assert [] == [each for each in bench.github.journal if each.status == 403]
    assert 1_100 == len(bench.github.journal.writes())


def test_the_forecast_is_said_in_minutes_too(bench: Any) -> None:
    """312 writes, about 6 minutes."""
    issues = "".join(f"  - {{title: I{n}}}\n" for n in range(312))

    bench.sync(f"version: 1\nissues:\n{issues}")

    assert "312 writes, about 6 minutes" in bench.log


def test_the_time_limit_stops_cleanly_and_the_next_run_goes_on(bench: Any) -> None:
    """`complete=false`, exit status 0, a word on what to press; then the rest is made, nothing twice."""
    issues = "".join(f"  - {{title: I{n}}}\n" for n in range(100))
    plan = f"version: 1\nissues:\n{issues}"

    first = bench.sync(plan, time_limit=1)
    second = bench.sync(plan)

    assert (ExitCode.DONE, "false") == (first.exit_code, first.outputs["complete"])
    assert 50 < int(first.outputs["created"]) < 70
    assert "Run the workflow again" in first.summary
    assert "true" == second.outputs["complete"]
    assert 100 == len({each["title"] for each in bench.github.state()["issues"]}) == len(bench.github.state()["issues"])


@pytest.mark.parametrize(
    ("workflows", "runs", "said", "dispatches"),
    [
        ([{"path": ".github/workflows/sync.yml", "dispatch_inputs": ["mode"]}], 0, "turn 1 of 12", 1),
        ([{"path": ".github/workflows/sync.yml", "dispatch_inputs": ["mode"]}], 12, "which is enough", 12),
        ([{"path": ".github/workflows/sync.yml", "dispatch_inputs": []}], 0, "an input `mode`", 0),
    ],
)
def test_an_unfinished_run_is_dispatched_again_but_not_for_ever(
    workflows: list[Any], runs: int, said: str, dispatches: int, new_bench: Callable[..., Any]
) -> None:
    """At most 12 times a day by our own login, and only where the workflow takes it."""
    run = {"workflow": ".github/workflows/sync.yml", "event": "workflow_dispatch", "actor": "github-actions[bot]"}
    bench = new_bench({"workflows": workflows, "runs": [run] * runs})
    context = {
        "event": "push",
        "ref": "refs/heads/main",
        "workflow_ref": "octo/widgets/.github/workflows/sync.yml@refs/heads/main",
    }
    issues = "".join(f"  - {{title: I{n}}}\n" for n in range(100))

    outcome = bench.sync(f"version: 1\nissues:\n{issues}", "", context=context, time_limit=1)

    assert said in outcome.summary
    assert dispatches == len(bench.github.state()["dispatches"])
    assert all(each["inputs"] == {"mode": "apply"} for each in bench.github.state()["dispatches"][runs:])


def test_a_refused_change_does_not_hold_up_the_others(bench: Any) -> None:
    """One issue is refused for its content; the other is made, and the exit status tells."""
    bench.github.faults.add(
        Fault(do="status", status=422, method="POST", path="/issues$", nth=1, body={"message": "Validation Failed"})
    )

    outcome = bench.sync("version: 1\nissues: [{title: A, key: a}, {title: B}, {title: C, parent: a}]")

    assert (ExitCode.REFUSED, "false") == (outcome.exit_code, outcome.outputs["complete"])
    assert ["rejected", "not-reached"] == [each.rule for each in outcome.diagnostics]
    assert ["B", "C"] == [each["title"] for each in bench.github.state()["issues"]]


def test_a_slow_secondary_limit_makes_the_run_slower_not_wrong(bench: Any) -> None:
    """Refused twice without a hint: it waits a minute and more, then writes with longer pauses."""
    bench.github.faults.add(Fault(do="secondary", method="POST", path="/issues$", times=2))
    issues = "".join(f"  - {{title: I{n}}}\n" for n in range(4))

    outcome = bench.sync(f"version: 1\nissues:\n{issues}")

    assert ExitCode.DONE is outcome.exit_code
    assert [60.0, 120.0] == [each for each in bench.clock.slept if each >= 60]
    assert 4 == len(bench.github.state()["issues"])


HOSTILE = [
    "::error::owned",
    "##[add-mask]x",
    "<img src=x onerror=alert(1)>",
    "@acme/everyone #1 GH-2",
    "`code` | pipe",
    "a\u202eb",
    "]]> --> <!-- x",
    "🚀" * 60,
    "${{ github.token }}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_data_everywhere(
    text: str, github: Simulator, tmp_path: Path, runner_files: Mapping[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """In log, summary, outputs and annotations a title is shown, and does nothing; the token is nowhere."""
    title = json.dumps(text, ensure_ascii=False)
    plan = f"version: 1\nlabels: [{{name: l, description: {title}}}]\nmilestones: [{{title: {title}, issues: [{{title: {title}, key: k, body: {title}}}]}}]"
    (tmp_path / "plan.yml").write_text(plan, encoding="utf-8")
    common = ["--plan", str(tmp_path / "plan.yml"), "--api-url", github.url, "--repository", "octo/widgets"]

    status = main(["sync", *common, "--token", "workflow-token", "--pace", "1000/s"])
    as_json = main(["sync", *common, "--token", "workflow-token", "--format", "json"])

    shown = capsys.readouterr()
    lines = (shown.out + shown.err).splitlines()
    summary = runner_files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    outputs = runner_files["GITHUB_OUTPUT"].read_text(encoding="utf-8")
    assert (0, 0) == (status, as_json)
    assert [] == [line for line in lines if line.lstrip().startswith("::") and "add-mask::workflow-token" not in line]
    assert not any("##[" in line for line in lines)
    assert "<img" not in summary.replace("`<img", "")
    assert "workflow-token" not in summary + outputs + "\n".join(line for line in lines if "add-mask" not in line)
    table = [line for line in summary.splitlines() if line.startswith("| `+`")]
    assert all(4 == line.replace("\\|", "").count("|") for line in table)


def test_a_bug_of_ours_is_told_with_its_traceback_and_without_the_token(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit status 70, a traceback, versions, a link to report it; the token in the message is hidden."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("with workflow-token inside")

    monkeypatch.setattr("milepost.actions.sync.read_snapshot", broken)
    (tmp_path / "plan.yml").write_text(PLAN, encoding="utf-8")
    command = [
        "sync",
        "--plan",
        str(tmp_path / "plan.yml"),
        "--api-url",
        bench.github.url,
        "--repository",
        "octo/widgets",
    ]

    status = main([*command, "--token", "workflow-token"])

    shown = capsys.readouterr().out
    assert ExitCode.BUG == status
    assert "ZeroDivisionError: with *** inside" in shown
    assert "issues/new" in shown
    assert "workflow-token" not in shown
