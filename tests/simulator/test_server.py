"""The simulator as a program: unknown requests, faults, determinism, seeds, the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from milepost.simulator import Fault, Simulator
from milepost.simulator.behaviours import BEHAVIOURS

R = "/repos/octo/widgets"
SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_an_unknown_request_says_what_is_known(call: Callable[..., Any]) -> None:
    """501 names the nearest operations, the unknown member, and the unknown GraphQL field; the journal keeps all."""
    with Simulator() as github:
        route = call(github, "GET", f"{R}/milestone")
        member = call(github, "POST", f"{R}/milestones", {"title": "M", "due": "x"})
        parameter = call(github, "GET", f"{R}/milestones?stat=open")
        field = call(github, "POST", "/graphql", {"query": "{ viewer { bio } }"})
        unknown = github.journal.unknown()

    assert [501, 501, 501, 501] == [each[0] for each in (route, member, parameter, field)]
    assert "GET /repos/{owner}/{repo}/milestones" in route[2]["message"]
    assert "due" in member[2]["message"]
    assert "stat" in parameter[2]["message"]
    assert 4 == len(unknown)


def test_the_same_seed_and_requests_give_the_same_bytes(call: Callable[..., Any]) -> None:
    """Two runs differ in their port and in nothing else."""

    def play() -> str:
        with Simulator() as github:
            call(github, "POST", f"{R}/milestones", {"title": "M"})
            call(github, "POST", f"{R}/issues", {"title": "I", "milestone": 1, "labels": ["x"]})
            status, headers, answer = call(github, "GET", f"{R}/issues/1")
            # Tag and length tell of the port.
            kept = {name: value for name, value in headers.items() if name not in ("etag", "content-length")}
            return json.dumps([status, kept, answer, github.state()]).replace(github.url, "BASE")

    assert play() == play()


@pytest.mark.parametrize(
    ("fault", "is_applied", "seen"),
    [
        (Fault(do="status", status=502, method="POST"), False, 502),
        (Fault(do="status", status=502, method="POST", after=True), True, 502),
        (Fault(do="secondary", method="POST", retry_after=7), False, 403),
        (Fault(do="secondary", status=429, method="POST"), False, 429),
        (Fault(do="primary", method="POST"), False, 403),
        (Fault(do="slow", method="POST", seconds=0.01), True, 201),
        (Fault(do="drop", method="POST"), False, None),
        (Fault(do="drop", method="POST", after=True), True, None),
        (Fault(do="malformed", method="POST", after=True), True, None),
    ],
)
def test_a_fault_hits_the_request_before_or_after_it_is_applied(
    fault: Fault, is_applied: bool, seen: int | None, github: Simulator, call: Callable[..., Any]
) -> None:
    """Each kind of fault shows as it should, and the write has or has not taken effect."""
    github.faults.add(fault)

    try:
        status = call(github, "POST", f"{R}/milestones", {"title": "M"})[0]
    except (OSError, ValueError):
        status = None

    assert (seen, is_applied) == (status, bool(github.state()["milestones"]))


def test_an_invisible_write_is_hidden_from_the_next_reads(github: Simulator, call: Callable[..., Any]) -> None:
    """Two reads do not see it, the third does."""
    github.faults.add(Fault(do="invisible", method="POST", reads=2))
    call(github, "POST", f"{R}/milestones", {"title": "M"})

    seen = [len(call(github, "GET", f"{R}/milestones")[2]) for _ in range(3)]

    assert [0, 0, 1] == seen


def test_faults_combine(github: Simulator, call: Callable[..., Any]) -> None:
    """A write that takes effect, is answered by 502, and does not show in the next read."""
    github.faults.add(Fault(do="invisible", method="POST", reads=1))
    github.faults.add(Fault(do="status", status=502, method="POST", after=True))

    status = call(github, "POST", f"{R}/milestones", {"title": "M"})[0]

    seen = [len(call(github, "GET", f"{R}/milestones")[2]) for _ in range(2)]
    assert (502, [0, 1]) == (status, seen)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(do="status", status=500, nth=2), [200, 500, 200]),
        (Fault(do="status", status=500, times=2), [500, 500, 200]),
        (Fault(do="status", status=500, path="/labels$"), [200, 200, 200]),
        (Fault(do="status", status=500, method="POST"), [200, 200, 200]),
    ],
)
def test_a_fault_meets_the_requests_that_it_names(
    fault: Fault, expected: list[int], github: Simulator, call: Callable[..., Any]
) -> None:
    """By method, by path, by number, and no oftener than it says."""
    github.faults.add(fault)

    assert expected == [call(github, "GET", f"{R}/milestones")[0] for _ in range(3)]


def test_a_watcher_may_ask_the_simulator_itself(github: Simulator, call: Callable[..., Any]) -> None:
    """Before and after a request is handled, another one is answered: nothing waits for anything."""
    seen = []

    def watch(when: str) -> Callable[[Any], None]:
        def look(exchange: Any) -> None:
            if exchange.method == "POST":
                seen.append((when, len(call(github, "GET", f"{R}/milestones")[2])))

        return look

    github.on_request, github.on_response = watch("before"), watch("after")
    call(github, "POST", f"{R}/milestones", {"title": "M"})

    assert [("before", 0), ("after", 1)] == seen


def test_an_edit_happens_between_two_requests(github: Simulator, call: Callable[..., Any]) -> None:
    """Somebody else's milestone is there just before our request is answered."""
    request = {"method": "POST", "path": f"{R}/milestones", "body": {"title": "Theirs"}, "token": "admin-token"}
    github.faults.add(Fault(do="edit", method="GET", request=request))

    assert ["Theirs"] == [each["title"] for each in call(github, "GET", f"{R}/milestones")[2]]


@pytest.mark.parametrize(
    "seed",
    [
        {"repositry": []},
        {"repositories": [{"full_name": "a/b", "milestone": []}]},
        {"repositories": [{"full_name": "a/b", "issues": [{"title": "I", "milestones": 1}]}]},
        {"faults": [{"do": "drop", "when": 1}]},
        {"clock": "yesterday"},
    ],
)
def test_a_seed_with_something_unknown_is_refused(seed: dict[str, Any]) -> None:
    """A typo must not become an empty repository."""
    with pytest.raises(ValueError, match=r"\w"):
        Simulator(seed)


def test_a_snapshot_brings_everything_back(github: Simulator, call: Callable[..., Any]) -> None:
    """What came after it is gone, numbers included."""
    kept = github.snapshot()
    call(github, "POST", f"{R}/milestones", {"title": "M"})

    github.restore(kept)

    assert 1 == call(github, "POST", f"{R}/milestones", {"title": "M"})[2]["number"]


def test_another_process_brings_everything_back(github: Simulator, call: Callable[..., Any]) -> None:
    """A snapshot stays with the simulator, and is named by a number."""
    kept = call(github, "GET", "/_simulator/snapshot")[2]
    call(github, "POST", f"{R}/milestones", {"title": "M"})

    assert 204 == call(github, "PUT", "/_simulator/snapshot", kept)[0]
    assert [] == github.state()["milestones"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clock", {"forward": 5}),
        ("POST", "clock", None),
        ("POST", "faults", [{"do": "vanish"}]),
        ("POST", "faults", [{"do": "drop", "when": 1}]),
        ("GET", "state?repo=no/where", None),
        ("PUT", "snapshot", {"snapshot": "first"}),
    ],
)
def test_a_wrong_control_says_so(
    method: str, path: str, body: Any, github: Simulator, call: Callable[..., Any]
) -> None:
    """400 with the reason, and nothing in the journal."""
    status, _, answer = call(github, method, f"/_simulator/{path}", body)

    assert (400, True) == (status, answer["message"].startswith(method))
    assert [] == list(github.journal)


def test_an_unknown_control_names_those_that_are(github: Simulator, call: Callable[..., Any]) -> None:
    """404 with the list."""
    status, _, answer = call(github, "GET", "/_simulator/weather")

    assert (404, True) == (status, "POST clock" in answer["message"])


def test_the_journal_tells_reads_from_writes(github: Simulator, call: Callable[..., Any]) -> None:
    """A GraphQL query is a read, a mutation a write, and control is neither."""
    call(github, "GET", R)
    call(github, "POST", f"{R}/milestones", {"title": "M"})
    call(github, "POST", "/graphql", {"query": "query { viewer { login } }"})
    call(github, "POST", "/graphql", {"query": 'mutation { reopenIssue(input: {issueId: "x"}) { clientMutationId } }'})
    call(github, "GET", "/_simulator/journal")

    assert ([1, 3], [2, 4]) == tuple(
        [each.number for each in found] for found in (github.journal.reads(), github.journal.writes())
    )
    assert ("octocat", 201, "M") == (
        github.journal[1].login,
        github.journal[1].status,
        github.journal[1].answer["title"],
    )
    github.journal.clear()
    assert 0 == len(github.journal)


def test_what_is_the_same_costs_nothing(github: Simulator, call: Callable[..., Any]) -> None:
    """A 304 does not count against the primary limit."""
    _, headers, _ = call(github, "GET", R)

    again = [call(github, "GET", R, headers={"If-None-Match": headers["etag"]}) for _ in range(3)]

    assert [(304, "1")] * 3 == [(status, more["x-ratelimit-used"]) for status, more, _ in again]


def test_the_date_is_the_simulators(github: Simulator, call: Callable[..., Any]) -> None:
    """So that a client which compares it with the reset of a limit is not misled."""
    github.clock.advance(60)

    assert "Mon, 05 Jan 2026 09:01:00 GMT" == call(github, "GET", R)[1]["date"]


def test_a_method_of_nobody_is_unknown(call: Callable[..., Any]) -> None:
    """HEAD is answered by 501 too, without a body, and stands in the journal."""
    with Simulator() as github:
        status, _, answer = call(github, "HEAD", R)

        assert (501, None, 1) == (status, answer, len(github.journal.unknown()))


def test_requests_at_once_are_answered_one_by_one(github: Simulator, call: Callable[..., Any]) -> None:
    """Sixteen milestones made at the same time have sixteen numbers."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda each: call(github, "POST", f"{R}/milestones", {"title": f"M{each}"}), range(16)))

    assert list(range(1, 17)) == sorted(answer["number"] for _, _, answer in made)


def test_rest_needs_no_graphql_package(call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a query is 501 and names the package."""
    monkeypatch.setitem(sys.modules, "graphql", None)
    with Simulator() as github:
        rest = call(github, "GET", R)[0]
        status, _, answer = call(github, "POST", "/graphql", {"query": "{ viewer { login } }"})

    assert (200, 501, True) == (rest, status, "graphql-core" in answer["message"])


def test_a_mistake_of_the_simulator_fails_the_test_that_met_it(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """501 with the operation and the error, not a lost connection."""
    from milepost.simulator.wire import Wire

    with Simulator() as github:
        monkeypatch.delattr(Wire, "minimal_repository")
        status, _, answer = call(github, "GET", R)

        assert (501, True) == (status, "GET /repos/{owner}/{repo}" in answer["message"])
        assert 1 == len(github.journal.unknown())


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """The first line is the address; the journal has a line a request; the control stops it; the status is 0."""
    seed, journal = tmp_path / "seed.json", tmp_path / "journal.jsonl"
    seed.write_text(json.dumps({"repositories": [{"full_name": "a/b", "milestones": [{"title": "M"}]}]}))
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); from milepost.simulator.server import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--port", "0", "--seed", str(seed), "--journal", str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{base}/repos/a/b/milestones") as answer:
            titles = [each["title"] for each in json.loads(answer.read())]
        for name in ("state?repo=a/b", "journal"):
            with urllib.request.urlopen(f"{base}/_simulator/{name}") as answer:
                assert 200 == answer.status
        urllib.request.urlopen(urllib.request.Request(f"{base}/_simulator/stop", b"{}", method="POST")).close()
        assert 0 == process.wait(10)

    assert ["M"] == titles
    assert ["/repos/a/b/milestones"] == [json.loads(line)["path"] for line in journal.read_text().splitlines()]


def test_a_bad_seed_file_ends_the_command_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one line, not a traceback."""
    from milepost.simulator.server import main

    (tmp_path / "seed.json").write_text("{")

    assert 2 == main(["--seed", str(tmp_path / "seed.json")])
    assert "simulate:" in capsys.readouterr().err


def test_the_control_moves_the_clock_and_scripts_faults(github: Simulator, call: Callable[..., Any]) -> None:
    """From another process too: time, faults, and their end."""
    before = github.clock.now()
    call(github, "POST", "/_simulator/clock", {"advance": 90})
    call(github, "POST", "/_simulator/faults", [{"do": "status", "status": 500, "times": 9}])
    failing = call(github, "GET", R)[0]
    call(github, "DELETE", "/_simulator/faults")

    assert 90 == (github.clock.now() - before).total_seconds()
    assert (500, 200) == (failing, call(github, "GET", R)[0])


def test_every_behaviour_of_the_table_has_its_test() -> None:
    """The docs claim nothing that no test shows."""
    source = "".join(each.read_text(encoding="utf-8") for each in Path(__file__).parent.glob("test_*.py"))

    assert [] == [each.test for each in BEHAVIOURS if f"def {each.test}(" not in source]
    assert len({each.behaviour for each in BEHAVIOURS}) == len(BEHAVIOURS)
