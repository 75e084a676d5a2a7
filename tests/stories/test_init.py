"""init: what it writes into a repository that has nothing, and what it leaves alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from milepost.actions import init
from milepost.cli import main
from milepost.core.flows import choose_minute
from milepost.errors import ExitCode, Unusable
from milepost.runner.context import Context
from milepost.views.callers import CHECKOUT, Edition
from milepost.world import Outcome, World

ROOT = Path(__file__).parents[2]
SHA = "0123456789abcdef0123456789abcdef01234567"
EVERYTHING = ",".join(init.CHOICES)
WORKFLOWS = Path(".github/workflows")


def adopt(workspace: Path, bench: Any = None, *, context: dict[str, Any] | None = None, **inputs: Any) -> Outcome:
    """init has run in the workspace; with a bench, its repository is read."""
    world = World(
        context=Context(**{"repository": "octo/widgets", "workspace": workspace, **(context or {})}),
        now=datetime(2026, 1, 5, 9, tzinfo=timezone.utc),
        log=print,
        connect=(lambda: bench.client("read-token")) if bench else None,
    )
    outcome = init.run(init.Inputs(**{"sha": SHA, "edition": Edition.REUSABLE, **inputs}), world)
    assert isinstance(outcome, Outcome)
    return outcome


def files(workspace: Path) -> dict[str, bytes]:
    """Every file below the workspace."""
    return {
        str(each.relative_to(workspace)): each.read_bytes() for each in sorted(workspace.rglob("*")) if each.is_file()
    }


def audit(paths: Iterable[Path]) -> str:
    """What zizmor has to say; nothing when it is content."""
    zizmor = shutil.which("zizmor")
    assert zizmor, "zizmor is among the packages of the tests"
    command = [zizmor, "--offline", "--no-progress", "--pedantic", "--quiet", *map(str, paths)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else found.stdout + found.stderr


def test_an_empty_repository_gets_a_plan_a_template_and_callers(tmp_path: Path) -> None:
    """No token, no question: the usual workflows, each with a full commit and its version."""
    outcome = adopt(tmp_path, version="v1.2.3")

    usual = {str(WORKFLOWS / f"milepost-{each}.yml") for each in init.USUAL}
    assert {".github/milepost.yml", ".github/pull_request_template.md", *usual} == set(files(tmp_path))
    assert ExitCode.DONE == outcome.exit_code
    for name in init.USUAL:
        text = (tmp_path / WORKFLOWS / f"milepost-{name}.yml").read_text(encoding="utf-8")
        assert f"    uses: milepost/milepost/.github/workflows/{name}.yml@{SHA} # v1.2.3\n" in text
    assert "Closes #" in (tmp_path / ".github/pull_request_template.md").read_text(encoding="utf-8")
    assert "require the status milepost/gate" in outcome.text


def test_the_first_plan_of_an_empty_repository_is_empty(bench: Any, tmp_path: Path) -> None:
    """The example in the plan file is a comment."""
    adopt(tmp_path / "w", bench)

    outcome = bench.sync((tmp_path / "w/.github/milepost.yml").read_text(encoding="utf-8"), "plan")

    assert "0" == outcome.outputs["changes"]
    assert () == outcome.diagnostics


def test_the_first_plan_of_thirty_milestones_is_empty(new_bench: Callable[..., Any], tmp_path: Path) -> None:
    """With labels, issues and a closed milestone; the default branch is that of the repository."""
    milestones = [
        {"title": f"v{n}", "due_on": "2026-03-01T12:00:00Z", "description": f"Part {n}"} for n in range(1, 31)
    ]
    held = {
        "default_branch": "trunk",
        "labels": [{"name": "bug", "color": "d73a4a"}],
        "milestones": [*milestones, {"title": "v0", "state": "closed"}],
        "issues": [{"title": f"Task {n}", "milestone": n, "labels": ["bug"]} for n in range(1, 31)],
    }
    bench = new_bench(held)

    adopt(tmp_path / "w", bench)
    text = (tmp_path / "w/.github/milepost.yml").read_text(encoding="utf-8")
    outcome = bench.sync(text, "plan")

    assert "0" == outcome.outputs["changes"]
    assert 30 == len(yaml.safe_load(text)["milestones"])
    assert "push: {branches: [trunk]}" in (tmp_path / "w" / WORKFLOWS / "milepost-apply.yml").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("edition", Edition)
def test_what_is_written_passes_the_audits(edition: Edition, tmp_path: Path) -> None:
    """zizmor finds nothing, everything that is granted has a reason, and nothing is granted at the top."""
    adopt(tmp_path, actions=EVERYTHING, edition=edition)
    paths = sorted((tmp_path / WORKFLOWS).glob("*.yml"))

    assert "" == audit(paths)
    assert len(init.CHOICES) == len(paths)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        workflow = yaml.safe_load(text)
        assert {} == workflow["permissions"]
        assert all(
            re.search(r"permissions: \{.+\} # \w", line) for line in text.splitlines() if "permissions: {c" in line
        )
        assert all(job["permissions"] for job in workflow["jobs"].values())


def test_a_caller_is_five_to_ten_lines(tmp_path: Path) -> None:
    """But the gate's: five events, each with a reason to be there."""
    adopt(tmp_path, actions=EVERYTHING)

    sizes = {each.stem: each.read_bytes().count(b"\n") for each in (tmp_path / WORKFLOWS).glob("*.yml")}
    assert 13 == sizes.pop("milepost-gate")
    assert [] == [name for name, size in sizes.items() if not 5 <= size <= 10]


def test_a_caller_gives_only_what_the_workflow_takes(tmp_path: Path) -> None:
    """GitHub rejects a caller with an input that the workflow does not declare, and one that grants less."""
    adopt(tmp_path, actions=EVERYTHING)

    for path in (tmp_path / WORKFLOWS).glob("*.yml"):
        (job,) = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        called = re.search(r"/([\w-]+\.yml)@", job["uses"])
        assert called is not None
        ours = yaml.load((ROOT / WORKFLOWS / called[1]).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        assert set(job.get("with", {})) <= set(ours["on"]["workflow_call"]["inputs"])
        asked = [item for each in ours["jobs"].values() for item in each["permissions"].items()]
        strongest = {scope: "write" if (scope, "write") in asked else "read" for scope, _ in asked}
        assert strongest == job["permissions"]


@pytest.mark.parametrize("is_asked", [False, True])
def test_every_caller_finds_its_section_in_the_plan_file(is_asked: bool, bench: Any, tmp_path: Path) -> None:
    """A release needs one, and has it; sprints are shown how to begin."""
    adopt(tmp_path / "w", bench if is_asked else None, actions="release,sprint")

    text = (tmp_path / "w/.github/milepost.yml").read_text(encoding="utf-8")
    assert {"version": 1, "release": {"milestones": "v*"}} == yaml.safe_load(text)
    assert "# sprints:" in text


def test_a_release_that_a_sprint_dispatches_is_made(tmp_path: Path) -> None:
    """The dispatch gives the milestone only; what is shown instead of made would be no release."""
    adopt(tmp_path, actions="release")

    caller = yaml.load((tmp_path / WORKFLOWS / "milepost-release.yml").read_text("utf-8"), Loader=yaml.BaseLoader)
    assert "apply" == caller["on"]["workflow_dispatch"]["inputs"]["mode"]["default"]
    assert "${{ inputs.mode }}" == caller["jobs"]["release"]["with"]["mode"]


def test_twice_overwrites_nothing(tmp_path: Path) -> None:
    """Not a byte, whatever stands there; what is left is told."""
    adopt(tmp_path, actions=EVERYTHING)
    (tmp_path / ".github/milepost.yml").write_bytes(b"my own\r\n")
    before = files(tmp_path)

    outcome = adopt(tmp_path, actions=EVERYTHING, sha="f" * 40)

    assert before == files(tmp_path)
    assert len(before) == outcome.text.count("left ")
    assert "" == outcome.outputs["written"]
    assert "next: " not in outcome.text


@pytest.mark.parametrize(
    "place", [".github/PULL_REQUEST_TEMPLATE.md", "pull_request_template.md", "docs/pull_request_template.txt"]
)
def test_a_template_that_is_there_stays_and_is_told_its_line(place: str, tmp_path: Path) -> None:
    """Wherever GitHub looks for one; a template with the line needs nothing."""
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("Hello\n", encoding="utf-8")

    lacking = adopt(tmp_path, actions="plan")
    (tmp_path / place).write_text("Closes #\n", encoding="utf-8")
    having = adopt(tmp_path, actions="plan")

    assert f'left {place} as it is; add a line "Closes #" to it' in lacking.text
    assert "add a line" not in having.text
    assert 1 == sum("template" in each.lower() for each in files(tmp_path))


@pytest.mark.parametrize("link", [".github", ".github/workflows"])
def test_no_link_leads_out_of_the_workspace(link: str, tmp_path: Path) -> None:
    """Then nothing at all is written, inside or outside."""
    workspace, outside = tmp_path / "workspace", tmp_path / "outside"
    outside.mkdir()
    (workspace / link).parent.mkdir(parents=True)
    (workspace / link).symlink_to(outside)

    with pytest.raises(Unusable, match="outside of the workspace") as refused:
        adopt(workspace)

    assert {"outside-workspace"} == {each.rule for each in refused.value.diagnostics}
    assert {} == files(tmp_path)


def test_a_link_in_the_place_of_a_file_is_left(tmp_path: Path) -> None:
    """Also one that leads nowhere: what it names does not come into being."""
    workspace = tmp_path / "workspace"
    (workspace / ".github").mkdir(parents=True)
    (workspace / ".github/milepost.yml").symlink_to(tmp_path / "elsewhere.yml")

    outcome = adopt(workspace)

    assert "left .github/milepost.yml as it is" in outcome.text
    assert not (tmp_path / "elsewhere.yml").exists()


def test_sprints_are_adopted_when_the_plan_has_them(tmp_path: Path) -> None:
    """The plan file that is there decides."""
    (tmp_path / ".github").mkdir()
    plan = (
        'version: 1\nsprints: [{title: "Sprint {number}", anchor: {number: 1, start: 2027-01-04}, length: 2 weeks}]\n'
    )
    (tmp_path / ".github/milepost.yml").write_text(plan, encoding="utf-8")

    adopt(tmp_path)

    assert (tmp_path / WORKFLOWS / "milepost-sprint.yml").exists()


def test_enterprise_server_gets_steps_of_a_mirror(tmp_path: Path) -> None:
    """It cannot run the suite's workflows; Enterprise Cloud can."""
    server = {"server_url": "https://git.example", "api_url": "https://git.example/api/v3"}
    cloud = {"server_url": "https://acme.ghe.com", "api_url": "https://api.acme.ghe.com"}

    adopt(tmp_path / "server", edition=None, context=server, uses="tools/milepost")
    adopt(tmp_path / "cloud", edition=None, context=cloud)

    text = (tmp_path / "server" / WORKFLOWS / "milepost-plan.yml").read_text(encoding="utf-8")
    assert f"      - uses: tools/milepost/actions/sync@{SHA}" in text
    assert f"      - uses: {CHECKOUT}" in text
    assert CHECKOUT in (ROOT / WORKFLOWS / "ci.yml").read_text(encoding="utf-8")
    assert "/workflows/plan.yml@" in (tmp_path / "cloud" / WORKFLOWS / "milepost-plan.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"actions": "plan,deploy"}, "there is no 'deploy'"),
        ({"sha": "v1"}, "'v1' is not a full commit"),
        ({"version": "v1 # x\n"}, "is not a version"),
        ({"uses": "milepost"}, "'milepost' is not a repository"),
    ],
)
def test_a_wrong_input_writes_nothing(inputs: dict[str, Any], said: str, tmp_path: Path) -> None:
    """It is told before the first file."""
    with pytest.raises(Unusable, match=re.escape(said)):
        adopt(tmp_path, **inputs)

    assert {} == files(tmp_path)


def test_without_a_known_commit_it_must_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is guessed, and nothing is written."""
    monkeypatch.setattr(init, "read_commit", lambda: None)

    with pytest.raises(Unusable, match="does not know from which commit") as refused:
        adopt(tmp_path, sha="")

    assert ["no-commit"] == [each.rule for each in refused.value.diagnostics]
    assert {} == files(tmp_path)


def test_schedules_avoid_the_full_hour_and_each_other() -> None:
    """A repository keeps its minute; a thousand of them are spread over the hour."""
    minutes = [choose_minute(f"octo/r{n}", "sprint") for n in range(1000)]

    assert choose_minute("Octo/Widgets", "sprint") == choose_minute("octo/widgets", "sprint")
    assert set(range(1, 60)) == set(minutes)


def test_the_command_says_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON for programs; from a checkout the commit is known."""
    monkeypatch.chdir(tmp_path)

    assert 0 == main(["init", "--repository", "octo/widgets", "--actions", "plan", "--format", "json"])

    told = json.loads(capsys.readouterr().out)
    assert [".github/milepost.yml", ".github/pull_request_template.md", ".github/workflows/milepost-plan.yml"] == told[
        "written"
    ]
    assert re.search(
        r"plan\.yml@[0-9a-f]{40} # v[0-9.]+\n", (WORKFLOWS / "milepost-plan.yml").read_text(encoding="utf-8")
    )
