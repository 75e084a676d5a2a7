"""The action verify-gpu, with the facts of a machine in place of a probe; the probe itself has its own tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from milepost import probing
from milepost.actions import verify_gpu
from milepost.actions.verify_gpu import Inputs, Mode, Where
from milepost.core.facts import Level
from milepost.core.milestones import wanted_line
from milepost.errors import ExitCode, Unusable
from milepost.planfile.load import load_plan_text
from milepost.runner.context import Context
from milepost.world import Outcome, World

NOW = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
DIGEST = "sha256:" + "a" * 64
PLAN = f"""\
version: 1
environments:
  prod:
    image: ghcr.io/acme/torch@{DIGEST}
    torch: "==2.11.*"
    cuda: "13.0"
    gpu: {{count: ">=1", name: [H100], memory: ">=80 GB"}}
  old: {{torch: "==2.9.*", cuda: "12.1"}}
milestones:
  - {{title: v1, environment: prod}}
  - {{title: v2, environment: old}}
"""
SCHEMA = Path(verify_gpu.__file__).parents[1] / "views" / "verdict.schema.json"


@dataclass
class Step:
    """A step of a job with verify-gpu: its workspace, the machine under it, and how often that was probed."""

    workspace: Path
    machine: Any
    plan: str = PLAN
    levels: list[str] = field(default_factory=list)
    needs: list[Mapping[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    client: Any = None
    now: datetime = NOW

    def probe(self, python: str, level: str, needs: Mapping[str, Any], folder: Path) -> Path:
        """As `run_probe`, but the machine is the one given."""
        self.levels.append(level)
        self.needs.append(needs)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "facts.json"
        path.write_text(json.dumps(self.machine.value), encoding="utf-8")
        return path

    def run(self, context: Mapping[str, Any] | None = None, **inputs: Any) -> Outcome:
        """The action has run; raises what it raises."""
        (self.workspace / "plan.yml").write_text(self.plan, encoding="utf-8")
        world = World(
            context=Context(
                workspace=self.workspace, tool_cache=self.workspace / "cache", run_id="7", **(context or {})
            ),
            now=self.now,
            log=self.log.append,
            client=self.client,
        )
        given = {"environment": "prod", "token": "", "plan": Path("plan.yml"), "python": "python3", **inputs}
        outcome = verify_gpu.run(Inputs(**given), world)
        assert isinstance(outcome, Outcome)
        return outcome

    def report(self) -> Any:
        """environment.json as it was written."""
        return json.loads((self.workspace / "milepost-gpu" / "environment.json").read_text(encoding="utf-8"))


@pytest.fixture
def step(tmp_path: Path, machine: Any, monkeypatch: pytest.MonkeyPatch) -> Step:
    """A step on the healthy machine."""
    made = Step(tmp_path, machine)
    monkeypatch.setattr(probing, "run_probe", made.probe)
    return made


def test_a_good_machine_passes_and_leaves_a_report(step: Step) -> None:
    """Exit status 0, every output, and environment.json in the published shape."""
    outcome = step.run(level=Level.FULL)

    assert ExitCode.DONE is outcome.exit_code
    assert {
        "verdict": "pass",
        "environment": "prod",
        "torch": "2.11.0+cu130",
        "cuda": "13.0",
        "driver": "580.126.09",
        "gpus": "1 × NVIDIA H100 80GB HBM3, 85.5 GB, 9.0",
        "host": "sha256:host",
        "report": "milepost-gpu/environment.json",
    } == outcome.outputs
    jsonschema.validate(step.report(), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert ("pass", "full", f"ghcr.io/acme/torch@{DIGEST}") == tuple(
        step.report()[name] for name in ("verdict", "level", "image")
    )


def test_a_bad_machine_fails_with_the_cause_first(step: Step) -> None:
    """Exit status 1; log, summary, annotations and report begin with the same finding."""
    step.machine = step.machine.put("/torch/version", "2.11.0+cpu").put("/gpus/0/name", "NVIDIA A10")

    outcome = step.run()

    assert ExitCode.NO is outcome.exit_code
    assert ["torch-cpu-only", "gpu-name"] == [each.rule for each in outcome.diagnostics]
    assert [0, 1] == [each.order for each in outcome.diagnostics]
    assert "torch-cpu-only" == step.report()["findings"][0]["id"]
    assert outcome.summary.startswith("### ❌ fail: `prod` on `sha256:host`")
    assert "| torch | `==2.11.*` | `2.11.0+cpu` |" in outcome.summary


def test_the_summary_shows_hostile_facts_as_they_are(step: Step) -> None:
    """A GPU whose name is Markdown, a workflow command or a mention makes nothing of it."""
    step.machine = step.machine.put("/gpus/0/name", "H100 | <b>@octocat</b> ::error::x\n##[add-mask]y")

    outcome = step.run()

    assert "<b>" not in outcome.summary.replace("`1 × H100 \\| <b>", "")
    assert "\n##[" not in outcome.text
    assert "\n::error" not in outcome.text


@pytest.mark.parametrize(
    ("inputs", "event", "payload"),
    [
        ({"environment": "prod"}, "push", {}),
        ({"environment": "", "milestone": "v1"}, "push", {}),
        ({"environment": ""}, "release", {"release": {"tag_name": "v1"}}),
        ({"environment": ""}, "release", {"release": {"tag_name": "2026.1", "name": "v1"}}),
    ],
)
def test_the_environment_is_the_one_that_is_meant(
    inputs: Mapping[str, Any], event: str, payload: Mapping[str, Any], step: Step
) -> None:
    """By the inputs, or by the release that the run is about; no network is needed for it."""
    outcome = step.run({"event": event, "payload": payload}, **inputs)

    assert "prod" == outcome.outputs["environment"]


def test_an_environment_that_is_not_clear_is_unusable(step: Step) -> None:
    """Two milestones name one, and nobody says which is meant."""
    with pytest.raises(Unusable) as caught:
        step.run(environment="")

    assert ["no-environment"] == [each.rule for each in caught.value.diagnostics]
    assert [] == step.levels


def test_the_only_open_milestone_decides(step: Step, make_github: Callable[..., Any]) -> None:
    """GitHub is asked which milestones are open, and only when nothing else says it."""
    from milepost.remote.client import Access, connect

    github = make_github({"milestones": [{"title": "v1"}, {"title": "v2", "state": "closed"}]})
    access = Access(token="workflow-token", repository="octo/widgets", api_url=github.url)
    step.client = connect(access, log=step.log.append)

    outcome = step.run(environment="")

    assert "prod" == outcome.outputs["environment"]
    assert 1 == len(github.journal.reads())


@pytest.mark.parametrize(("copied", "rules"), [("prod", []), ("staging", ["requirements-drift"])])
def test_a_copy_that_says_something_else_is_refused(
    copied: str, rules: list[str], step: Step, make_github: Callable[..., Any]
) -> None:
    """The milestone's block names the environment, too; nothing is probed while the two disagree."""
    from milepost.remote.client import Access, connect

    desired, _ = load_plan_text(PLAN.encode(), file="plan.yml", workspace=None)
    assert desired is not None
    line = wanted_line(desired.milestones[0], desired).replace("environment=prod", f"environment={copied}")
    block = f"```milepost\nsync {line}\n```"
    github = make_github({"milestones": [{"title": "v1", "description": block}]})
    access = Access(token="workflow-token", repository="octo/widgets", api_url=github.url)
    step.client = connect(access, log=step.log.append)

    try:
        found = [each.rule for each in step.run(environment="", milestone="v1").diagnostics]
    except Unusable as trouble:
        found = [each.rule for each in trouble.diagnostics]

    assert rules == found
    assert bool(rules) == (step.levels == [])


def test_a_copy_that_cannot_be_read_is_told(step: Step, make_github: Callable[..., Any]) -> None:
    """The plan file is what counts, and the machine is judged all the same."""
    from milepost.remote.client import Access, connect

    github = make_github({"private": True})
    access = Access(token="mallory-token", repository="octo/widgets", api_url=github.url)
    step.client = connect(access, log=step.log.append)

    outcome = step.run(environment="", milestone="v1")

    assert ["block-unread"] == [each.rule for each in outcome.diagnostics]
    assert ExitCode.DONE is outcome.exit_code


def test_a_pull_request_is_judged_by_the_plan_of_its_base(step: Step, make_github: Callable[..., Any]) -> None:
    """What the pull request's own plan file says does not count."""
    from milepost.remote.client import Access, connect

    github = make_github({"files": {"plan.yml": PLAN}})
    access = Access(token="workflow-token", repository="octo/widgets", api_url=github.url)
    step.client, step.plan = connect(access, log=step.log.append), "version: 1\nenvironments: {prod: {}}\n"
    payload = {"pull_request": {"number": 1, "base": {"sha": "main"}, "milestone": {"title": "v1"}}}
    step.machine = step.machine.put("/gpus/0/name", "NVIDIA A10")

    outcome = step.run({"event": "pull_request", "payload": payload}, environment="")

    assert ["gpu-name"] == [each.rule for each in outcome.diagnostics]


def test_a_first_step_reads_the_plan_from_github(step: Step, make_github: Callable[..., Any]) -> None:
    """Nothing is checked out; the plan file is that of the deployed commit."""
    from milepost.remote.client import Access, connect

    github = make_github({"files": {"other.yml": PLAN}})
    access = Access(token="workflow-token", repository="octo/widgets", api_url=github.url)
    step.client = connect(access, log=step.log.append)

    outcome = step.run({"event": "push", "sha": "main"}, plan=Path("other.yml"))

    assert ExitCode.DONE is outcome.exit_code


def test_a_plan_that_is_nowhere_is_unusable(step: Step, make_github: Callable[..., Any]) -> None:
    """Neither in the workspace nor on GitHub."""
    from milepost.remote.client import Access, connect

    access = Access(token="workflow-token", repository="octo/widgets", api_url=make_github().url)
    step.client = connect(access, log=step.log.append)

    with pytest.raises(Unusable) as caught:
        step.run({"event": "push", "sha": "main"}, plan=Path("other.yml"))

    assert ["missing-plan"] == [each.rule for each in caught.value.diagnostics]


def test_a_pull_request_whose_base_cannot_be_read_is_unusable(step: Step) -> None:
    """Without a token; its own plan file is not taken instead."""
    with pytest.raises(Unusable) as caught:
        step.run({"event": "pull_request", "payload": {"pull_request": {"base": {"sha": "b" * 40}}}})

    assert ["base-unread"] == [each.rule for each in caught.value.diagnostics]


def test_a_declaration_that_cannot_be_is_part_of_the_verdict(step: Step) -> None:
    """torch 2.9 was never published for CUDA 12.1."""
    outcome = step.run(environment="old")

    assert ExitCode.NO is outcome.exit_code
    assert "pair-unpublished" == outcome.diagnostics[0].rule


def test_what_is_declared_is_what_is_tried(step: Step) -> None:
    """The probe is told the device and every need."""
    step.plan = PLAN.replace(
        '    cuda: "13.0"\n',
        '    cuda: "13.0"\n    needs: {compile: true, imports: [torchvision], dataloader: {workers: 2, shm: 1 GB}}\n',
    )

    step.run()

    assert [
        {
            "device": "cuda",
            "compile": True,
            "dataloader": {"workers": 2, "shm": 10**9},
            "imports": ["torchvision"],
            "nccl": False,
            "peer": False,
        }
    ] == step.needs


def test_a_full_pass_of_before_saves_a_full_probe(step: Step) -> None:
    """The quick probe runs always; it shows that it is the same machine."""
    step.run(level=Level.FULL)
    step.now += timedelta(hours=23)

    again = step.run(level=Level.FULL, max_age="24h")

    assert ["full", "quick"] == step.levels
    assert ExitCode.DONE is again.exit_code
    assert "the full pass of 2026-11-24T09:00:00Z still holds" in again.text


CHANGES: dict[str, Callable[[Step], Any]] = {
    "too old": lambda step: setattr(step, "now", NOW + timedelta(hours=25)),
    "driver": lambda step: setattr(step, "machine", step.machine.put("/driver/version", "590.48.01")),
    "boot": lambda step: setattr(step, "machine", step.machine.put("/host/boot_id", "another")),
    "GPUs": lambda step: setattr(step, "machine", step.machine.put("/gpus/0/uuid", "GPU-9")),
    "machine": lambda step: setattr(step, "machine", step.machine.put("/host/id", "sha256:another")),
    "requirements": lambda step: setattr(step, "plan", PLAN.replace(">=80 GB", ">=79 GB")),
    "image": lambda step: setattr(step, "plan", PLAN.replace("a" * 64, "b" * 64)),
    "without a digest": lambda step: setattr(step, "plan", PLAN.replace(f"@{DIGEST}", ":v1")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_anything_else_is_probed_in_full(what: str, step: Step) -> None:
    """Another driver, boot, GPU, machine, declaration or image, or too long ago."""
    step.run(level=Level.FULL)
    CHANGES[what](step)

    step.run(level=Level.FULL, max_age="24h")

    assert ["full", "quick", "full"] == step.levels


def test_a_pull_request_reuses_nothing(step: Step, make_github: Callable[..., Any]) -> None:
    """Somebody else's run may not vouch for it."""
    from milepost.remote.client import Access, connect

    github = make_github({"files": {"plan.yml": PLAN}})
    access = Access(token="workflow-token", repository="octo/widgets", api_url=github.url)
    step.run(level=Level.FULL)
    step.client = connect(access, log=step.log.append)
    payload = {"pull_request": {"number": 1, "base": {"sha": "main"}}}

    step.run({"event": "pull_request", "payload": payload}, level=Level.FULL, max_age="24h")

    assert ["full", "full"] == step.levels


def test_a_time_that_is_none_is_unusable(step: Step) -> None:
    """Before anything is probed."""
    with pytest.raises(Unusable) as caught:
        step.run(max_age="tomorrow")

    assert ["bad-age"] == [each.rule for each in caught.value.diagnostics]


def test_an_interpreter_that_is_not_there_is_unusable(step: Step) -> None:
    """The message names it."""
    with pytest.raises(Unusable) as caught:
        step.run(python="/opt/nowhere/python3")

    assert ["no-python"] == [each.rule for each in caught.value.diagnostics]
    assert "/opt/nowhere/python3" in caught.value.diagnostics[0].summary


def test_another_machine_than_the_verified_one_fails(step: Step) -> None:
    """`expect-host` ties a later job to the machine."""
    outcome = step.run(expect_host="sha256:verified")

    assert ExitCode.NO is outcome.exit_code
    assert "wrong-host" == outcome.diagnostics[0].rule


def test_drift_is_told_and_blocks_nothing(step: Step) -> None:
    """Against the report of the last release, where a step before has put it."""
    released = step.workspace / "milepost-gpu" / "released" / "environment.json"
    step.run()
    released.parent.mkdir()
    released.write_text(json.dumps(step.report()), encoding="utf-8")
    step.machine = step.machine.put("/driver/version", "590.48.01")

    outcome = step.run()

    assert ExitCode.DONE is outcome.exit_code
    (drift,) = [each for each in outcome.diagnostics if each.rule == "drift"]
    assert "driver was 580.126.09, is 590.48.01" == drift.summary


def test_a_fleet_is_one_table_with_its_outliers(step: Step) -> None:
    """Every machine is judged; what is unlike most of them is in bold type."""
    folder = step.workspace / "milepost-gpu"
    for name, version in (("a", "580.126.09"), ("b", "580.126.09"), ("c", "590.48.01")):
        (folder / name).mkdir(parents=True)
        machine = step.machine.put("/driver/version", version)
        (folder / name / "facts.json").write_text(json.dumps(machine.value), encoding="utf-8")
    (folder / "b" / "facts.json").write_text("{", encoding="utf-8")

    outcome = step.run(where=Where.FACTS)

    assert ExitCode.NO is outcome.exit_code
    assert {"a/facts.json": "pass", "b/facts.json": "unproven", "c/facts.json": "pass"} == outcome.data["machines"]
    assert ["b/facts.json", "c/facts.json"] == outcome.data["outliers"]
    assert "**`590.48.01`**" in outcome.summary
    assert [] == step.levels


def test_a_fleet_without_facts_is_unusable(step: Step) -> None:
    """The message names the folder."""
    with pytest.raises(Unusable) as caught:
        step.run(where=Where.FACTS)

    assert ["no-facts"] == [each.rule for each in caught.value.diagnostics]


def test_a_capture_is_an_entry_that_the_machine_meets(step: Step) -> None:
    """What is printed can be put into the plan file; judged by it, the machine passes."""
    captured = step.run(mode=Mode.CAPTURE, environment="gpu")
    step.plan = f"version: 1\n{captured.text}"

    outcome = step.run(environment="gpu")

    assert (ExitCode.DONE, ExitCode.DONE) == (captured.exit_code, outcome.exit_code)
    assert 'torch: "==2.11.0"' in captured.text
    assert [] == [each for each in outcome.diagnostics if each.severity.value == "error"]


def test_a_machine_with_a_failed_probe_is_not_captured(step: Step) -> None:
    """Exit status 1, and the probe that failed."""
    step.machine = step.machine.got("matmul.bf16", "wrong")

    outcome = step.run(mode=Mode.CAPTURE)

    assert ExitCode.NO is outcome.exit_code
    assert ["not-captured", "probe-matmul"] == [each.rule for each in outcome.diagnostics]


def test_an_environment_without_an_image_has_none_to_look_at(step: Step) -> None:
    """`where: registry` says what to write."""
    step.plan = "version: 1\nenvironments: {prod: {}}\n"

    with pytest.raises(Unusable) as caught:
        step.run(where=Where.REGISTRY)

    assert ["no-image"] == [each.rule for each in caught.value.diagnostics]


def test_an_impossible_declaration_takes_no_registry(step: Step) -> None:
    """It is refused before anybody is asked, with the list of what was published."""
    outcome = step.run(where=Where.REGISTRY, environment="old")

    assert ExitCode.UNUSABLE is outcome.exit_code
    assert "pair-unpublished" == outcome.diagnostics[0].rule
    assert "12.6" in outcome.diagnostics[0].why


def test_a_workspace_that_cannot_be_written_is_explained(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's container runs as another user than the runner: the message says what to write."""

    def refuse(path: Path, value: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(verify_gpu, "write_json", refuse)

    with pytest.raises(Unusable) as caught:
        step.run()

    assert ["report-not-written"] == [each.rule for each in caught.value.diagnostics]
    assert "--user root" in caught.value.diagnostics[0].help
