"""The measurements can be made; how they come out depends on the machine, and is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "bench.py"


@pytest.mark.slow
def test_every_figure_is_measured() -> None:
    """The yardsticks, both kinds of start, the gate, the judge, and three rows for each size, none of which wrote anything."""
    found = subprocess.run(
        [sys.executable, "-I", str(BENCH), "--sizes", "2", "3", "--runs", "1"],
        capture_output=True,
        text=True,
        check=False,
    )

    rows = [line.split("|")[1].strip() for line in found.stdout.splitlines() if line.startswith("|")]
    assert 0 == found.returncode, found.stderr
    assert "python3 -c pass" == rows[2]
    assert {"start-up, cold, uv fetched by pip", "start-up, warm"} <= set(rows)
    assert 5 == sum(row.startswith("gate: ") for row in rows)
    assert 2 == sum(row.startswith("verify-gpu: ") for row in rows)
    assert 6 == sum("milestones: " in row for row in rows)
