"""What a probe of this machine found, for every action that looks at one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from milepost.core.facts import Facts, Level, read_facts
from milepost.diagnostics import Rule, Severity
from milepost.errors import Unusable
from milepost.probe.launch import run_probe
from milepost.runner.files import read_json

NO_PYTHON = Rule("no-python", Severity.ERROR, "The interpreter that is to be inspected is not there.")
RULES = (NO_PYTHON,)


def probe_machine(python: str, level: Level, needs: Mapping[str, Any], folder: Path) -> Facts:
    """What the probe found, which is also in the folder's `facts.json`; raises Unusable without the interpreter."""
    found = shutil.which(python)
    if found is None:
        summary = f"python: there is no interpreter {python!r}"
        raise Unusable([NO_PYTHON.found(summary, help="give the path of the image's interpreter")])
    return read_facts(read_json(run_probe(found, level.value, needs, folder)))
