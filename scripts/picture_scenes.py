"""The job summaries that the pictures of the README show: real runs of the actions against the embedded GitHub."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import demo_progress
import demo_sprints

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "scripts" / "run.py"
REPOSITORY = "acme/vision"
PERMISSIONS = {
    **dict.fromkeys(("contents", "issues", "pull-requests", "actions", "statuses"), "write"),
    "checks": "read",
}
PLAN = """\
version: 1
timezone: Asia/Shanghai
labels:
  - {name: training, color: "1d76db", description: Training loop}
  - {name: data, color: "0e8a16", description: Data loading}
milestones:
  - title: v2.9-alpha
    start: 2027-03-01
    due: 2027-03-19
    description: Mixed precision and a CIFAR-10 pipeline
    branch: release/v2.9-alpha
    issues:
      - {title: 添加混合精度训练支持(AMP), labels: [training]}
      - {title: Leak in the DataLoader, labels: [data], assignees: [octocat]}
  - {title: v2.9-beta, due: 2027-04-30}
"""
GATED = "version: 1\npull-requests: {rules: {milestone: fail, assigned: any}}\n"
RELEASED = """\
version: 1
milestones:
  - {title: v2.9.0, due: 2027-03-01}
release:
  milestones: "v*"
  next: v{major}.{minor+1}.0
  notes: {sections: {Features: [feature], Fixes: [bug]}}
"""
HELD = {
    "labels": [{"name": "data", "color": "ededed"}],
    "milestones": [{"title": "v2.9-beta", "due_on": "2027-04-16T12:00:00Z"}],
    "pulls": [{"title": "Plan v2.9", "number": 10, "head": "plan"}],
}
CLAIMED = {
    "issues": [
        {"title": "添加混合精度训练支持(AMP)", "number": 1, "assignees": ["octocat"]},
        {"title": "Loader leak", "number": 2, "state": "closed"},
    ],
    "pulls": [{"title": "Add mixed precision", "number": 10, "head": "amp", "body": "Closes #1, closes #2"}],
}
DONE = {
    "milestones": [{"title": "v2.9.0", "number": 1, "state": "closed", "closed_at": "2027-02-01T00:00:00Z"}],
    "issues": [
        {"title": "Mixed precision", "labels": ["feature"], "milestone": 1, "state": "closed", "author": "mona"},
        {"title": "Leak in the DataLoader", "labels": ["bug"], "milestone": 1, "state": "closed"},
        {"title": "Faster start", "milestone": 1, "state": "closed"},
    ],
    "pulls": [{"title": "Add AMP", "number": 10, "head": "amp", "merged": True, "milestone": 1, "author": "mona"}],
}
PULL = {"pull_request": {"number": 10, "head": {"ref": "x"}, "base": {"ref": "main"}}}
CLOSED = {"action": "closed", "milestone": {"number": 1, "title": "v2.9.0"}, "sender": {"login": "octocat"}}


def write_summaries(folder: Path) -> dict[str, str]:
    """The summary of each scene, by the name of its picture, in Markdown."""
    scenes: dict[str, Callable[[Path], str]] = {
        "plan": _plan,
        "gate": _gate,
        "sprint": _sprint,
        "progress": _progress,
        "verify-gpu": _verify,
        "release": _release,
    }
    summaries = {}
    for name, scene in scenes.items():
        (folder / name).mkdir()
        summaries[name] = scene(folder / name)
    return summaries


def _plan(folder: Path) -> str:
    return _play(folder, "sync", "pull_request", PULL, plan=PLAN, held=HELD)


def _gate(folder: Path) -> str:
    return _play(folder, "gate", "pull_request_target", PULL, plan=GATED, held=CLAIMED)


def _release(folder: Path) -> str:
    return _play(folder, "release", "milestone", CLOSED, plan=RELEASED, held=DONE)


def _play(
    folder: Path, action: str, event: str, payload: Mapping[str, Any], *, plan: str, held: Mapping[str, Any]
) -> str:
    """The action has run for the event, in a repository that holds that."""
    with _github({"full_name": REPOSITORY, **held, "files": {".github/milepost.yml": plan}}) as github:
        (folder / ".github").mkdir()
        (folder / ".github" / "milepost.yml").write_text(plan, encoding="utf-8")
        return _run(folder, github.url, [action], event=event, payload=payload)


def _sprint(folder: Path) -> str:
    """Two weeks of the demo's sprints, and the day on which the first one ends."""
    last = "2027-01-18"
    with _github(demo_sprints.SEED) as github:
        (folder / "milepost.yml").write_text(demo_sprints.PLAN, encoding="utf-8")
        for day in (each for each in demo_sprints.DAYS if each <= last):
            _go_to(github, date.fromisoformat(day), hour=6)
            for request in demo_sprints.DAYS[day]:
                _send(github, demo_sprints.REPOSITORY, *request)
            asked = ["sprint", "--plan", "milepost.yml", "--repository", demo_sprints.REPOSITORY, "--today", day]
            summary = _run(folder, github.url, [*asked, "--pace", "50/s"], event="schedule")
    return summary


def _progress(folder: Path) -> str:
    """Six weeks of the demo's work, and the report of the last Monday."""
    with _github(demo_progress.SEED) as github:
        (folder / "milepost.yml").write_text(demo_progress.PLAN, encoding="utf-8")
        closed = 0
        for week in range(demo_progress.WEEKS + 1):
            monday = demo_progress.FIRST + timedelta(weeks=week)
            _go_to(github, monday, hour=6)
            asked = ["progress", "--plan", "milepost.yml", "--repository", demo_progress.REPOSITORY]
            summary = _run(folder, github.url, [*asked, "--today", str(monday)], event="schedule")
            for day, number in enumerate(demo_progress.CLOSED[week] if week < demo_progress.WEEKS else ()):
                _go_to(github, monday + timedelta(days=day), hour=12)
                for _ in range(number):
                    closed += 1
                    _send(github, demo_progress.REPOSITORY, "PATCH", f"/issues/{closed}", {"state": "closed"})
    return summary


def _verify(folder: Path) -> str:
    """The verdict on the healthy machine of the tests, once a second cuDNN is in its library path."""
    from milepost.data.load import load_data
    from milepost.views.diagnostics import render_markdown
    from milepost.views.gpu import render_verdict_markdown

    tests = _load(ROOT / "tests" / "unit" / "conftest.py")
    environment = tests.make_environment(torch="2.11", cuda="13.0", driver=">=580.65.06", gpu={"names": ["H100"]})
    machine = tests.make_machine().put("/loaded/1/path", "/usr/lib/x86_64-linux-gnu/libcudnn_graph.so.9")
    verdict = tests.Court(load_data()).judge(machine, environment)
    # As the command puts them together.
    summary = render_verdict_markdown(verdict, environment, "named by the input environment")
    return f"{summary}\n\n{render_markdown(verdict.diagnostics)}"


def _github(repository: Mapping[str, Any]) -> Any:
    from milepost.simulator import Simulator

    tokens = {
        "job-token": {"login": "github-actions[bot]", "permissions": PERMISSIONS},
        "author-token": {"login": "octocat"},
    }
    repositories = [{"collaborators": {"octocat": "admin"}, **repository}]
    return Simulator({"clock": "2027-01-02T00:00:00Z", "tokens": tokens, "repositories": repositories})


def _go_to(github: Any, day: date, *, hour: int) -> None:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc)
    github.clock.advance(max(0.0, (moment - github.clock.now()).total_seconds()))


def _send(github: Any, repository: str, method: str, path: str, body: Mapping[str, Any]) -> None:
    """Somebody else's request."""
    import urllib.request

    asked = urllib.request.Request(
        f"{github.url}/repos/{repository}{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer author-token"},
    )
    urllib.request.urlopen(asked).close()


def _run(folder: Path, url: str, arguments: list[str], *, event: str, payload: Mapping[str, Any] | None = None) -> str:
    """The summary that the command left on a runner; its exit status is part of the scene."""
    files = {name: folder / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_EVENT_PATH")}
    for each in files.values():
        each.write_text("", encoding="utf-8")
    files["GITHUB_EVENT_PATH"].write_text(json.dumps(payload or {}), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "INPUT_", "RUNNER_"))}
    given = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_URL": url,
        "GITHUB_GRAPHQL_URL": f"{url}/graphql",
        "GITHUB_TOKEN": "job-token",
        "INPUT_TOKEN": "job-token",
        **{name: str(path) for name, path in files.items()},
    }
    command = [sys.executable, str(RUN), *arguments]
    finished = subprocess.run(command, cwd=folder, env={**kept, **given}, capture_output=True, text=True, check=False)
    summary = files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    if not summary:
        raise RuntimeError(finished.stdout + finished.stderr)
    return summary


def _load(path: Path) -> Any:
    """The module of that file."""
    spec = importlib.util.spec_from_file_location("machines_of_the_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
