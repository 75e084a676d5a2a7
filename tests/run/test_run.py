"""run.py as a runner meets it: real processes, real installers, a tiny index of our own on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
CLI = """
import importlib.metadata, json, os, sys
def main(argv):
    import tiny
    if argv[1:2] == ["--wait"]:
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))
        print("ready", flush=True)
        time.sleep(60)
    print(json.dumps({"argv": argv, "tiny": tiny.__file__, "version": importlib.metadata.version("tiny"),
                      "python": sys.executable, "path": sys.path[:2], "isolated": sys.flags.isolated}))
    return 7 if "--seven" in argv else 0
"""


@dataclass
class Stage:
    """A copy of the entry with a package of its own, and an index that serves it."""

    root: Path
    home: Path
    wheels: Path

    @property
    def script(self) -> Path:
        return self.root / "scripts" / "run.py"

    def environment(self, **more: str) -> dict[str, str]:
        """What a runner's step has, and nothing of whoever runs the tests."""
        return {
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "RUNNER_TEMP": str(self.home / "temp"),
            "PIP_INDEX_URL": (self.wheels.parent / "simple").as_uri(),
            **more,
        }

    def run(
        self, *arguments: str, cwd: Path | None = None, python: str = sys.executable, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """The command has run, as an action runs it."""
        return subprocess.run(
            [python, "-I", str(self.script), *(arguments or ("sync",))],
            env=self.environment(**more),
            cwd=cwd or self.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def lock(self, version: str = "1.0", digest: str | None = None, name: str = "sync") -> None:
        """The lock pins that version, with its true hash or another."""
        wheel = self.wheels / f"tiny-{version}-py3-none-any.whl"
        digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        text = (
            f"tiny=={version} ; python_full_version >= '3.10' and os_name == 'posix' \\\n    --hash=sha256:{digest}\n"
        )
        (self.root / "scripts" / "locks" / f"{name}.txt").write_text(text + OTHERS)


# A pin for other interpreters only: it must be neither looked for nor installed.
OTHERS = "absent==9.9 ; python_version < '3' or (sys_platform == 'win32' and implementation_name != 'cpython') \\\n    --hash=sha256:00\n"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A suite of one command that needs one package."""
    root, home, wheels = tmp_path / "suite é", tmp_path / "home", tmp_path / "wheels"
    package = root / "scripts" / "milepost"
    for folder in (package, root / "scripts" / "locks", home / "temp", wheels):
        folder.mkdir(parents=True)
    for module in SCRIPTS.glob("*.py"):
        shutil.copy(module, root / "scripts" / module.name)
    shutil.copy(SCRIPTS / "locks" / "uv.txt", root / "scripts" / "locks" / "uv.txt")
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text(CLI)
    index = tmp_path / "simple" / "tiny"
    index.mkdir(parents=True)
    for version in ("1.0", "2.0"):
        wheel = make_wheel(wheels, version)
        with (index / "index.html").open("a") as page:
            page.write(f'<a href="{wheel.as_uri()}">{wheel.name}</a><br>')
    made = Stage(root, home, wheels)
    made.lock()
    return made


def make_wheel(folder: Path, version: str) -> Path:
    """A wheel of one module."""
    path, info = folder / f"tiny-{version}-py3-none-any.whl", f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return path


def test_the_packages_are_installed_once_and_found_again(stage: Stage) -> None:
    """Cold, then warm without an installer: the second run needs neither uv nor an index."""
    cold = stage.run("sync", "--mode", "plan")
    warm = stage.run("sync", PIP_INDEX_URL="file:///nowhere", PATH="/nowhere")

    assert (0, 0) == (cold.returncode, warm.returncode), cold.stdout + cold.stderr + warm.stderr
    assert '"argv": ["sync", "--mode", "plan"]' in cold.stdout
    assert str(stage.home / "temp" / "milepost") in warm.stdout
    assert [] == [each for each in (stage.home / "temp" / "milepost").iterdir() if each.name.startswith(".building")]


def test_the_exit_status_is_that_of_the_command(stage: Stage) -> None:
    """Seven comes through as seven."""
    assert 7 == stage.run("sync", "--seven").returncode


def test_pip_installs_when_there_is_no_uv(stage: Stage, tmp_path: Path) -> None:
    """With PATH empty of uv and uv not to be had, pip does it, with the hashes."""
    found = stage.run(PATH="/usr/bin:/bin")

    assert 0 == found.returncode, found.stdout + found.stderr
    assert '"version": "1.0"' in found.stdout


def test_a_wrong_hash_is_refused_and_leaves_nothing(stage: Stage) -> None:
    """Exit status 3, one line, and no folder that a later run could take for whole."""
    stage.lock(digest="0" * 64)

    found = stage.run(GITHUB_ACTIONS="true")

    assert 3 == found.returncode
    assert 1 == len(found.stdout.splitlines())
    assert found.stdout.startswith("::error::the packages could not be installed")
    assert [] == list((stage.home / "temp" / "milepost").iterdir())


def test_another_version_in_the_interpreter_is_not_used(stage: Stage, tmp_path: Path) -> None:
    """Exact pins or none: one version off means an environment of its own, and the exact ones mean none."""
    python = make_venv(tmp_path / "venv", stage, "2.0")
    off = stage.run(python=python)
    stage.lock("2.0")
    shutil.rmtree(stage.home / "temp" / "milepost")
    exact = stage.run(python=python, PIP_INDEX_URL="file:///nowhere", PATH="/nowhere")

    assert '"version": "1.0"' in off.stdout, off.stderr
    assert '"version": "2.0"' in exact.stdout, exact.stdout + exact.stderr
    assert not (stage.home / "temp" / "milepost").exists()


def make_venv(folder: Path, stage: Stage, version: str) -> str:
    """An interpreter that has that version of the package."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(stage.wheels / f"tiny-{version}-py3-none-any.whl") as archive:
        archive.extractall(site)
    return str(folder / "bin" / "python")


def test_a_hostile_workspace_changes_nothing(stage: Stage) -> None:
    """Modules of our names in the working directory, and on PYTHONPATH, are never run."""
    work = stage.home / "work"
    for name in ("tiny.py", "yaml.py", "run.py", "sitecustomize.py", "usercustomize.py", "json.py"):
        work.mkdir(exist_ok=True)
        (work / name).write_text("raise SystemExit('owned by them')")
    for name in ("milepost", "scripts", "github"):
        (work / name).mkdir()
        (work / name / "__init__.py").write_text("raise SystemExit('owned by them')")
    settings = {
        "PYTHONPATH": str(work),
        "PYTHONSTARTUP": str(work / "run.py"),
        "PYTHONHOME": "/nowhere",
        "PYTHONUSERBASE": str(work),
    }

    found = stage.run(cwd=work, **settings)

    assert 0 == found.returncode, found.stdout + found.stderr
    assert "owned by them" not in found.stdout + found.stderr


def test_without_the_isolating_flag_it_isolates_itself(stage: Stage) -> None:
    """`python3 run.py` with a foreign PYTHONPATH starts over, isolated, with the same arguments."""
    (stage.home / "tiny.py").write_text("raise SystemExit('owned by them')")

    found = subprocess.run(
        [sys.executable, str(stage.script), "sync", "--x"],
        env=stage.environment(PYTHONPATH=str(stage.home)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == found.returncode, found.stderr
    assert '"isolated": 1' in found.stdout
    assert '"argv": ["sync", "--x"]' in found.stdout


NO_UV = {"PATH": "/usr/bin:/bin"}
FOREIGN = {
    "PIP_TARGET": "/nowhere",
    "PIP_USER": "1",
    "PIP_PREFIX": "/nowhere",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_NO_BINARY": ":all:",
    "PIP_NO_INDEX": "1",
    "PIP_CONSTRAINT": "/nowhere/constraints.txt",
    "PIP_REQUIRE_HASHES": "0",
    "PIP_PYTHON": "/nowhere/python",
    "UV_PYTHON": "2.7",
    "UV_SYSTEM_PYTHON": "1",
    "UV_PROJECT_ENVIRONMENT": "/nowhere",
    "UV_CONSTRAINT": "/nowhere/constraints.txt",
    "UV_NO_BINARY": "1",
    "UV_OFFLINE": "1",
    "UV_CONFIG_FILE": "/nowhere/uv.toml",
    "VIRTUAL_ENV": "/nowhere",
}


@pytest.mark.parametrize("path", ["with uv", "without uv"])
def test_foreign_settings_of_installers_change_nothing(path: str, stage: Stage) -> None:
    """All of them at once, with a hostile uv.toml and pip.conf in the working directory."""
    (stage.home / "uv.toml").write_text("[pip]\nno-index = true\n")
    (stage.home / "pyproject.toml").write_text("[tool.uv]\noffline = true\n")
    more = {} if path == "with uv" else NO_UV

    found = stage.run(**FOREIGN, **more)

    assert 0 == found.returncode, found.stdout + found.stderr


def test_the_index_of_pips_own_file_is_used(stage: Stage) -> None:
    """A mirror that only pip.conf names serves uv too; settings that are not about the index do not count."""
    index = (stage.wheels.parent / "simple").as_uri()
    (stage.home / ".pip").mkdir()
    (stage.home / ".pip" / "pip.conf").write_text(
        f"[global]\nindex-url = {index}\n[install]\nuser = true\ntarget = /nowhere\n"
    )

    found = stage.run(PIP_INDEX_URL="")

    assert 0 == found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize("path", ["with uv", "without uv"])
def test_wheels_beside_the_suite_are_all_that_is_asked(path: str, stage: Stage) -> None:
    """Whatever the settings say of an index; the hashes count, and a wheel that is missing is told, and not fetched."""
    shutil.copytree(stage.wheels, stage.root / "wheels")
    index = (stage.wheels.parent / "simple").as_uri()
    way = {} if path == "with uv" else NO_UV
    more = {"UV_DEFAULT_INDEX": index, "PIP_FIND_LINKS": str(stage.wheels), **way}

    found = stage.run(PIP_INDEX_URL="http://127.0.0.1:9/simple", UV_INDEX="http://127.0.0.1:9/simple", **way)
    stage.lock("2.0", digest="0" * 64)
    differing = stage.run(**more)
    stage.lock("2.0")
    (stage.root / "wheels" / "tiny-2.0-py3-none-any.whl").unlink()
    missing = stage.run(**more)

    assert 0 == found.returncode, found.stdout + found.stderr
    assert '"version": "1.0"' in found.stdout
    assert (3, 3) == (differing.returncode, missing.returncode)
    assert "has no tiny 2.0 for cpython" not in differing.stderr
    assert "has no tiny 2.0 for cpython" in missing.stderr


def test_two_processes_that_race_both_succeed(stage: Stage) -> None:
    """One moves its folder into place, the other takes that; nothing half-made is ever used."""
    results: list[subprocess.CompletedProcess[str]] = []
    threads = [threading.Thread(target=lambda: results.append(stage.run())) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert [0, 0, 0, 0] == [each.returncode for each in results], [each.stdout for each in results]
    assert 1 == len(list((stage.home / "temp" / "milepost").iterdir()))


@pytest.mark.parametrize(
    "damage", ["marker gone", "package gone", "file cut short", "marker of another lock", "a link to nowhere"]
)
def test_a_broken_folder_is_built_again(damage: str, stage: Stage) -> None:
    """Whatever is missing from it."""
    stage.run()
    folder = next((stage.home / "temp" / "milepost").iterdir())
    if damage == "marker gone":
        (folder / ".complete.json").unlink()
    elif damage == "package gone":
        shutil.rmtree(next(folder.glob("tiny-*.dist-info")))
    elif damage == "file cut short":
        (folder / "tiny.py").write_text("")
    elif damage == "a link to nowhere":
        shutil.rmtree(folder)
        folder.symlink_to("/nowhere")
    else:
        (folder / ".complete.json").write_text('"other"')

    found = stage.run()

    assert 0 == found.returncode, found.stdout + found.stderr
    assert "version = '1.0'\n" == (folder / "tiny.py").read_text()
    assert (folder / ".complete.json").exists()


def test_a_run_killed_while_it_installs_leaves_no_trap(stage: Stage) -> None:
    """What it left is never taken for whole; the next run succeeds."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(stage.script), "sync"],
        env=stage.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    root = stage.home / "temp" / "milepost"
    while process.poll() is None and not (root.exists() and list(root.glob(".building-*"))):
        time.sleep(0.001)
    process.kill()
    process.wait()

    assert 0 == stage.run().returncode


def test_the_tool_cache_is_kept_only_where_it_may_be(stage: Stage) -> None:
    """With MILEPOST_CACHE=tool it is, except for pull_request_target, releases and `auto`, which say so."""
    tools = stage.home / "tools"
    settings = {"MILEPOST_CACHE": "tool", "RUNNER_TOOL_CACHE": str(tools)}
    for name in ("release", "auto"):
        stage.lock(name=name)
    target = stage.run(**settings, GITHUB_EVENT_NAME="pull_request_target")
    release, auto = stage.run("release", **settings), stage.run("auto", **settings)
    before = tools.exists()
    usual = stage.run(**settings, GITHUB_EVENT_NAME="push")

    assert [0, 0, 0, 0] == [each.returncode for each in (target, release, auto, usual)]
    assert "is not used: every job on this machine can write there, and pull_request_target" in target.stderr
    assert "and release must not run what others wrote" in release.stderr
    assert "and auto must not run what others wrote" in auto.stderr
    assert (False, 1) == (before, len(list((tools / "milepost").iterdir())))


def test_outside_a_runner_the_users_cache_is_used(stage: Stage) -> None:
    """Below XDG_CACHE_HOME, else the home folder."""
    found = stage.run(RUNNER_TEMP="", XDG_CACHE_HOME=str(stage.home / "cache"))

    assert 0 == found.returncode
    assert str(stage.home / "cache" / "milepost") in found.stdout


def test_a_folder_that_cannot_be_written_to_is_told(stage: Stage) -> None:
    """Another that is this user's alone is taken; where one cannot be had: exit status 3 and the reasons."""
    (stage.home / "file").write_text("")
    spare, open_to_all = stage.home / "spare", stage.home / "open to all"
    spare.mkdir()
    (open_to_all / f"milepost-{os.geteuid()}").mkdir(parents=True)
    (open_to_all / f"milepost-{os.geteuid()}").chmod(0o777)
    private = stage.run(RUNNER_TEMP=str(stage.home / "file"), TMPDIR=str(spare))
    nowhere = stage.run(RUNNER_TEMP=str(stage.home / "file"), TMPDIR=str(open_to_all))

    assert (0, 3) == (private.returncode, nowhere.returncode), private.stderr + nowhere.stderr
    assert str(spare / f"milepost-{os.geteuid()}") in private.stdout
    assert "the packages need a folder to be written to" in nowhere.stderr
    assert "can be written to by others" in nowhere.stderr


def test_an_unknown_home_never_becomes_a_folder_of_the_workspace(stage: Stage) -> None:
    """A relative XDG_CACHE_HOME is not used, as its specification says."""
    found = stage.run(RUNNER_TEMP="", XDG_CACHE_HOME="cache")

    assert 0 == found.returncode, found.stderr
    assert not (stage.home / "cache").exists()


def test_an_old_python_says_what_to_add(stage: Stage) -> None:
    """One line that names setup-python, exit status 2; also where 3.6 reads the file."""
    olds = [
        each
        for version in ("3.6", "3.7", "3.8", "3.9")
        for each in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    ]
    if not olds:
        pytest.skip("no Python older than 3.10 is installed here")
    for old in olds:
        found = stage.run(python=str(old), GITHUB_ACTIONS="true")

        assert (2, 1) == (found.returncode, len(found.stdout.splitlines())), found.stderr
        assert found.stdout.startswith("::error::Milepost needs Python 3.10 or newer")
        assert "actions/setup-python" in found.stdout


def test_the_entry_file_is_readable_by_an_older_interpreter() -> None:
    """Its syntax is that of 3.6, so that an old interpreter can say that it is too old."""
    import ast

    ast.parse((SCRIPTS / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_signals_reach_the_command(stage: Stage) -> None:
    """SIGTERM ends the command the way the command wants."""
    stage.run()
    process = subprocess.Popen(
        [sys.executable, "-I", str(stage.script), "sync", "--wait"],
        env=stage.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    process.send_signal(signal.SIGTERM)

    assert 42 == process.wait(10)
    process.stdout.close()


def test_credentials_of_an_index_are_not_shown(stage: Stage) -> None:
    """A failing index is told without its user and password."""
    found = stage.run(PIP_INDEX_URL="http://user:hunter2@127.0.0.1:9/simple", PIP_RETRIES="0", UV_HTTP_RETRIES="0")

    assert 3 == found.returncode
    assert "hunter2" not in found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (SCRIPTS / "locks").glob("*.txt")))
def test_each_lock_installs_from_an_empty_folder(name: str, tmp_path: Path) -> None:
    """With the real index, the real hashes, and nothing there before."""
    settings = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "UV_", "MILEPOST", "GITHUB", "RUNNER"))
    }
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import packages; print(packages.find_packages({name!r}))"
    found = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env={**settings, "HOME": str(tmp_path), "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == found.returncode, found.stderr
    assert (Path(found.stdout.strip()) / ".complete.json").exists() or "None" == found.stdout.strip()
