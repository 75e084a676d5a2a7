"""Progress: what GitHub holds and remembers, the report that people read, and what is written of it, once."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import ceil
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from milepost import notify
from milepost.errors import ExitCode, Unusable
from milepost.simulator import Fault

NOW = datetime(2027, 2, 20, 9, tzinfo=timezone.utc)
TODAY = NOW.date()
GOLDEN = Path(__file__).parent / "progress"
SCHEMA = Path(__file__).parents[2] / "scripts" / "milepost" / "views" / "progress.schema.json"
HOSTILE = 'v2.9-beta: <b>AMP</b> | `x` @octocat #1 %%{init}%% ::error::x ##[add-mask]y ]( "q"'
REMIND = "version: 1\nprogress: {report: true, remind: [7d, 3d, 1d, due, overdue]}\n"
HISTORY = "version: 1\nhistory: branch\n"


# A milestone that somebody is to be reminded of.
SMALL: dict[str, Any] = {
    "milestones": [{"number": 1, "title": "v1", "due_on": "2027-02-27T12:00:00Z"}],
    "issues": [{"title": "T", "milestone": 1, "assignees": ["amy"]}, {"title": "D", "milestone": 1, "state": "closed"}],
    "pulls": [],
}


def iso(days_ago: float) -> str:
    """The moment so many days before now, as GitHub writes it."""
    return (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def milestone(number: int, title: str, due_in: int | None, **more: Any) -> dict[str, Any]:
    """A milestone of ten weeks ago."""
    due = {"due_on": f"{TODAY + timedelta(days=due_in)}T12:00:00Z"} if due_in is not None else {}
    return {"number": number, "title": title, "created_at": iso(70), **due, **more}


def issues(milestone: int, completed: int, remaining: int, **more: Any) -> list[dict[str, Any]]:
    """The completed ones one after the other over eight weeks, then the open ones."""
    made = {"milestone": milestone, "created_at": iso(69), **more}
    done = [
        {**made, "title": f"Done {turn}", "state": "closed", "closed_at": iso(56 - 55 * turn / completed)}
        for turn in range(1, completed + 1)
    ]
    return [*done, *({**made, "title": f"Open {turn}"} for turn in range(1, remaining + 1))]


def repository(**more: Any) -> dict[str, Any]:
    """One milestone that is on track, one that is late with a hostile title, one without issues, and an issue without one."""
    return {
        "milestones": [milestone(1, "v2.9-alpha", 28), milestone(2, HOSTILE, 7), milestone(3, "数据管道", None)],
        "issues": [
            *issues(1, 24, 6, assignees=["hubot"]),
            *issues(2, 8, 20),
            {
                "title": "Dropped",
                "milestone": 1,
                "state": "closed",
                "state_reason": "not_planned",
                "created_at": iso(60),
            },
            {"title": "<img src=x> @octocat", "created_at": iso(3)},
        ],
        "pulls": [
            {
                "title": "Fix",
                "head": "fix",
                "author": "hubot",
                "body": "Closes #25",
                "milestone": 1,
                "created_at": iso(2),
            },
            {"title": "Fix, too", "head": "fix2", "author": "octocat", "body": "Closes #25", "created_at": iso(2)},
        ],
        **more,
    }


@pytest.fixture
def make(new_bench: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the repository on the day of these stories."""

    def made(**more: Any) -> Any:
        limits = {"primary_per_hour": 100_000}
        return new_bench(repository(**more), clock=NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), limits=limits)

    return made


def report_of(outcome: Any) -> dict[str, Any]:
    """The JSON of the report, which keeps to its schema."""
    report: dict[str, Any] = json.loads(outcome.outputs["report"])
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [] == [each.message for each in validator.iter_errors(report)]
    assert report == outcome.data["progress"]
    return report


def concerns(outcome: Any) -> list[tuple[str, int | None]]:
    """What is to be looked at, with the issue's number."""
    return [(each["concern"], each["issue"]) for each in report_of(outcome)["attention"]]


def report_issue(bench: Any) -> dict[str, Any]:
    """The one open report issue."""
    (found,) = [
        each
        for each in bench.github.state()["issues"]
        if "milepost-report" in each["labels"] and each["state"] == "open"
    ]
    return dict(found)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_summary_is_as_it_was_looked_at(language: str, make: Callable[..., Any]) -> None:
    """Byte for byte, with hostile titles, in both languages."""
    outcome = make().progress(f"version: 1\nlanguage: {language}\n")

    assert (GOLDEN / f"{language}.md").read_text(encoding="utf-8") == outcome.summary
    assert (GOLDEN / f"{language}.txt").read_text(encoding="utf-8") == outcome.text


def test_no_plan_file_is_needed_and_a_read_only_token_is_enough(make: Callable[..., Any]) -> None:
    """Nothing is written; pull requests and dropped issues do not count."""
    bench = make()

    writes = bench.writes(lambda: bench.progress(token="read-token", event=""))
    report = report_of(bench.progress(token="read-token", event=""))

    first = {each["number"]: each for each in report["milestones"]}[1]
    assert 0 == writes
    assert (30, 24, 6, 1) == tuple(first[each] for each in ("scope", "completed", "remaining", "open-pull-requests"))
    assert ["late", "on track", "no data"] == [each["verdict"] for each in report["milestones"]]
    assert "unlikely" == report["milestones"][0]["reason"]


def test_a_private_repository_is_reported_with_few_permissions(make: Callable[..., Any]) -> None:
    """Without `pull-requests: read` and `actions: read` the report says what it did not look at."""
    bench = make(private=True)

    outcome = bench.progress(token="read-token", event="")

    assert 3 == len(report_of(outcome)["milestones"])
    assert "`pull-requests: read`" in outcome.text
    assert "`actions: read`" in outcome.text


def test_without_any_plan_file_the_defaults_count(make: Callable[..., Any]) -> None:
    """At the usual place; one that is named must be there."""
    outcome = make().progress(None)

    assert ExitCode.DONE is outcome.exit_code
    assert 3 == len(report_of(outcome)["milestones"])


@pytest.mark.parametrize("ignored", [False, True])
def test_what_stands_out_is_told_unless_it_is_ignored(ignored: bool, make: Callable[..., Any]) -> None:
    """Two claims on one issue, a blocked one, one without milestone, a silent schedule, unassigned ones."""
    runs = [
        {"workflow": ".github/workflows/nightly.yml", "event": "schedule", "created_at": iso(days)}
        for days in (20, 21, 22)
    ]
    workflow = {"path": ".github/workflows/nightly.yml", "name": "nightly", "state": "disabled_inactivity"}
    blocked = {"title": "Blocked", "number": 900, "milestone": 1, "blocked_by": [25], "created_at": iso(5)}
    held = repository()
    bench = make(runs=runs, workflows=[workflow], issues=[*held["issues"], blocked])
    names = "stale, unassigned, blocked, shared, no-milestone, schedule" if ignored else ""

    outcome = bench.progress(f"version: 1\nprogress: {{ignore: [{names}]}}\n")

    expected = {"stale", "unassigned", "blocked", "shared", "no-milestone", "schedule"}
    found = concerns(outcome)
    assert (set() if ignored else expected) == {concern for concern, _ in found}
    assert ignored or {("stale", 25), ("blocked", 900), ("shared", 25)} <= set(found)
    assert ignored == ("is switched off; its schedule last ran 20 days ago" not in outcome.summary)


def test_points_are_counted_by_size_labels(make: Callable[..., Any]) -> None:
    """Of open and of completed issues."""
    sized = [
        {"title": "S", "milestone": 3, "labels": ["Size/2.5"]},
        {"title": "D", "milestone": 3, "labels": ["size/3"], "state": "closed"},
    ]
    bench = make(issues=sized, pulls=[])

    outcome = bench.progress('version: 1\nsize-labels: "size/{points}"\n')

    found = {each["number"]: each for each in report_of(outcome)["milestones"]}[3]
    assert ("5.5", "3") == (found["points"], found["completed-points"])
    assert "3 of 5.5 points" in outcome.text


def test_the_past_is_rebuilt_from_events_as_far_as_reads_allow(make: Callable[..., Any]) -> None:
    """An issue that left is part of the past; with few reads the report says from which day it is exact."""
    moved = {
        "title": "Moved",
        "created_at": iso(60),
        "timeline": [
            {"event": "milestoned", "milestone": "v2.9-alpha", "at": iso(60)},
            {"event": "demilestoned", "milestone": "v2.9-alpha", "at": iso(30)},
        ],
    }
    noise = [{"title": "N", "created_at": iso(50), "timeline": [{"event": "closed", "at": iso(10)}] * 150}]
    bench = make(issues=[*repository()["issues"], moved, *noise])

    whole = report_of(bench.progress())
    short = report_of(bench.progress(max_reads=1))
    none = report_of(bench.progress(max_reads=0))

    weeks = whole["milestones"][1]["weeks"]
    assert -1 == sum(each["growth"] for each in weeks)
    assert str(TODAY - timedelta(days=84)) == whole["exact-from"]
    assert str(TODAY - timedelta(days=9)) == short["exact-from"]
    assert str(TODAY) == none["exact-from"]
    assert 0 == sum(each["growth"] for each in none["milestones"][1]["weeks"])


def test_a_day_has_one_line_and_the_second_run_writes_nothing(make: Callable[..., Any]) -> None:
    """The first run also keeps what it rebuilt, so that later ones need no events."""
    bench = make()
    bench.progress(HISTORY)
    reads = bench.reads(lambda: bench.progress(HISTORY))

    writes = bench.writes(lambda: bench.progress(HISTORY))
    bench.github.clock.advance(86_400)
    next_day = bench.writes(lambda: bench.progress(HISTORY))

    files = {path: text for path, text in lines_of(bench).items() if path.startswith("progress/")}
    assert ["progress/2027/02.jsonl", "progress/2027/past.jsonl"] == sorted(files)
    assert [
        '{"day":"2027-02-20","milestones":{"1":[30,24],"2":[28,8]}}',
        '{"day":"2027-02-21","milestones":{"1":[30,24],"2":[28,8]}}',
    ] == files["progress/2027/02.jsonl"].splitlines()
    assert all('"rebuilt":true' in line for line in files["progress/2027/past.jsonl"].splitlines())
    assert (0, 1) == (writes, next_day)
    assert reads <= ceil(61 / 100) + 4


def lines_of(bench: Any) -> Mapping[str, str]:
    """The files of the data branch."""
    found: Mapping[str, str] = bench.github.state()["branches"]["milepost-data"]
    return found


def test_lines_survive_a_new_name_and_a_new_year(make: Callable[..., Any]) -> None:
    """A milestone is known by its number; the first line of a year takes the weeks before along."""
    line = '{"day":"2026-12-%02d","milestones":{"1":[20,%d]}}\n'
    before = "".join(line % (day, day // 3) for day in range(1, 32))
    bench = make(branches={"milepost-data": {"progress/2026/12.jsonl": before}})
    bench.request("PATCH", "/milestones/1", {"title": "Renamed"})

    outcome = bench.progress(HISTORY)

    found = {each["number"]: each for each in report_of(outcome)["milestones"]}[1]
    assert "Renamed" == found["title"]
    assert "2026-12-01" == report_of(outcome)["exact-from"]
    past = lines_of(bench)["progress/2027/past.jsonl"].splitlines()
    assert ("2026-12-01", "2026-12-31") == tuple(json.loads(past[index])["day"] for index in (0, -1))


def test_reads_stay_within_what_is_promised(new_bench: Callable[..., Any]) -> None:
    """With history: a read for each hundred items, and four more."""
    held = [milestone(number, f"M{number}", 30) for number in range(1, 41)]
    items = [one for number in range(1, 41) for one in issues(number, 12, 8)]
    bench = new_bench({"milestones": held, "issues": items}, clock=NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
    bench.progress(HISTORY)

    reads = bench.reads(lambda: bench.progress(HISTORY))

    assert reads <= ceil(len(items) / 100) + 4


def test_a_sprint_is_judged_by_its_cadence_and_its_records(make: Callable[..., Any]) -> None:
    """Closed sprints tell the pace; an issue that two of them handed on is told."""
    block = "```milepost\nsprint key=team/%d start=%s due=%s\n```"

    def sprint(number: int, begin: int, **more: Any) -> dict[str, Any]:
        start, due = TODAY - timedelta(days=begin), TODAY - timedelta(days=begin - 13)
        text = block % (number, start, due)
        return {
            "number": number,
            "title": f"Sprint {number}",
            "description": text,
            "due_on": f"{due}T12:00:00Z",
            "created_at": iso(60),
            **more,
        }

    done = [
        {
            "title": "D",
            "milestone": number,
            "state": "closed",
            "created_at": iso(50),
            "closed_at": iso(begin - 5 - turn),
        }
        for number, begin in ((1, 33), (2, 19))
        for turn in range(6)
    ]
    carried = {"title": "Carried", "number": 500, "milestone": 3, "created_at": iso(50)}
    record = {
        "schema": "milepost.closed/1",
        "cadence": "team",
        "number": 2,
        "start": "2027-02-01",
        "due": "2027-02-14",
        "milestone": 2,
        "frozen": "2027-02-15",
        "reconstructed": False,
        "planned": [],
        "sizes": {},
        "added": [],
        "removed": [],
        "completed": [],
        "dropped": [],
        "points": {},
        "carried": [{"number": 500, "kind": "issue", "to": "next", "milestone": "Sprint 3", "carries": 2}],
    }
    bench = make(
        milestones=[sprint(1, 33, state="closed"), sprint(2, 19, state="closed"), sprint(3, 5)],
        issues=[*done, carried],
        pulls=[],
        branches={"milepost-data": {"sprints/team/2/closed.json": json.dumps(record)}},
    )

    report = report_of(bench.progress(HISTORY))

    (found,) = report["milestones"]
    assert (3, 12) == (found["number"], sum(each["completed"] for each in found["weeks"]))
    assert found["p85"] is not None
    again = report_of(bench.progress(HISTORY))["milestones"][0]
    assert found["weeks"] == again["weeks"]
    assert ("carried", 500) in [(each["concern"], each["issue"]) for each in report["attention"]]


def test_the_report_issue_is_one_and_is_left_alone_while_nothing_changes(make: Callable[..., Any]) -> None:
    """Created once, updated in place, opened again when somebody closed it; without a label it is found all the same."""
    bench = make()
    plan = "version: 1\nprogress: {report: true}\n"

    first = bench.writes(lambda: bench.progress(plan))
    same = bench.writes(lambda: bench.progress(plan))
    number = report_issue(bench)["number"]
    bench.request("PATCH", f"/issues/{number}", {"labels": []})
    bench.progress(plan)
    bench.request("PATCH", f"/issues/{number}", {"state": "closed"})
    bench.progress(plan)
    bench.request(
        "POST", "/issues", {"title": "Fake", "labels": ["milepost-report"], "body": "<!-- milepost:progress -->"}
    )

    bench.progress(plan)  # which tells of one more issue without milestone

    assert (1, 0) == (first, same)
    assert 0 == bench.writes(lambda: bench.progress(plan))
    own = [each for each in bench.github.state()["issues"] if each["author"] == "github-actions[bot]"]
    assert [(number, "open", ["milepost-report"])] == [(each["number"], each["state"], each["labels"]) for each in own]


def test_a_twin_of_the_report_issue_is_closed(make: Callable[..., Any]) -> None:
    """Two runs that met may have made two; the older one stays."""
    bench = make()
    bench.progress(REMIND)
    twin = {"title": "Progress report", "labels": ["milepost-report"], "body": "<!-- milepost:progress -->"}
    number = bench.request("POST", "/issues", twin, token="workflow-token")["number"]

    bench.progress(REMIND)

    assert report_issue(bench)["number"] < number


def test_the_report_and_reminders_refer_to_no_issue(make: Callable[..., Any]) -> None:
    """A mention would count as activity of the issue, and nothing would ever be stale; and titles mention nobody."""
    bench = make()

    bench.progress(REMIND)

    texts = [report_issue(bench)["body"], *(each["body"] for each in bench.github.state()["comments"])]
    assert 2 == len(texts)
    for text in texts:
        plain = re.sub(r"```.*?```|(`+).*?\1|&#[0-9]+;", "", text, flags=re.DOTALL)
        assert "../issues/" in plain
        assert [] == re.findall(r"#[0-9]|@\w|https?://", plain)


def test_reminders_mention_everybody_once_a_day(make: Callable[..., Any]) -> None:
    """The intent stands in the issue before the comment; the next one minimises the last."""
    bench = make(issues=[*issues(1, 24, 6, assignees=["hubot"]), *issues(2, 8, 3, assignees=["amy"])])

    bench.progress(REMIND)
    again = bench.writes(lambda: bench.progress(REMIND))
    bench.github.clock.advance(4 * 86_400)
    bench.progress(REMIND)

    comments = bench.github.state()["comments"]
    assert 0 == again
    assert [("2027-02-20", True), ("2027-02-24", False)] == [
        (each["body"].split()[2], each["minimized"] is not None) for each in comments
    ]
    assert "is due in 7 days" in comments[0]["body"]
    assert "- @amy: [`#" in comments[0]["body"]
    assert "reminded=2027-02-24" in report_issue(bench)["body"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_end_at_any_request_never_doubles_a_reminder(
    when: str, make: Callable[..., Any], killed_at: Callable[..., Any]
) -> None:
    """One may be lost; the report and the day's line are there after the next run."""
    plan = REMIND.replace("version: 1", "version: 1\nhistory: branch")
    bench = make(**SMALL)
    start = bench.github.snapshot()
    bench.progress(plan)
    requests = len(bench.github.journal)
    assert requests > 10
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        with killed_at(nth, when):
            bench.progress(plan)
        bench.github.clock.advance(60)

        bench.progress(plan)

        assert len(bench.github.state()["comments"]) <= 1, f"{when} request {nth}"
        assert report_issue(bench)["number"]
        assert 1 == lines_of(bench)["progress/2027/02.jsonl"].count("\n")
        assert 0 == bench.writes(lambda: bench.progress(plan))


@pytest.mark.parametrize("fault", ["drop", "502"])
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_never_doubles_a_reminder(fault: str, after: bool, make: Callable[..., Any]) -> None:
    """The comment is sent once; what came of it is looked up, and told when nobody knows."""
    bench = make(**SMALL)
    bench.progress("version: 1\nprogress: {report: true}\n")
    start = bench.github.snapshot()
    bench.github.journal.clear()
    bench.progress(REMIND)
    requests = len(bench.github.journal)
    for nth in range(1, requests + 1):
        bench.github.restore(start)
        bench.github.faults.clear()
        bench.github.faults.add(
            Fault(do="drop", nth=nth, after=after)
            if fault == "drop"
            else Fault(do="status", status=502, nth=nth, after=after)
        )
        outcome = bench.progress(REMIND)
        bench.github.faults.clear()
        bench.progress(REMIND)

        comments = bench.github.state()["comments"]
        lost = [each.rule for each in outcome.diagnostics if each.rule == "reminder-lost"]
        assert 1 == len(comments) + len(lost), f"{fault} at request {nth}"


def test_two_runs_at_once_remind_once(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run writes its intent between our reading and our writing."""
    from milepost.actions import progress

    bench = make()
    bench.progress("version: 1\nprogress: {report: true}\n")
    real, seen = progress.read_body, []

    def overtaken(*arguments: Any) -> str:
        if not seen:
            seen.append(1)
            bench.progress(REMIND, context={"run_id": "other"})
        return real(*arguments)

    monkeypatch.setattr(progress, "read_body", overtaken)
    bench.progress(REMIND, context={"run_id": "own"})

    assert 1 == len(bench.github.state()["comments"])
    assert "run=other-" in report_issue(bench)["body"]


@pytest.mark.parametrize(
    ("event", "context", "inputs", "is_written"),
    [
        ("schedule", {}, {}, True),
        ("workflow_dispatch", {}, {}, True),
        ("push", {"ref": "refs/heads/main"}, {}, True),
        ("push", {"ref": "refs/heads/topic"}, {}, False),
        ("pull_request", {}, {}, False),
        ("", {}, {}, False),
        ("", {}, {"write": True}, True),
        ("schedule", {}, {"write": False}, False),
    ],
)
def test_where_a_run_writes(
    event: str, context: dict[str, Any], inputs: dict[str, Any], is_written: bool, make: Callable[..., Any]
) -> None:
    """In workflows of the default branch; elsewhere it says that it does not."""
    bench = make()

    outcome = bench.progress(REMIND, event=event, context=context, **inputs)

    assert is_written == bool(bench.github.state()["comments"])
    assert is_written == ("no-writing-here" not in [each.rule for each in outcome.diagnostics])
    assert outcome.exit_code is ExitCode.DONE


def test_a_fork_writes_nothing_by_itself(make: Callable[..., Any]) -> None:
    """Its milestones are copies of nobody's plan."""
    bench = make(fork=True)

    assert 0 == bench.writes(lambda: bench.progress(REMIND))


def test_a_token_that_may_not_write_says_so_and_the_report_is_told(make: Callable[..., Any]) -> None:
    """The job fails, since what was asked for was not done."""
    bench = make()

    outcome = bench.progress(REMIND.replace("version: 1", "version: 1\nhistory: branch"), token="read-token")

    assert ["not-written", "not-written"] == [each.rule for each in outcome.diagnostics]
    assert ExitCode.REFUSED is outcome.exit_code
    assert "v2.9-alpha" in outcome.summary


def test_parts_can_be_switched_off(make: Callable[..., Any]) -> None:
    """No forecast, no charts."""
    outcome = make().progress("version: 1\nprogress: {forecast: false, charts: false}\n")

    assert "mermaid" not in outcome.summary
    assert "forecast |" not in outcome.summary
    assert {"no-forecast", "empty"} == {each["reason"] for each in report_of(outcome)["milestones"]}


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A messenger that takes JSON: its address, and what it was sent."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"json://user:s3cret-word@127.0.0.1:{server.server_port}/path", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_notification_is_sent_once_a_day_and_no_title_means_anything_in_it(make: Callable[..., Any]) -> None:
    """With a report issue, which remembers the day."""
    bench = make()
    plan = "version: 1\nlanguage: zh\nprogress: {report: true}\n"
    with receiver() as (address, seen):
        for _ in range(2):
            outcome = bench.progress(plan, notify=address)

    (message,) = seen
    assert () == outcome.diagnostics
    assert "octo/widgets: 项目进度（2027-02-20）" == message["title"]
    assert "🟢 v2.9-alpha: 进展正常。" in message["message"].replace(". ", "。")
    assert not {"@", "<", "`", "#"} & set(message["message"])


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("json://192.0.2.1/", "is not encrypted"),
        ("json://example.org/", "is not encrypted"),
        ("mailto://user:s3cret-word@example.org", "is not encrypted"),
        ("nonsense://s3cret-word", "is none that apprise knows"),
        ("json://127.0.0.1:9/s3cret-word", "did not take the message"),
    ],
)
def test_a_notification_that_fails_warns_and_shows_no_address(
    address: str, reason: str, make: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """The report is told all the same."""
    outcome = make().progress(notify=address)

    (found,) = outcome.diagnostics
    assert ("not-sent", f"address 1 of the input `notify` {reason}") == (found.rule, found.summary)
    assert ExitCode.DONE is outcome.exit_code
    assert "s3cret" not in "".join(capfd.readouterr()) + found.help


def test_a_messenger_that_refuses_is_told(make: Callable[..., Any]) -> None:
    """Any status but a success."""
    with receiver(500) as (address, seen):
        outcome = make().progress(notify=f"\n{address}\n")

    assert 1 == len(seen)
    assert ["not-sent"] == [each.rule for each in outcome.diagnostics]


def test_a_messenger_that_never_answers_is_not_waited_for(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a limit to connecting and to reading."""
    monkeypatch.setattr(notify, "MOST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        outcome = make().progress(notify=f"json://127.0.0.1:{silent.getsockname()[1]}")

    assert ["not-sent"] == [each.rule for each in outcome.diagnostics]
    assert time.monotonic() - start < 9


def test_a_broken_file_of_lines_is_told(make: Callable[..., Any]) -> None:
    """It is passed over, and never written over."""
    bench = make(branches={"milepost-data": {"progress/2027/01.jsonl": "x" * 600_000}})

    outcome = bench.progress(HISTORY)

    assert ["unreadable-history"] == [each.rule for each in outcome.diagnostics]


def test_a_plan_with_errors_is_told_before_anything_is_asked(make: Callable[..., Any]) -> None:
    """Also one for another repository."""
    bench = make()

    for plan in ("version: 1\nprogress: {remind: [due]}\n", "version: 1\nrepository: octo/other\n"):
        with pytest.raises(Unusable):
            bench.progress(plan)
    assert [] == list(bench.github.journal)


def test_today_is_the_teams(make: Callable[..., Any]) -> None:
    """At nine in the morning in Greenwich it is the day before in Pago Pago."""
    bench = make()

    days = [
        report_of(bench.progress(f"version: 1\ntimezone: {zone}\n"))["today"] for zone in ("UTC", "Pacific/Pago_Pago")
    ]

    assert ["2027-02-20", "2027-02-19"] == days
