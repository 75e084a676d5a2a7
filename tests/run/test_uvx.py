"""The command line without a clone: built from the repository, and run by uvx."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_uvx_runs_it_from_a_repository(tmp_path: Path) -> None:
    """The README's command: the wheel holds the schema and every module that `validate`, `simulate` and `init` need.

    What `init` writes names the commit that uv has fetched; a second time it writes nothing.
    """
    uv = shutil.which("uv")
    assert uv, "uv is among the packages of the tests"
    plan = ROOT / "tests" / "plans" / "valid" / "article.yml"
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "UV_", "GITHUB"))}
    milepost = [
        uv,
        "tool",
        "run",
        "--no-config",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--from",
        f"git+{ROOT.as_uri()}",
    ]

    found = subprocess.run(
        [*milepost, "milepost", "validate", "--plan", str(plan)],
        env=settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    with subprocess.Popen(
        [*milepost, "milepost", "simulate"], env=settings, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline()
        server.terminate()

    workspace = tmp_path / "workspace"
    workspace.mkdir()
    adopted, again, looked = (
        subprocess.run(
            [*milepost, "milepost", command], env=settings, cwd=workspace, capture_output=True, text=True, check=False
        )
        for command in ("init", "init", "doctor")
    )

    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    caller = (workspace / ".github" / "workflows" / "milepost-plan.yml").read_text(encoding="utf-8")
    assert [0, 0, 0] == [each.returncode for each in (adopted, again, looked)], adopted.stderr + looked.stdout
    assert f"/plan.yml@{head.strip()} # v" in caller
    assert "wrote .github/milepost.yml" in adopted.stdout
    assert "wrote" not in again.stdout
    assert "fine     permissions" in looked.stdout
    assert 0 == found.returncode, found.stderr
    assert "valid; 2 labels, 2 milestones, 4 issues" in found.stdout
    assert address.startswith("http://127.0.0.1:")
