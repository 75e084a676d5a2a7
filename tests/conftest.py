"""What every test may use; and what none may do: leave this machine, or read somebody else's settings."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from github.Requester import Requester
from hypothesis import settings
from milepost.actions import gate, progress, release, sprint, sync
from milepost.core.mode import Mode
from milepost.remote import client
from milepost.remote.client import Access, Client, connect
from milepost.runner.context import Context
from milepost.simulator import Simulator
from milepost.world import Outcome, World
from milepost.writing import WritingInputs

# The same examples each time: what fails for one fails for all, and every branch is taken in every run.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

PERMISSIONS = {"contents": "write", "issues": "write", "pull-requests": "write", "actions": "write"}
RELEASE_PERMISSIONS = {**PERMISSIONS, "statuses": "read", "checks": "read"}


class YouForgotToStayOnLoopbackError(RuntimeError):
    """A test tried to reach another machine."""


class KilledError(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class FakeClock:
    """Time that passes only by sleeping; the simulator's clock goes with it."""

    def __init__(self, github: Simulator | None = None) -> None:
        self.github = github
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.github.clock.now().timestamp() if self.github else self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        if self.github:
            self.github.clock.advance(seconds)


@dataclass
class Bench:
    """A repository on a simulator, and ways to run the sync action against it."""

    github: Simulator
    workspace: Path
    clock: FakeClock
    log: list[str]

    def client(self, token: str = "workflow-token", repository: str = "octo/widgets") -> Client:
        access = Access(token=token, repository=repository, api_url=self.github.url)
        return connect(access, log=self.log.append, clock=self.clock)

    def sync(
        self,
        plan: str,
        mode: str = "apply",
        *,
        token: str = "workflow-token",
        context: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Outcome:
        """The sync action has run with the plan text; raises what it raises."""
        (self.workspace / "plan.yml").write_text(plan, encoding="utf-8")
        given = sync.Inputs(token=token, plan=Path("plan.yml"), mode=Mode(mode) if mode else None, **inputs)
        world = World(
            context=Context(repository="octo/widgets", workspace=self.workspace, **(context or {})),
            now=datetime(2026, 1, 5, 9, tzinfo=timezone.utc),
            log=self.log.append,
            client=self.client(token),
        )
        return sync.run(given, world)

    def sprint(
        self,
        plan: str,
        today: date,
        mode: str = "apply",
        *,
        token: str = "workflow-token",
        context: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Outcome:
        """The sprint action has run on that day with the plan text; raises what it raises."""
        (self.workspace / "plan.yml").write_text(plan, encoding="utf-8")
        given = WritingInputs(token=token, plan=Path("plan.yml"), mode=Mode(mode) if mode else None, **inputs)
        world = World(
            context=Context(repository="octo/widgets", workspace=self.workspace, **(context or {})),
            now=self.github.clock.now(),
            log=self.log.append,
            client=self.client(token),
            fixed_today=today,
        )
        return sprint.run(given, world)

    def release(
        self,
        plan: str,
        mode: str = "apply",
        *,
        token: str = "release-token",
        context: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Outcome:
        """The release action has run with the plan text; raises what it raises."""
        (self.workspace / ".github").mkdir(exist_ok=True)
        (self.workspace / ".github/milepost.yml").write_text(plan, encoding="utf-8")
        given = release.Inputs(token=token, mode=Mode(mode) if mode else None, **inputs)
        world = World(
            context=Context(repository="octo/widgets", workspace=self.workspace, **(context or {})),
            now=self.github.clock.now(),
            log=self.log.append,
            client=self.client(token),
        )
        return release.run(given, world)

    def progress(
        self,
        plan: str | None = "version: 1\n",
        today: date | None = None,
        *,
        event: str = "schedule",
        token: str = "workflow-token",
        context: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Outcome:
        """The progress action has run on that day, by default the simulator's; raises what it raises."""
        if plan is not None:
            (self.workspace / "plan.yml").write_text(plan, encoding="utf-8")
            inputs["plan"] = Path("plan.yml")
        given = progress.Inputs(token=token, **inputs)
        context = {"repository": "octo/widgets", "workspace": self.workspace, "event": event, **(context or {})}
        world = World(
            context=Context(**context),
            now=self.github.clock.now(),
            log=self.log.append,
            client=self.client(token),
            fixed_today=today,
        )
        return progress.run(given, world)

    def gate(
        self, event: str = "", payload: Mapping[str, Any] | None = None, *, token: str = "gate-token", **inputs: Any
    ) -> Outcome:
        """The gate action has run for the event; raises what it raises."""
        context = Context(
            repository="octo/widgets", event=event, payload=payload or {}, server_url=self.github.url, run_id="7"
        )
        world = World(
            context=context,
            now=datetime(2026, 1, 5, 9, tzinfo=timezone.utc),
            log=self.log.append,
            client=self.client(token),
        )
        outcome = gate.run(gate.Inputs(token=token, **inputs), world)
        assert isinstance(outcome, Outcome)
        return outcome

    def writes(self, run: Callable[[], object]) -> int:
        """How many writes the call makes."""
        before = len(self.github.journal.writes())
        run()
        return len(self.github.journal.writes()) - before

    def reads(self, run: Callable[[], object]) -> int:
        """How many reads the call makes."""
        before = len(self.github.journal.reads())
        run()
        return len(self.github.journal.reads()) - before

    def request(self, method: str, path: str, body: Any = None, token: str = "admin-token") -> Any:
        """Somebody else's request, in the repository; the answer as JSON."""
        status, _, answer = send(self.github, method, f"/repos/octo/widgets{path}", body, token=token)
        assert status < 400, answer
        return answer


def send(
    github: Simulator,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = "admin-token",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str], Any]:
    """One raw request: status, headers by small names, and the body as JSON."""
    import http.client

    host = github.url.removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
        sent = {"Authorization": f"token {token}"} if token else {}
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {**sent, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, json.loads(text) if text else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--live OWNER/REPO` runs the behaviour tests against github.com."""
    parser.addoption("--live", metavar="OWNER/REPO", help="run the behaviour tests against this scratch repository")
    parser.addoption("--webhooks", metavar="FOLDER", help="folder of npm's @octokit/webhooks-examples")
    parser.addoption("--histories", metavar="FIRST-LAST", help="play the sprint stories of these seeds instead")
    parser.addoption("--live-record", metavar="FILE", help="write the dated result of a live run there")


@pytest.fixture(name="call")
def call_fixture() -> Callable[..., tuple[int, Mapping[str, str], Any]]:
    """Sends one raw request: see `send`."""
    return send


@pytest.fixture
def today() -> date:
    """The day on which tests play."""
    return date(2026, 1, 5)


@pytest.fixture
def github() -> Iterator[Simulator]:
    """A running simulator with an empty octo/widgets; unknown requests fail the test."""
    with Simulator(seed()) as simulator:
        yield simulator
        assert [(each.method, each.path, each.answer) for each in simulator.journal.unknown()] == []


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., contextlib.AbstractContextManager[None]]:
    """Ends the run inside at its nth request, before that is sent or after it was answered; a file counts as one."""

    @contextlib.contextmanager
    def kill(nth: int, when: str, *, is_sure: bool = True) -> Iterator[None]:
        seen: list[int] = []

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                seen.append(1)
                if len(seen) == nth and when == "before":
                    raise KilledError
                try:
                    return real(*arguments, **named)
                finally:
                    if len(seen) == nth:
                        raise KilledError

            return call

        with monkeypatch.context() as patch:
            patch.setattr(Requester, "requestJsonAndCheck", counted(Requester.requestJsonAndCheck))
            patch.setattr(client, "transfer", counted(client.transfer))
            try:
                yield
            except KilledError:
                return
        assert not is_sure, f"the run ended by itself before request {nth}"

    return kill


@pytest.fixture
def make_github() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators with a repository as given; unknown requests fail the test."""
    with contextlib.ExitStack() as stack:
        started: list[Simulator] = []

        def make(repository: Mapping[str, Any] | None = None, **more: Any) -> Simulator:
            simulator = stack.enter_context(Simulator(seed(repository, **more)))
            started.append(simulator)
            return simulator

        yield make
        unknown = [each for simulator in started for each in simulator.journal.unknown()]
        assert [(each.method, each.path, each.answer) for each in unknown] == []


@pytest.fixture
def plan_that_does_everything() -> tuple[str, str]:
    """Two plans for one repository: the second makes every kind of write there is."""
    folder = Path(__file__).parent / "plans" / "everything"
    before, after = ((folder / f"{name}.yml").read_text(encoding="utf-8") for name in ("before", "after"))
    return before, after


@pytest.fixture
def bench(github: Simulator, tmp_path: Path) -> Bench:
    """An empty repository and the sync action."""
    return make_bench(github, tmp_path)


def make_bench(github: Simulator, tmp_path: Path) -> Bench:
    """The sync action on that simulator, on a clock that no test waits for."""
    return Bench(github, tmp_path, FakeClock(github), [])


@pytest.fixture
def new_bench(make_github: Callable[..., Simulator], tmp_path: Path) -> Callable[..., Bench]:
    """Makes a repository as given, and the sync action on it."""
    return lambda repository=None, **more: make_bench(make_github(repository, **more), tmp_path)


def seed(repository: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A seed with one repository; `octocat` is its admin, `mallory` nobody."""
    return {
        "tokens": {
            "admin-token": {"login": "octocat"},
            "mallory-token": {"login": "mallory"},
            "workflow-token": {"login": "github-actions[bot]", "permissions": PERMISSIONS},
            "release-token": {"login": "github-actions[bot]", "permissions": RELEASE_PERMISSIONS},
            "plan-token": {"login": "github-actions[bot]", "permissions": dict.fromkeys(RELEASE_PERMISSIONS, "read")},
            "draft-token": {
                "login": "github-actions[bot]",
                "permissions": {"contents": "write", "issues": "read", "pull-requests": "read"},
            },
            "gate-token": {
                "login": "github-actions[bot]",
                "repository": "octo/widgets",
                "permissions": {
                    "contents": "read",
                    "issues": "read",
                    "pull-requests": "write",
                    "statuses": "write",
                },
            },
            "read-token": {"login": "github-actions[bot]", "permissions": {"contents": "read", "issues": "read"}},
        },
        "repositories": [
            {"full_name": "octo/widgets", "collaborators": {"octocat": "admin"}, **(repository or {})},
        ],
        **more,
    }


@pytest.fixture
def runner_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Path]:
    """The files that a runner gives a step: GITHUB_OUTPUT and GITHUB_STEP_SUMMARY."""
    files = {name: tmp_path / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name, path in files.items():
        path.write_text("", encoding="utf-8")
        monkeypatch.setenv(name, str(path))
    return files


@pytest.fixture(autouse=True)
def no_outside_world(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Settings of whoever runs the tests count for nothing, and connections stay on this machine."""
    if request.config.getoption("--live"):
        return
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "INPUT_", "RUNNER_", "MILEPOST_", "ACTIONS_")):
            monkeypatch.delenv(name)
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, Sequence) and not isinstance(address, str | bytes):
            host = str(address[0])
            if host not in ("127.0.0.1", "::1", "localhost"):
                raise YouForgotToStayOnLoopbackError(f"{request.node.nodeid} connects to {host}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
