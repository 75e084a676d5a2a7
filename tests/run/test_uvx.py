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
    """The README's command: the wheel holds the schema and every module that `validate` and `simulate` need."""
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

    assert 0 == found.returncode, found.stderr
    assert "valid; 2 labels, 2 milestones, 4 issues" in found.stdout
    assert address.startswith("http://127.0.0.1:")
