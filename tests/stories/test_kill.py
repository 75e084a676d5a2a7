"""The process itself is killed, by SIGKILL, at every request: the next one finishes the work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).parents[2] / "scripts" / "run.py"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["on_request", "on_response"])
def test_a_killed_process_loses_nothing_and_doubles_nothing(
    when: str, shaped: Callable[[], Any], after: str, compare: Callable[[Any], Any]
) -> None:
    """Before each request is handled, and after each has been: real processes, real SIGKILL."""
    bench = shaped()
    start = bench.github.snapshot()
    (bench.workspace / "plan.yml").write_text(after, encoding="utf-8")
    assert 0 == _start(bench).wait()
    requests, expected = len(bench.github.journal), compare(bench.github.state())

    for nth in range(1, requests + 1):
        bench.github.restore(start)
        killed = _kill_at(bench, nth, when)
        bench.github.clock.advance(7200)

        finished = _start(bench).wait()

        assert -9 == killed, f"{when} {nth}"
        assert 0 == finished, f"{when} {nth}"
        assert expected == compare(bench.github.state()), f"{when} {nth}"


def _start(bench: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(RUN), "sync", "--mode", "apply", "--plan", str(bench.workspace / "plan.yml")]
    command += [
        "--repository",
        "octo/widgets",
        "--api-url",
        bench.github.url,
        "--token",
        "workflow-token",
        "--pace",
        "1000/s",
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _kill_at(bench: Any, nth: int, when: str) -> int:
    """The exit status of a process that was killed at its nth request."""
    seen: list[Any] = []
    process = _start(bench)

    def watch(exchange: Any) -> None:
        seen.append(exchange)
        if len(seen) == nth:
            process.kill()
            process.wait()

    setattr(bench.github, when, watch)
    status = process.wait(60)
    setattr(bench.github, when, None)
    return status
