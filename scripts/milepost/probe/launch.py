"""Probes this machine: `python3 launch.py --python PATH --level quick|full --needs FILE --out FOLDER`.

It needs Python 3.8 and its standard library, no network and no token, and writes FOLDER/facts.json whatever happens.
The programs that look and compute run in the inspected interpreter, each in a process of its own.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":  # run by path: begin again as a module of a package, with nothing of others on the path
    start = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
    os.execv(sys.executable, [sys.executable, "-I", "-B", start, str(os.getppid()), "launch", *sys.argv[1:]])

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .child import Child, clean_environment
from .facts import Reports, assemble
from .journal import Reader, Step
from .watch import Outcome, Unstarted, Watch, limit_by

LEVELS = ("quick", "full")
MOST_RESTARTS = 3
# Seconds that a step may take, by level; whoever is silent for longer is hung. docs/gpu.md gives the reasons.
DEADLINES = {
    "quick": {"import": 120.0, "imports": 120.0, "init": 60.0, "nvml": 30.0, "ground": 10.0, "step": 30.0},
    "full": {"import": 120.0, "imports": 120.0, "init": 60.0, "nvml": 30.0, "ground": 10.0, "step": 60.0},
}
ALONE = {"compile": 300.0, "dataloader": 60.0, "nccl": 120.0, "peer": 120.0, "files": 60.0}
SMALL_LOADER = {"workers": 2, "shm": 8 * 1024 * 1024}


@dataclass(frozen=True)
class Options:
    """What only tests and the self-test change: time, the root of the machine's files, and further probes."""

    scale: float = 1.0
    root: str = "/"
    extra: str | None = None
    deadlines: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def run_probe(python: str, level: str, needs: Mapping[str, Any], folder: Path, options: Options | None = None) -> Path:
    """The file `facts.json` in the folder tells what was found, and what could not be found and why."""
    started, clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic()
    work = tempfile.mkdtemp(prefix="milepost-probe-")
    try:
        reports = Round(python, level, needs, Path(work), options or Options()).run()
    finally:
        shutil.rmtree(work, ignore_errors=True)  # a process that cannot be ended may still write there
    facts = assemble(reports, level, started, int((time.monotonic() - clock) * 1000))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "facts.json"
    path.write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


class Round:
    """One probing of one interpreter: its processes, one after another except for the first two."""

    def __init__(self, python: str, level: str, needs: Mapping[str, Any], work: Path, options: Options) -> None:
        self.level, self.needs, self.work, self.options = level, needs, work, options
        self.python = os.path.abspath(shutil.which(python, path=options.environment.get("PATH")) or python)
        self.reports = Reports(python=self.python)
        limits = {**DEADLINES[level], **ALONE, **options.deadlines}
        self.deadline = limit_by(limits, limits["step"])
        self.environment = clean_environment(options.environment, work)
        self.count = 0
        self.has_given_up = False

    def run(self) -> Reports:
        """What every process told."""
        arguments = (self.level, self.options.root)
        nvml = self._start("nvml", ())
        ground = self._start("ground", arguments)
        self.reports.nvml = nvml.follow(self.deadline)
        self.reports.ground = ground.follow(lambda name: self.deadline("files" if name == "files" else "ground"))
        self._run_torch()
        for program in self._list_alone():
            self._run_alone(program)
        return self.reports

    def _start(
        self, program: str, arguments: tuple[str, ...], *, task: dict[str, Any] | None = None
    ) -> Watch | Unstarted:
        """The program has been started in the inspected interpreter."""
        self.count += 1
        place = self.work / f"{self.count}-{program}"
        journal = place.with_suffix(".journal")
        first = task["program"] if task else program
        if task is not None:
            given = place.with_suffix(".task")
            given.write_text(json.dumps({**task, "journal": str(journal)}), encoding="utf-8")
            arguments = (str(given),)
        else:
            arguments = (str(journal), *arguments)
        start = str(Path(__file__).resolve().with_name("start.py"))
        command = [self.python, start, str(os.getpid()), program, *arguments]
        step = ("import" if first == "torch" else first, None)
        try:
            child = Child(command, self.environment, place, place.with_suffix(".output"))
        except OSError as trouble:
            return Unstarted(step, trouble)
        return Watch(child, Reader(journal), step, self.options.scale)

    def _run_torch(self) -> None:
        """Every step has been taken or given up: after a fault another process takes the rest."""
        done: list[Step] = []
        faults: dict[str | None, int] = {}
        plan: list[Step] | None = None
        while True:
            outcome = self._start("worker", (), task=self._task("torch", done)).follow(self.deadline)
            plan = plan if outcome.plan is None else outcome.plan
            self._keep(outcome, done)
            if outcome.fault is None:
                break
            step = outcome.fault.step
            faults[step[1]] = faults.get(step[1], 0) + 1
            if step[0] in ("import", "init", "exit") or outcome.fault.status == "unkillable":
                break
            if faults[step[1]] > MOST_RESTARTS:
                self._give_up([each for each in plan or [] if each[1] == step[1]], done)
        self._give_up(plan or [], done)

    def _task(self, program: str, done: list[Step]) -> dict[str, Any]:
        loader = self.needs.get("dataloader") or SMALL_LOADER
        return {
            "program": program,
            "level": self.level,
            "device": self.needs.get("device") or "cuda",
            "imports": list(self.needs.get("imports") or ()),
            "extra": self.options.extra,
            "done": done,
            "processes": 2,
            "dataloader": {"workers": loader["workers"], "memory": loader["shm"]},
        }

    def _keep(self, outcome: Outcome, done: list[Step]) -> None:
        """The results are kept; steps that every process takes count once while they pass."""
        self.reports.torch.append(outcome)
        for event in outcome.results:
            step = (event["step"][0], event["step"][1])
            if step not in done or event["status"] != "ok":
                self.reports.results.append(event)
                done.append(step)
        fault = outcome.fault
        if fault is not None and (fault.step not in done or fault.status != "error"):
            self.has_given_up = self.has_given_up or fault.status == "unkillable"
            self.reports.results.append({**vars(fault), "step": fault.step, "ms": None, "detail": None})
            done.append(fault.step)

    def _give_up(self, steps: list[Step], done: list[Step]) -> None:
        """Steps that are not done will not be run."""
        for step in steps:
            if step not in done:
                error = "not run, because of what came before"
                self.reports.results.append({"step": step, "status": "not-run", "error": error, "reason": "error"})
                done.append(step)

    def _list_alone(self) -> list[str]:
        """The probes that have processes of their own: by level, by what is declared, by how many GPUs there are."""
        many = self.level == "full" and len(self.reports.list_devices()) > 1
        return [
            name
            for name, is_wanted in (
                ("compile", self.level == "full" or self.needs.get("compile")),
                ("dataloader", self.level == "full" or self.needs.get("dataloader")),
                ("nccl", many or self.needs.get("nccl")),
                ("peer", many or self.needs.get("peer")),
            )
            if is_wanted
        ]

    def _run_alone(self, program: str) -> None:
        """The probe has been run; or not, when torch or the devices that it needs did not get that far."""
        needed = "import" if program == "dataloader" or self.needs.get("device") == "cpu" else "init"
        if self.has_given_up or not self.reports.has_passed(needed):
            self._give_up([(program, None)], [])
            return
        outcome = self._start("worker", (), task=self._task(program, [])).follow(self.deadline)
        fault = outcome.fault
        self.reports.results.extend(outcome.results)
        if fault is not None and (fault.status != "error" or fault.reason == "garbage"):
            blamed = {**vars(fault), "step": (program, None), "ms": None, "detail": None}
            self.reports.results.append(blamed)
            self.has_given_up = fault.status == "unkillable"


def read_needs(path: str | None) -> dict[str, Any]:
    """The needs in the file; raises ValueError when they are not of the known form."""
    if path is None:
        return {}
    needs = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(needs, dict):
        raise ValueError("the needs are not a JSON object")
    loader, imports = needs.get("dataloader"), needs.get("imports") or []
    if loader is not None and not (
        isinstance(loader, dict) and all(_is_size(loader, key) for key in ("workers", "shm"))
    ):
        raise ValueError("dataloader wants `workers` and `shm`, whole numbers above zero")
    if not isinstance(imports, list) or not all(isinstance(each, str) and each for each in imports):
        raise ValueError("imports wants a list of module names")
    if needs.get("device") not in (None, "cuda", "cpu"):
        raise ValueError("device is cuda or cpu")
    return needs


def _is_size(loader: dict[str, Any], key: str) -> bool:
    value = loader.get(key)
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def main(argv: list[str]) -> int:
    """The facts are written; the value is 2 when what was asked cannot be understood."""
    parser = argparse.ArgumentParser(prog="launch.py", description="Probes this machine and writes facts.json.")
    parser.add_argument("--python", required=True, help="the interpreter to inspect")
    parser.add_argument("--level", choices=LEVELS, default="quick")
    parser.add_argument("--needs", help="a JSON file: what the environment declares that it needs")
    parser.add_argument("--out", required=True, help="the folder for facts.json")
    parser.add_argument("--scale", type=float, default=1.0, help="all deadlines are multiplied by it")
    given = parser.parse_args(argv)
    try:
        needs = read_needs(given.needs)
    except (OSError, ValueError) as trouble:
        parser.error(f"{given.needs}: {trouble}")
    run_probe(given.python, given.level, needs, Path(given.out), Options(scale=given.scale))
    return 0
