"""Milepost in one command: a plan file becomes milestones, issues, sprints and a release, on an embedded GitHub.

    python3 scripts/demo.py

The real composite actions run under the real act runner, six weeks of sprints on the command line; only GitHub is ours, and it listens on this machine only.
Needs Python 3.10 or newer, git and an index of packages. Exit status 1 when a step is not as it is told here.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo_progress import REPOSITORY as PROGRESS_REPOSITORY
from demo_progress import SEED as PROGRESS_SEED
from demo_progress import tell_progress
from demo_release import BRANCH, finish_milestone, reproduce
from demo_release import MILESTONE as RELEASED
from demo_release import WORKFLOW as RELEASE
from demo_sprints import REPOSITORY as SPRINTS_REPOSITORY
from demo_sprints import SEED as SPRINTS_SEED
from demo_sprints import print_records, tell_six_weeks
from folder import NotInstalled
from packages import find_packages

REPOSITORY = "octo/widgets"
PLAN = Path(__file__).resolve().parent.parent / "tests" / "plans" / "valid" / "article.yml"
PERMISSIONS = {
    "contents": "write",
    "issues": "write",
    "pull-requests": "write",
    "statuses": "write",
    "actions": "write",
    "checks": "read",
}
WORKFLOW = """\
name: plan
on: [push, pull_request, workflow_dispatch]
jobs:
  sync:
    runs-on: ubuntu-latest
    permissions: {contents: write, issues: write, pull-requests: write}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - uses: milepost/milepost/actions/sync@v1
        with: {mode: "%s"}
"""
GATE = """\
name: gate
on: [pull_request_target]
jobs:
  gate:
    runs-on: ubuntu-latest
    permissions: {contents: read, issues: read, pull-requests: write, statuses: write}
    steps:
      - uses: milepost/milepost/actions/gate@v1
"""
SEED: dict[str, Any] = {
    "clock": "2027-01-02T00:00:00Z",
    "tokens": {
        "job-token": {"login": "github-actions[bot]", "permissions": PERMISSIONS},
        "author-token": {"login": "octocat"},
    },
    "repositories": [
        {
            "full_name": REPOSITORY,
            "collaborators": {"octocat": "admin"},
            "pulls": [
                {"title": "Plan v2.9", "head": "plan-v2.9", "author": "octocat"},
                {"title": "Add mixed precision", "head": "amp", "author": "octocat", "body": "Faster by half."},
            ],
        },
        SPRINTS_SEED,
        PROGRESS_SEED,
    ],
}


CHANGE = 2  # the number of the second pull request


class NotAsTold(Exception):
    """A step of the story did not end as it should."""


def main() -> int:
    """The story is told; the value is 0 when every step was as told."""
    if shutil.which("git") is None:
        print("demo: git is needed, and is not on PATH", file=sys.stderr)
        return 2
    try:
        packages = find_packages("demo")
    except NotInstalled as trouble:
        print(f"demo: {trouble}", file=sys.stderr)
        return 3
    if packages:
        sys.path.insert(1, packages)
    try:
        with tempfile.TemporaryDirectory(prefix="milepost-demo-") as folder:
            tell(Path(folder))
    except NotAsTold as trouble:
        print(f"\nNot as told: {trouble}", file=sys.stderr)
        return 1
    return 0


def tell(folder: Path) -> None:
    """The whole story, from an empty repository to drift that is found."""
    from milepost.simulator import Simulator
    from run_act import make_workspace

    files = {
        ".github/milepost.yml": PLAN.read_text(encoding="utf-8"),
        ".github/workflows/plan.yml": WORKFLOW % "",
        ".github/workflows/drift.yml": WORKFLOW % "drift",
        ".github/workflows/gate.yml": GATE,
        ".github/workflows/release.yml": RELEASE,
    }
    workspace = make_workspace(folder / REPOSITORY.replace("/", "-"), REPOSITORY, files)
    with Simulator(SEED) as github:
        print(f"An embedded GitHub serves {REPOSITORY} at {github.url}; it is empty but for one pull request.\n")
        story = _Story(workspace, github)
        story.plan()
        story.apply()
        story.apply_again()
        story.drift()
        story.gate()
        story.gate_again()
        story.sprints(folder)
        story.progress(folder)
        story.release()
        story.reproduce(folder)
    print(WHERE_TO_LOOK)


class _Story:
    """The steps, each with what must be true after it."""

    def __init__(self, workspace: Path, github: Any) -> None:
        self.workspace, self.github = workspace, github

    def plan(self) -> None:
        with _step("1. A pull request brings a plan file: the action shows what merging it would change"):
            payload = {"pull_request": {"number": 1, "head": {"ref": "plan-v2.9"}, "base": {"ref": "main"}}}
            result = self._act("pull_request", "plan.yml", payload)
            _expect(result.outputs["changes"] == "9", "the plan has 9 changes", result)
            _expect(self._titles() == [], "nothing but a comment was written", result)
            comments = self.github.state(REPOSITORY)["comments"]
            _expect(len(comments) == 1, "the pull request has one comment with the plan", result)

    def apply(self) -> None:
        with _step("2. It is merged: the push to the default branch applies the plan"):
            result = self._act("push", "plan.yml")
            _expect(result.outputs["created"] == "9", "9 objects were created", result)
            _expect(self._titles() == ["v2.9-alpha", "v2.9-beta"], "both milestones are there", result)
            issues = [each for each in self.github.state(REPOSITORY)["issues"] if not each["pull"]]
            _expect(len(issues) == 4, "four issues are there", result)
            _expect(self._due() == ["2025-04-14", "2025-04-30"], "the due dates read back as asked", result)

    def apply_again(self) -> None:
        with _step("3. The same push once more: nothing is left to do"):
            before = len(self.github.journal.writes())
            result = self._act("push", "plan.yml")
            _expect(result.outputs["changes"] == "0", "there are 0 changes", result)
            _expect(len(self.github.journal.writes()) == before, "no request wrote anything", result)

    def drift(self) -> None:
        with _step("4. Somebody moves a due date in the plan file, and nobody applies it: drift"):
            from run_act import commit

            plan = self.workspace / ".github" / "milepost.yml"
            text = plan.read_text(encoding="utf-8")
            plan.write_text(text.replace("due: 2025-04-30", "due: 2025-05-07"), encoding="utf-8")
            commit(self.workspace)
            result = self._act("workflow_dispatch", "drift.yml")
            _expect(not result.is_success, "the job fails, as drift should", result)
            _expect(result.outputs["changes"] == "1", "there is 1 change", result)
            _expect(self._due() == ["2025-04-14", "2025-04-30"], "GitHub is as it was", result)

    def gate(self) -> None:
        with _step("5. Another pull request names no issue: the gate fails it, and tells its author why"):
            result = self._gate()
            _expect(self._status() == "failure", "the status milepost/gate fails", result)
            _expect(len(self._comments()) == 1, "one comment tells the author what is missing", result)

    def gate_again(self) -> None:
        with _step("6. Its author names the issue that it resolves: the same status turns green"):
            issue = next(each for each in self.github.state(REPOSITORY)["issues"] if "AMP" in each["title"])
            self._describe(f"Faster by half. Closes #{issue['number']}")
            result = self._gate()
            _expect(self._status() == "success", "the status milepost/gate succeeds", result)
            _expect(self._comments() == [], "the comment is gone", result)
            _expect(result.outputs["milestone"] == "v2.9-alpha", "the milestone is known to later steps", result)

    def sprints(self, folder: Path) -> None:
        with _step("7. Another team works in sprints: six weeks in one go, on the days on which something happens"):
            place = folder / "sprints"
            place.mkdir()
            records = tell_six_weeks(
                place, self.github, lambda method, path, body: self._request(method, path, body, SPRINTS_REPOSITORY)
            )
            print()
            print_records(records)
            state = self.github.state(SPRINTS_REPOSITORY)
            placed = {each["title"]: each["milestone"] for each in state["issues"]}
            told = {
                "Mixed precision": "Sprint 3",
                "Nicer logs": None,
                "Loader leak": "Sprint 1",
                "Found late": "Sprint 3",
            }
            _expect(placed == told, "open work went on to the next sprint, and what was for the backlog to the backlog")
            _expect(list(records) == ["Sprint 1", "Sprint 2", "Sprint 3"], "each sprint left one frozen record")
            carries = [each["carries"] for each in records["Sprint 2"]["carried"]]
            _expect(carries == [2, 1], "the records know what was carried twice")

    def progress(self, folder: Path) -> None:
        with _step(
            "8. A third team works on one milestone for six weeks; every Monday a report says whether it will do"
        ):
            place = folder / "progress"
            place.mkdir()
            reports = tell_progress(
                place, self.github, lambda method, path, body: self._request(method, path, body, PROGRESS_REPOSITORY)
            )
            first, last = reports[0]["milestones"][0], reports[-1]["milestones"][0]
            state = self.github.state(PROGRESS_REPOSITORY)
            lines = "".join(text for path, text in state["branches"]["milepost-data"].items() if path != "README.md")
            _expect(first["verdict"] == "no data", "in the beginning nobody knows")
            _expect(last["p50"] <= last["p85"] and last["scope"] == 30, "after six weeks there is a forecast")
            _expect(lines.count('"day":"2027-03-29"') == 1, "the day's line is on milepost-data, once")
            _expect("@octocat" in state["comments"][0]["body"], "four weeks before it is due people were reminded")
            _expect(any("milepost-report" in each["labels"] for each in state["issues"]), "the report has its issue")

    def release(self) -> None:
        with _step(f"9. All that was planned for {RELEASED} is done, and the milestone is closed: a release"):
            plan = self.workspace / ".github" / "milepost.yml"
            state = self.github.state(REPOSITORY)
            payload = finish_milestone(
                plan, state, lambda method, path, body: self._request(method, path, body, REPOSITORY)
            )
            result = self._act("milestone", "release.yml", payload)
            (release,) = self.github.state(REPOSITORY)["releases"]
            _expect(result.outputs["released"] == "true", "it is released", result)
            _expect(release["tag"] == RELEASED and not release["draft"], f"the release {RELEASED} is public")
            _expect(release["prerelease"], "an alpha is a pre-release")
            _expect("SHA256SUMS" in release["assets"], "the record, the plan file and their checksums are its assets")
            before = len(self.github.journal.writes())
            self._act("milestone", "release.yml", payload)
            _expect(len(self.github.journal.writes()) == before, "the same event once more writes nothing")

    def reproduce(self, folder: Path) -> None:
        with _step(f"10. Somebody needs {RELEASED} again, exactly as it was"):
            text = reproduce(folder, self.github.url, REPOSITORY)
            print("\n".join(f"    {line}" for line in text.splitlines()))
            commit = self.github.state(REPOSITORY)["refs"][f"refs/heads/{BRANCH}"]
            _expect(f"git checkout -q --detach {commit}" in text, "the exact commit is told, with its checksums proven")

    def _gate(self) -> Any:
        payload = {"pull_request": {"number": CHANGE, "head": {"ref": "amp"}, "base": {"ref": "main"}}}
        return self._act("pull_request_target", "gate.yml", payload)

    def _status(self) -> str:
        (statuses,) = self.github.state(REPOSITORY)["statuses"].values()
        return str(statuses[-1]["state"])

    def _comments(self) -> list[Any]:
        return [each for each in self.github.state(REPOSITORY)["comments"] if each["issue"] == CHANGE]

    def _describe(self, text: str) -> None:
        """The author edits the description, as on GitHub's page."""
        self._request("PATCH", f"/pulls/{CHANGE}", {"body": text}, REPOSITORY)

    def _request(self, method: str, path: str, body: dict[str, Any], repository: str) -> None:
        """What a person does on GitHub's pages."""
        request = urllib.request.Request(
            f"{self.github.url}/repos/{repository}{path}",
            json.dumps(body).encode(),
            {"Authorization": "token author-token", "Content-Type": "application/json"},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
        opener.open(request, timeout=10).close()

    def _act(self, event: str, workflow: str, payload: dict[str, Any] | None = None) -> Any:
        from run_act import run_act

        url = self.github.url
        result = run_act(self.workspace, event, github=url, token="job-token", payload=payload, workflow=workflow)
        shown = [line for line in result.text.splitlines() if line.strip()]
        print("\n".join(f"    {line}" for line in shown))
        return result

    def _titles(self) -> list[str]:
        return [each["title"] for each in self.github.state(REPOSITORY)["milestones"]]

    def _due(self) -> list[str]:
        """The days that GitHub shows."""
        from milepost.remote.milestones import due_from_wire

        return [str(due_from_wire(each["due_on"])) for each in self.github.state(REPOSITORY)["milestones"]]


@contextmanager
def _step(title: str) -> Iterator[None]:
    print(f"{title}\n", flush=True)
    yield
    print(flush=True)


def _expect(is_true: bool, what: str, result: Any = None) -> None:
    if not is_true:
        print(result.log() if result else "", file=sys.stderr)
        raise NotAsTold(what)
    print(f"    ✓ {what}", flush=True)


WHERE_TO_LOOK = f"""\
Where to look next:
    {PLAN.relative_to(Path(__file__).resolve().parent.parent)}   the plan file of this story
    actions/sync/README.md           the action of steps 1 to 4: inputs, outputs, permissions
    actions/gate/README.md           the action of steps 5 and 6
    actions/sprint/README.md         the action of step 7
    actions/progress/README.md       the action of step 8
    actions/release/README.md        the action of step 9, and docs/reproduce.md for step 10
    docs/plan-file.md                everything a plan file can say
    python3 scripts/run.py --help    the same on the command line
    python3 scripts/run.py simulate  the embedded GitHub, for trials of your own"""

if __name__ == "__main__":
    sys.exit(main())
