"""Measures requests, time and memory of whole commands, and prints them as ratios of one run.

python3 scripts/bench.py                     all of it, some minutes
python3 scripts/bench.py --sizes 10 --runs 1  a quick look

Every figure is of a process of its own, as an action starts it, against the embedded GitHub in another process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
RUN = SCRIPTS / "run.py"
LOCK = SCRIPTS / "locks" / "sync.txt"
REPOSITORY = "octo/widgets"
SIZES = (10, 100, 1000)
ISSUES_EACH = 10
PROGRESS_DAY = "2027-02-20"
RUNS = 7
WHERE = ("--repository", REPOSITORY, "--token", "bench-token")
IMPORTS = "import github, yaml, jsonschema"
MIB = 1024 * 1024
JUDGED = 100
JUDGE = f"""
import json, datetime
from milepost.core.facts import Level, read_facts
from milepost.core.gpu.judge import judge
from milepost.data.load import load_data
from milepost.planfile.load import load_plan_text
plan = b"version: 1\\nenvironments: {{{{x: {{{{torch: '2.11', cuda: '13.0', gpu: {{{{count: '>=1', name: [H100]}}}}}}}}}}}}"
environment = load_plan_text(plan, file="x", workspace=None)[0].environments["x"]
value, data, today = json.load(open({{facts!r}})), load_data(), datetime.date(2026, 11, 24)
for _ in range({JUDGED}):
    judge(read_facts(value), environment, data, level=Level.FULL, today=today)
"""
PERMISSIONS = {"contents": "write", "issues": "write", "pull-requests": "write", "statuses": "write"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One command: its median time in seconds, its peak memory in bytes, and how many requests it sent."""

    name: str
    seconds: float
    memory: int
    requests: int | None = None


class Failed(Exception):
    """A command that is measured did not end as it should."""


def main(argv: list[str]) -> int:
    """The table is printed; the value is 0 when every command ended as it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", nargs="+", type=int, default=SIZES, metavar="N", help="milestones, each with 10 issues"
    )
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each start-up; the median counts")
    given = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="milepost-bench-") as folder:
            bench = Bench(Path(folder), given.runs)
            start = bench.measure_start()
            measured = [*bench.measure_gate(), *bench.measure_progress(), *bench.measure_judge()]
            print(_render(start, [*measured, *bench.measure_sizes(given.sizes)]))
    except Failed as trouble:
        print(f"bench: {trouble}", file=sys.stderr)
        return 1
    return 0


class Bench:
    """An interpreter without any package, and folders for what the commands leave behind."""

    def __init__(self, folder: Path, runs: int) -> None:
        self.folder, self.runs = folder, runs
        subprocess.run([sys.executable, "-I", "-m", "venv", str(folder / "python")], check=True)
        self.python = str(folder / "python" / "bin" / "python")
        self.path = os.defpath  # as on a runner where nothing was prepared
        self.temp = folder / "temp"
        self.plan = folder / "milepost.yml"

    def measure_start(self) -> list[Figure]:
        """The yardsticks, then a cold start and a warm one of `validate` with a plan of one milestone."""
        self.plan.write_text(make_plan(1), encoding="utf-8")
        validate = self._command("validate")
        self.run(validate)  # so that the packages are there to be imported, and the files to be read
        packages = [path for path in (self.temp / "milepost").iterdir() if (path / "github").is_dir()]
        imports = f"import sys; sys.path.insert(0, {str(packages[0])!r}); {IMPORTS}"
        return [
            self._repeat("python3 -c pass", [self.python, "-I", "-c", "pass"]),
            self._repeat("importing PyGithub, PyYAML, jsonschema", [self.python, "-I", "-c", imports]),
            self._repeat_afresh("pip install of the lock", self._pip),
            self._repeat_afresh("start-up, cold, uv fetched by pip", lambda empty: (validate, empty)),
            *self._measure_with_uv(validate),
            self._repeat("start-up, warm", validate),
        ]

    def measure_sizes(self, sizes: list[int]) -> list[Figure]:
        """For each size: reading it all, planning it into an empty repository, and applying it where it is applied."""
        figures = []
        for size in sizes:
            self.plan.write_text(make_plan(size), encoding="utf-8")
            runs = max(1, min(self.runs, 100 // size))
            name = f"{size:,} milestones"
            figures.append(self._against({}, f"{name}: plan, nothing there", "sync", "--mode", "plan", runs=runs))
            held = make_repository(size)
            figures.append(self._against(held, f"{name}: read (export)", "export", runs=runs))
            figures.append(self._against(held, f"{name}: no-op apply", "sync", "--mode", "apply", runs=runs))
        return figures

    def measure_gate(self) -> list[Figure]:
        """A check with one link and with fifty, a cold one, and the reading of a hostile description."""
        check = ("--pull-request", "900")
        figures = [
            self._against(make_pull(links), f"gate: {links} linked", "gate", *check, runs=self.runs, writes=True)
            for links in (1, 50)
        ]
        with self._serve(make_pull(1)) as (url, _):
            command = self._command("gate", *check, "--api-url", url, *WHERE)
            figures.append(self._repeat_afresh("gate: cold, uv fetched by pip", lambda empty: (command, empty)))
        for size in (256, 1024):
            code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); from milepost.core.links import Grammar; "
            code += f"Grammar('o/r', 'h').read('not close #1, #2 `<!-- ' * ({size} * 1024 // 23))"
            name = f"gate: a hostile description of {size:,} KiB"
            figures.append(self._repeat(name, [self.python, "-I", "-c", code]))
        return figures

    def measure_judge(self) -> list[Figure]:
        """The judge of verify-gpu with the facts of one GPU and of eight: each a hundred times in one process."""
        self.run(self._command("validate"))
        packages = next(path for path in (self.temp / "milepost").iterdir() if (path / "packaging").is_dir())
        figures = []
        for gpus in (1, 8):
            facts = self.folder / f"facts-{gpus}.json"
            facts.write_text(json.dumps(make_facts(gpus)), encoding="utf-8")
            lines = (f"import sys; sys.path[:0] = {[str(SCRIPTS), str(packages)]!r}", JUDGE.format(facts=str(facts)))
            name = f"verify-gpu: {JUDGED} judgements of {gpus} GPU{'s' if gpus > 1 else ''}"
            figures.append(self._repeat(name, [self.python, "-I", "-c", "\n".join(lines)]))
        return figures

    def measure_progress(self) -> list[Figure]:
        """A report of 100 milestones with 10,000 issues: without history, and with the lines of twelve weeks."""
        self.run(self._command("progress", "--help"))  # so that its packages are there
        figures = []
        for history in ("none", "branch"):
            plan = self.folder / "progress.yml"
            plan.write_text(f"version: 1\nhistory: {history}\n", encoding="utf-8")
            name = f"progress: 100 milestones, 10,000 issues, history: {history}"
            arguments = ("--plan", str(plan), "--today", PROGRESS_DAY)
            figures.append(self._against(make_progress(100, 100), name, "progress", *arguments, runs=1))
        return figures

    def run(self, command: list[str], temp: Path | None = None) -> tuple[float, int]:
        """Seconds and peak bytes of one process, the children that it waited for included."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "INPUT_"))}
        environment.update(RUNNER_TEMP=str(temp or self.temp), PATH=self.path)
        log = self.folder / "log"
        with log.open("w+", encoding="utf-8") as output:
            start = time.perf_counter()
            process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failed(f"{command} ended with {process.returncode}: {log.read_text(encoding='utf-8')[-2000:]}")
        return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def _measure_with_uv(self, command: list[str]) -> list[Figure]:
        uv = shutil.which("uv")
        if uv is None:
            return []
        before, self.path = self.path, os.pathsep.join([os.path.dirname(uv), self.path])
        try:
            return [self._repeat_afresh("start-up, cold, uv on PATH", lambda empty: (command, empty))]
        finally:
            self.path = before

    def _against(
        self, repository: dict[str, object], name: str, *arguments: str, runs: int, writes: bool = False
    ) -> Figure:
        with self._serve(repository) as (url, journal):
            figure = self._repeat(name, self._command(*arguments, "--api-url", url, *WHERE), runs)
            lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
        wrote = [each for each in lines if each["method"] not in ("GET", "HEAD") and each["path"] != "/graphql"]
        if wrote and not writes:
            raise Failed(f"{name} wrote: {wrote[0]}")
        return Figure(name=name, seconds=figure.seconds, memory=figure.memory, requests=len(lines) // runs)

    @contextmanager
    def _serve(self, repository: dict[str, object]) -> Iterator[tuple[str, Path]]:
        """An embedded GitHub that holds the repository: its address, and the journal of its requests."""
        seed, journal = self.folder / "seed.json", self.folder / "journal.jsonl"
        repositories = [{"full_name": REPOSITORY, **repository}]
        tokens = {"bench-token": {"login": "octo", "permissions": PERMISSIONS}}
        seed.write_text(json.dumps({"tokens": tokens, "repositories": repositories}), encoding="utf-8")
        journal.write_text("", encoding="utf-8")
        command = [self.python, "-I", str(RUN), "simulate", "--seed", str(seed), "--journal", str(journal)]
        environment = {**os.environ, "RUNNER_TEMP": str(self.temp)}
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            if server.stdout is None or not (url := server.stdout.readline().strip()):
                raise Failed("the embedded GitHub did not start")
            yield url, journal
        finally:
            server.terminate()
            server.communicate()

    def _command(self, name: str, *arguments: str) -> list[str]:
        plan = ("--plan", str(self.plan)) if name in ("sync", "validate") else ()
        return [self.python, "-I", str(RUN), name, *plan, *arguments]

    def _pip(self, empty: Path) -> tuple[list[str], Path]:
        command = [
            self.python,
            "-I",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-cache-dir",
            "--require-hashes",
            "--no-deps",
        ]
        return [*command, "--only-binary=:all:", "--target", str(empty / "packages"), "-r", str(LOCK)], empty

    def _repeat(self, name: str, command: list[str], runs: int | None = None) -> Figure:
        return self._median(name, [self.run(command) for _ in range(runs or self.runs)])

    def _repeat_afresh(self, name: str, make: Callable[[Path], tuple[list[str], Path]]) -> Figure:
        """The command has an empty folder each time."""
        found = []
        for _ in range(min(self.runs, 3)):
            with tempfile.TemporaryDirectory(dir=self.folder) as empty:
                found.append(self.run(*make(Path(empty))))
        return self._median(name, found)

    @staticmethod
    def _median(name: str, found: list[tuple[float, int]]) -> Figure:
        return Figure(
            name=name, seconds=statistics.median(each[0] for each in found), memory=max(each[1] for each in found)
        )


def make_plan(milestones: int) -> str:
    """A plan file with that many milestones of ten issues each."""
    lines = ["version: 1", "milestones:"]
    for number in range(1, milestones + 1):
        lines += [f"  - title: M{number}", "    issues:"]
        lines += [f"      - {{title: {title}, key: {key}}}" for title, key in _list_issues(number)]
    return "\n".join(lines) + "\n"


def make_repository(milestones: int) -> dict[str, object]:
    """What a repository holds after that plan was applied."""
    issues = [
        {
            "title": title,
            "body": f'<!-- milepost key="{key}" issue milestone={number} -->',
            "author": "octo",
            "milestone": number,
        }
        for number in range(1, milestones + 1)
        for title, key in _list_issues(number)
    ]
    return {"milestones": [{"title": f"M{number}"} for number in range(1, milestones + 1)], "issues": issues}


def make_progress(milestones: int, each: int) -> dict[str, object]:
    """Milestones of twelve weeks ago, three fifths of whose issues were completed evenly since; with a line for each day."""
    issues: list[dict[str, object]] = []
    for number in range(1, milestones + 1):
        for turn in range(each):
            issue: dict[str, object] = {"title": f"Issue {turn}", "milestone": number, "created_at": _day(84)}
            if turn < each * 3 // 5:
                issue |= {"state": "closed", "closed_at": _day(1 + 82 * turn * 5 // (each * 3))}
            issues.append(issue)
    held = [
        {"title": f"M{number}", "due_on": _day(-1 - number % 90), "created_at": _day(84)}
        for number in range(1, milestones + 1)
    ]
    lines = [{"day": _day(ago)[:10], "milestones": {}} for ago in range(84, 0, -1)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return {"milestones": held, "issues": issues, "branches": {"milepost-data": {"progress/2027/past.jsonl": text}}}


def _day(ago: int) -> str:
    """The moment that many days before the day of the report."""
    return f"{date.fromisoformat(PROGRESS_DAY) - timedelta(days=ago)}T12:00:00Z"


def make_pull(links: int) -> dict[str, object]:
    """A repository with a pull request that closes that many issues."""
    body = ", ".join(f"closes #{number}" for number in range(1, links + 1))
    issues = [{"title": f"Issue {number}", "number": number, "milestone": "M1"} for number in range(1, links + 1)]
    pull = {"title": "P", "number": 900, "head": "topic", "body": body}
    return {"milestones": [{"title": "M1"}], "issues": issues, "pulls": [pull]}


def make_facts(gpus: int) -> dict[str, object]:
    """The facts of a machine with that many GPUs, each tried with fifteen probes."""
    device = {"capability": "9.0", "memory_total": 85_520_809_984, "memory_used_before": 0, "is_mig": False}
    state = {"compute_mode": "default", "ecc_uncorrected": 0, "remap_pending": False, "remap_failed": False}
    names = [
        "alloc",
        "matmul.fp32",
        "matmul.bf16",
        "transfer",
        "again",
        "matmul.fp16",
        "conv3d",
        "sdpa",
        "autograd",
        "amp",
        "graph",
    ]
    return {
        "schema": "milepost.facts/1",
        "torch": {"version": "2.11.0+cu130", "cuda": "13.0", "imported": True, "arch_list": ["sm_90"]},
        "packages": [{"name": f"package-{number}", "version": "1.0"} for number in range(100)],
        "loaded": [{"family": "cudnn", "path": f"/site/nvidia/cudnn/lib/lib{number}.so"} for number in range(20)],
        "gpus": [
            {"uuid": f"GPU-{index}", "cuda_index": index, "name": "NVIDIA H100 80GB HBM3", **device, **state}
            for index in range(gpus)
        ],
        "results": [
            {"probe": name, "gpu": f"GPU-{index}", "status": "ok", "ms": 1, "error": None, "signal": None}
            for index in range(gpus)
            for name in names
        ],
        "unread": {},
    }


def _list_issues(milestone: int) -> list[tuple[str, str]]:
    return [(f"Issue {turn} of M{milestone}", f"k{milestone}-{turn}") for turn in range(1, ISSUES_EACH + 1)]


def _render(start: list[Figure], sizes: list[Figure]) -> str:
    """A Markdown table: every figure as a multiple of the yardsticks in its first rows."""
    nothing, imports, pip = start[:3]
    head = "| what | requests | seconds | × pass | × imports | × pip | peak MiB | × pass | × imports |"
    rows = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for each in [*start, *sizes]:
        cells = [
            each.name,
            "" if each.requests is None else f"{each.requests:,}",
            f"{each.seconds:.2f}",
            *(f"{each.seconds / other.seconds:.2f}" for other in (nothing, imports, pip)),
            f"{each.memory / MIB:.0f}",
            *(f"{each.memory / other.memory:.1f}" for other in (nothing, imports)),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    note = f"Python {sys.version.split()[0]} on {sys.platform}; medians of time, maxima of memory; {ISSUES_EACH} issues each."
    return "\n".join([*rows, "", note])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
