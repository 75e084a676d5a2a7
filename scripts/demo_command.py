"""A command of the demo, run as a person runs it: by run.py, with nothing of the caller's own settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RUN = Path(__file__).resolve().parent / "run.py"
FOREIGN = ("GITHUB_", "INPUT_", "RUNNER_")


def run_command(folder: Path, arguments: Sequence[str]) -> str:
    """What the command printed; raises RuntimeError when it failed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    finished = subprocess.run(
        [sys.executable, str(RUN), *arguments],
        cwd=folder,
        env={**environment, "GITHUB_TOKEN": "job-token"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(finished.stdout + finished.stderr)
    return finished.stdout
