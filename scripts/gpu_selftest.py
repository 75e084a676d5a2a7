"""Breaks a machine with a GPU in known ways, and counts what `verify-gpu` sees and what it wrongly accuses.

    python3 scripts/gpu_selftest.py
    python3 scripts/gpu_selftest.py --python /opt/venv/bin/python3 --out report --foreign-cudnn older --foreign-cudnn newer

Needs Python 3.10 or newer, torch with CUDA in the inspected interpreter, a GPU that nobody else uses, and at most
8 minutes. Nothing is installed or changed. A folder of `--foreign-cudnn` holds a `libcudnn_graph.so.9` of another
version of cuDNN. Exit status 0: every fault was seen and nothing healthy accused; 1: not so; 2: there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS))

from folder import NotInstalled  # noqa: E402
from packages import find_packages, keep_only  # noqa: E402

PAIRS = 7
SEEDS = 20
LIMIT = 480
BARE = "import torch; torch.zeros(1, device='cuda')"
LOOK = "import torch; torch.cuda.init(); print(torch.cuda.device_count())"
HOG = "import sys, torch; held = torch.ones({bytes}, dtype=torch.uint8, device='cuda'); print('ready', flush=True); sys.stdin.read()"
# Broken from within the process that holds the context, with the check that has to speak; the rest must pass.
PROBES = {
    "hang": ("probe-hung", "    torch.cuda._sleep(1 << 50)\n    torch.cuda.synchronize()"),
    "crash": ("probe-crashed", "    import ctypes\n    ctypes.string_at(0)"),
    "read out of bounds": (
        "probe-alloc",
        "    torch.zeros(8, device=device)[torch.full((4,), 99, device=device)]\n    torch.cuda.synchronize()",
    ),
    "leave a process": ("probe-alloc", "    import subprocess\n    subprocess.Popen(['sleep', '600'])"),
}
EXTRA = """
def broken(torch, device):
{body}
def after(torch, device):
    return {{"sum": int(torch.ones(64, device=device).sum())}}
PROBES = {{"alloc.broken": broken, "alloc.after": after}}
"""
MEASURE = """
import json, sys, time, torch
sys.path.insert(0, {scripts!r})
from milepost.probe import arithmetic
found, device = {{}}, {device!r}
def worst(name, run):
    start = time.monotonic()
    try:
        answer = arithmetic.merge(run())
        found[name] = {{**answer, "seconds": round(time.monotonic() - start, 1)}}
    except Exception as trouble:
        found[name] = {{"error": str(trouble)[:300]}}
kinds = ("float32", "bfloat16", "float16")
seeds = range(100, 100 + {seeds})
worst("matmul, {seeds} seeds, 3 types", lambda: (arithmetic.try_matmul(torch, device, kind, seed) for seed in seeds for kind in kinds))
for is_searched in (False, True):
    torch.backends.cudnn.benchmark = is_searched
    for kind in kinds:
        for size in (2, 3):
            name = f"conv{{size}}d {{kind}}" + (", algorithms searched" if is_searched else "")
            worst(name, lambda: (arithmetic.try_conv(torch, device, kind, size, seed) for seed in seeds))
torch.backends.cudnn.benchmark = False
try:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    for name in ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"):
        for kind in kinds:
            with sdpa_kernel([getattr(SDPBackend, name)]):
                worst(f"sdpa {{name.lower()}} {{kind}}", lambda: (
                    trial for seed in seeds for trial in (
                        arithmetic.attend_to_one(torch, device, kind, seed),
                        arithmetic.attend_to_all(torch, device, kind, seed))))
except ImportError as trouble:
    found["sdpa"] = {{"error": str(trouble)}}
worst("compile, {seeds} seeds", lambda: (arithmetic.try_compile(torch, device, seed) for seed in seeds))
print(json.dumps(found))
"""


class NoGpu(Exception):
    """There is nothing to test on."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One trial: the check that had to speak, none for a healthy one, and what was said."""

    name: str
    expected: str | None
    verdict: str
    findings: tuple[str, ...]
    seconds: float = 0.0
    note: str = ""

    @property
    def is_right(self) -> bool:
        """True when the fault was seen, or the healthy machine passed."""
        if self.expected is None:
            return self.verdict == "pass"
        return self.expected in self.findings


def main(argv: list[str]) -> int:
    """The table is printed and the report written; the value says whether all of it is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="python3", help="the interpreter to inspect; the one on PATH by default")
    parser.add_argument("--out", default="milepost-selftest", help="the folder for report.json and every facts.json")
    parser.add_argument("--foreign-cudnn", action="append", default=[], metavar="FOLDER", help="may be given often")
    given = parser.parse_args(argv)
    try:
        gpus = look_for_gpus(given.python)
        provide_packages()
    except NoGpu as trouble:
        print(f"gpu_selftest: {trouble}; nothing was tried", file=sys.stderr)
        return 2
    except NotInstalled as trouble:
        print(f"gpu_selftest: {trouble}", file=sys.stderr)
        return 2
    bench = Bench(given.python, Path(given.out), gpus)
    rows = list(bench.run([Path(each) for each in given.foreign_cudnn]))
    print(render(rows, bench.numbers))
    report = {"rows": [vars(each) for each in rows], "numbers": bench.numbers}
    (bench.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(each.is_right for each in rows) else 1


def look_for_gpus(python: str) -> int:
    """How many GPUs torch can use; raises NoGpu with its own words when it is none."""
    try:
        found = subprocess.run([python, "-c", LOOK], capture_output=True, text=True, check=False, timeout=180)
    except (OSError, subprocess.TimeoutExpired) as trouble:
        raise NoGpu(f"there is no GPU that {python} could use: {trouble}") from trouble
    words = found.stdout.split()
    if found.returncode or not words or words[-1] == "0":
        said = (found.stderr.strip().splitlines() or ["torch sees none"])[-1]
        raise NoGpu(f"there is no GPU that torch in {python} can use: {said}")
    return int(words[-1])


def provide_packages() -> None:
    """The judge's packages can be imported: those that are here, else the action's own; raises NotInstalled."""
    try:
        import packaging.specifiers  # noqa: F401
    except ImportError:
        folder = find_packages("verify-gpu")
        if folder is not None:
            keep_only(folder)


class Bench:
    """The machine under test: what was measured on it, and how it is probed and judged."""

    def __init__(self, python: str, out: Path, gpus: int) -> None:
        self.python, self.out, self.gpus = python, out, gpus
        self.numbers: dict[str, Any] = {"date": date.today().isoformat(), "command": " ".join(sys.argv)}
        self.count = 0
        self.start = time.monotonic()
        out.mkdir(parents=True, exist_ok=True)

    def run(self, foreign: list[Path]) -> Iterator[Row]:
        """Every trial, the healthy machine first: what it is, all others are declared by."""
        facts = self.probe("full")
        self._describe(facts)
        truth = declare(facts)
        yield self._judge("healthy: full, caches empty", None, facts, truth, "full")
        yield from self._run_wrong_declarations(facts, truth)
        yield from self._run_pairs(truth)
        yield from self._run_faults(truth)
        if not foreign:
            self.numbers["foreign cuDNN"] = "not tried: no --foreign-cudnn was given"
        for folder in foreign:
            yield self._run_foreign(folder, truth)
        yield self._judge("healthy: full again", None, self.probe("full"), truth, "full")
        self.numbers["tolerances"] = self._measure()
        self.numbers["seconds"] = round(time.monotonic() - self.start, 1)
        if self.numbers["seconds"] > LIMIT:
            print(f"gpu_selftest: took longer than {LIMIT} s", file=sys.stderr)

    def probe(self, level: str, needs: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """The facts of one run; `environment` of the options is added to ours."""
        from milepost.probe.launch import Options, run_probe

        self.count += 1
        print(f"{time.monotonic() - self.start:6.1f} s  probe {self.count}: {level}", file=sys.stderr, flush=True)
        environment = {**os.environ, **options.pop("environment", {})}
        path = run_probe(
            self.python,
            level,
            {"device": "cuda", **(needs or {})},
            self.out / f"{self.count:02}",
            Options(environment=environment, **options),
        )
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts

    def _judge(
        self, name: str, expected: str | None, facts: Mapping[str, Any], environment: Any, level: str = "quick"
    ) -> Row:
        verdict = judge_facts(facts, environment, level)
        return Row(
            name=name,
            expected=expected,
            verdict=verdict.answer.value,
            findings=tuple(each.id for each in verdict.findings),
            seconds=facts["probe"]["ms"] / 1000,
            note=_say_findings(verdict),
        )

    def _run_wrong_declarations(self, facts: Mapping[str, Any], truth: Any) -> Iterator[Row]:
        for name, expected, wrong in list_wrong(truth):
            yield self._judge(f"declared: {name}", expected, facts, wrong, "full")

    def _run_pairs(self, truth: Any) -> Iterator[Row]:
        """The quick level against the least that a job does with torch, one after the other."""
        whole, bare = [], []
        for number in range(PAIRS):
            start = time.monotonic()
            facts = self.probe("quick")
            row = self._judge(f"healthy: quick {number + 1}", None, facts, truth)
            whole.append(time.monotonic() - start)
            start = time.monotonic()
            subprocess.run([self.python, "-c", BARE], check=True, capture_output=True)
            bare.append(time.monotonic() - start)
            yield row
        ratio = statistics.median(ours / theirs for ours, theirs in zip(whole, bare, strict=True))
        self.numbers["quick"] = {
            "whole, median s": round(statistics.median(whole), 2),
            "bare start, median s": round(statistics.median(bare), 2),
            "ratio, median": round(ratio, 2),
        }

    def _run_faults(self, truth: Any) -> Iterator[Row]:
        hidden = self.probe("quick", environment={"CUDA_VISIBLE_DEVICES": ""})
        yield self._judge("hidden GPU", "gpu-none", hidden, truth)
        needing = replace(truth, needs=replace(truth.needs, compile=True))
        facts = self.probe("quick", {"compile": True}, environment={"CC": "/nowhere/cc", "CXX": "/nowhere/c++"})
        yield self._judge("hidden compiler", "compiler-missing", facts, needing)
        with hog(self.python, 8 << 30):
            yield self._judge("8 GiB held by another process", "gpu-leftovers", self.probe("quick"), truth)
        for name, (expected, _) in PROBES.items():
            yield self._blame(name, self._judge(f"a probe has to {name}", expected, self._break(name), truth))

    def _break(self, name: str) -> dict[str, Any]:
        """The facts of a run with a broken probe among the others."""
        with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
            file.write(EXTRA.format(body=PROBES[name][1]))
        try:
            self.last = self.probe("quick", extra=file.name, deadlines={"alloc.broken": 5.0})
        finally:
            os.unlink(file.name)
        return self.last

    def _blame(self, name: str, row: Row) -> Row:
        """Right only when the broken probe alone is blamed, and everything after it passed."""
        bad = {each["probe"] for each in self.last["results"] if each["status"] != "ok"}
        has_gone_on = any(each["probe"] == "alloc.after" and each["status"] == "ok" for each in self.last["results"])
        broken = next(each for each in self.last["results"] if each["probe"] == "alloc.broken")
        self.numbers[f"broken by {name}"] = {key: broken[key] for key in ("status", "error", "signal", "ms")}
        if bad == {"alloc.broken"} and has_gone_on:
            return row
        return replace(row, expected="that probe alone", note=f"blamed: {', '.join(sorted(bad)) or 'none'}")

    def _run_foreign(self, folder: Path, truth: Any) -> Row:
        """Its library is loaded before torch's own: by its folder on the path or, where torch does not look there, by name."""
        place = str(folder.resolve())
        path = os.pathsep.join(filter(None, [place, os.environ.get("LD_LIBRARY_PATH")]))
        facts = self.probe("quick", environment={"LD_LIBRARY_PATH": path})
        if not any(each["path"].startswith(place + os.sep) for each in facts["loaded"]):
            library = os.path.join(place, "libcudnn_graph.so.9")
            facts = self.probe("quick", environment={"LD_LIBRARY_PATH": path, "LD_PRELOAD": library})
        compiled, loaded = facts["torch"]["cudnn_compiled"], facts["torch"]["cudnn_runtime"]
        is_older = loaded is not None and compiled is not None and loaded < compiled
        expected = "cudnn-incompatible" if is_older else "cudnn-mixed"
        return self._judge(f"foreign cuDNN in {folder.name}: {loaded} for {compiled}", expected, facts, truth)

    def _describe(self, facts: Mapping[str, Any]) -> None:
        gpus = facts["gpus"]
        self.numbers["machine"] = {
            "gpus": [each["name"] for each in gpus],
            "driver": facts["driver"]["version"],
            "torch": facts["torch"]["version"],
            "python": facts["python"]["version"],
            "kernel": facts["host"]["kernel"],
            "processor": platform.processor() or platform.machine(),
            "idle memory in use": [each["memory_used_before"] for each in gpus],
            "not told": {place: reason for place, reason in facts["unread"].items() if place.startswith("/gpus")},
        }
        self.numbers["ms of each probe, caches empty"] = {each["probe"]: each["ms"] for each in facts["results"]}

    def _measure(self) -> Any:
        script = MEASURE.format(scripts=str(SCRIPTS), seeds=SEEDS, device="cuda:0")
        found = subprocess.run(
            [self.python, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False, timeout=180
        )
        lines = found.stdout.strip().splitlines()
        return json.loads(lines[-1]) if found.returncode == 0 and lines else {"error": found.stderr[-500:]}


@contextmanager
def hog(python: str, size: int) -> Iterator[None]:
    """Another process holds that much of the first GPU meanwhile."""
    command = [python, "-c", HOG.format(bytes=size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline().strip() != "ready":
                print("gpu_selftest: the memory could not be held", file=sys.stderr)
            yield
        finally:
            holder.kill()


def declare(facts: Mapping[str, Any]) -> Any:
    """The environment that the facts are of."""
    from milepost.core.environment import Environment, GpuDemand, read_sizes, specify
    from milepost.core.facts import read_facts
    from milepost.core.gpu.capture import capture
    from milepost.diagnostics import Location

    entry: Mapping[str, Any] = capture(read_facts(facts))
    gpu = entry.get("gpu") or {}
    names = ("torch", "cuda", "driver", "nccl", "python")
    versions: dict[str, Any] = {name: specify(str(entry[name])) for name in names if name in entry}
    capability = gpu.get("compute-capability")
    demand = GpuDemand(
        count=specify(f"=={gpu['count']}") if "count" in gpu else None,
        names=tuple(gpu.get("name", ())),
        memory=read_sizes(gpu["memory"])[0] if "memory" in gpu else None,
        capability=specify(capability) if capability else None,
        mig=gpu.get("mig"),
    )
    local, at = entry.get("local"), Location(file="captured", line=1, column=1)
    is_early = bool(entry.get("prerelease"))
    return Environment(name="captured", local=local, has_prerelease=is_early, gpu=demand, at=at, **versions)


def list_wrong(truth: Any) -> Iterator[tuple[str, str, Any]]:
    """Declarations that the machine does not meet, each in one point, with the check that has to say so."""
    from milepost.core.environment import read_sizes, specify

    other = "13.0" if truth.cuda is not None and truth.cuda.takes("12.6") else "12.6"  # one that was published
    for name, text, rule in (
        ("torch", "==1.0.*", "torch-version"),
        ("cuda", other, "torch-cuda"),
        ("cudnn", "==1.0.*", "cudnn-version"),
        ("nccl", "==1.0.*", "nccl-version"),
        ("driver", ">=999", "driver-version"),
        ("python", "==3.0.*", "python-version"),
    ):
        # Alone: what was never published together is refused before a machine is looked at.
        alone = replace(truth, torch=None, cuda=None, local=None)
        yield name, rule, replace(alone, **{name: specify(text)})
    demands: dict[str, tuple[str, dict[str, Any]]] = {
        "gpu count": ("gpu-count", {"count": specify("==99")}),
        "gpu name": ("gpu-name", {"names": ("Imaginary",)}),
        "gpu memory": ("gpu-memory", {"memory": read_sizes(">=900 TB")[0]}),
        "gpu capability": ("gpu-capability", {"capability": specify(">=99.0")}),
        "gpu mig": ("gpu-mig", {"mig": "1g.1gb"}),
    }
    for name, (rule, change) in demands.items():
        yield name, rule, replace(truth, gpu=replace(truth.gpu, **change))


def judge_facts(facts: Mapping[str, Any], environment: Any, level: str) -> Any:
    """The verdict on the facts, today."""
    from milepost.core.facts import Level, read_facts
    from milepost.core.gpu.judge import judge
    from milepost.data.load import load_data

    return judge(read_facts(facts), environment, load_data(), level=Level(level), today=date.today())


def _say_findings(verdict: Any) -> str:
    said = [f"{each.id}: {each.found}" for each in verdict.findings[:2]]
    return "; ".join(said)[:160]


def render(rows: list[Row], numbers: Mapping[str, Any]) -> str:
    """The table of trials, the two counts, and every number."""
    lines = ["| trial | had to say | verdict | right | s | said |", "| --- | --- | --- | --- | --- | --- |"]
    for each in rows:
        mark, note = "yes" if each.is_right else "**NO**", each.note.replace("|", "/").replace("\n", " ")
        wanted = each.expected or "nothing"
        lines.append(f"| {each.name} | {wanted} | {each.verdict} | {mark} | {each.seconds:.1f} | {note} |")
    faults = [each for each in rows if each.expected is not None]
    healthy = [each for each in rows if each.expected is None]
    lines += [
        "",
        f"{sum(each.is_right for each in faults)} of {len(faults)} faults seen, "
        f"{sum(not each.is_right for each in healthy)} false alarms in {len(healthy)} healthy runs.",
        "",
        json.dumps(numbers, indent=1),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
