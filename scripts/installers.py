"""uv and pip as child processes: of the caller's settings they see how to reach an index, and nothing else."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bundled import find_wheels

# pip's settings that say how an index is reached, and what uv calls them.
SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "keyring-provider": "UV_KEYRING_PROVIDER",
}
OTHER_NAMES = {"default-timeout": "timeout", "pypi-url": "index-url"}
LISTS = {"extra-index-url": " ", "find-links": ",", "trusted-host": " "}  # with what stands between two of them for uv
# uv's own settings of that kind; the first group says which indexes, and then pip's are not asked as well.
UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
UV_REACH = ("UV_INSECURE_HOST", "UV_HTTP_", "UV_REQUEST_TIMEOUT", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS")
UV_KEPT = ("UV_INDEX_", *UV_INDEXES, *UV_REACH, "UV_KEYRING_PROVIDER", "UV_CREDENTIALS_DIR")
FOREIGN = ("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV", "CONDA_", "INPUT_", "GITHUB_", "GH_", "ACTIONS_")
SHOWN_LINES = 4


class Failed(Exception):
    """One installer did not do it; the text says why, without credentials."""


def run_uv(uv: str, lock: Path, target: Path, room: Path) -> None:
    """The target holds the packages of the lock, installed by uv; nothing else was written outside the room."""
    command = [uv, "pip", "install", "--quiet", "--no-config", "--no-deps", "--no-build", "--require-hashes"]
    # Every file is checked against its hash, so any index may serve it, as with pip.
    command += ["--index-strategy", "unsafe-best-match", "--cache-dir", str(room / "cache")]
    command += ["--python", sys.executable, "--target", str(target), "--requirements", str(lock)]
    wheels = find_wheels()
    if wheels:
        command += ["--offline", *_only_from(wheels)]
        environment = _without_foreign(os.environ, ())
    else:
        environment = _environment_of_uv(os.environ, read_pip_settings(os.environ))
    _run("uv", command, environment, room)


def run_pip(lock: Path, target: Path, room: Path) -> None:
    """The target holds the packages of the lock, installed by pip; nothing else was written outside the room."""
    wheels = find_wheels()
    environment = _environment_of_pip(os.environ, {} if wheels else read_pip_settings(os.environ))
    python = sys.executable
    if importlib.util.find_spec("pip") is None:
        _run("venv", [python, "-I", "-m", "venv", str(room / "venv")], environment, room)
        python = str(room / "venv" / "bin" / "python")
    command = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-cache-dir", "--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += _only_from(wheels) if wheels else []
    _run("pip", [*command, "--target", str(target), "--requirement", str(lock)], environment, room)


def read_pip_settings(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """What pip's files and variables say about reaching an index, the later over the earlier; nothing else."""
    found: dict[str, list[str]] = {}
    for name, value in [*_read_files(environment), *_read_variables(environment)]:
        plain = name.lower().replace("_", "-")
        plain = OTHER_NAMES.get(plain, plain)
        if plain in SETTINGS and value.strip():
            found[plain] = value.split() if plain in LISTS else [value.strip()]
    return found


def scrub(text: str) -> str:
    """The text without the credentials that addresses of indexes may carry."""
    return re.sub(r"(\w+://)[^/\s]+@", r"\1***@", text)


def _only_from(wheels: Path) -> list[str]:
    # A bundle needs no index, and must not ask one: the hashes are checked all the same.
    return ["--no-index", "--find-links", str(wheels)]


def _read_files(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The settings of pip's files for every command, then of those for `pip install`."""
    by_section: dict[str, list[tuple[str, str]]] = {"global": [], "install": []}
    for path in _list_pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself stops at such a file, and says so
        for section, settings in by_section.items():
            settings += parser.items(section) if parser.has_section(section) else []
    yield from by_section["global"]
    yield from by_section["install"]


def _read_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        if name.startswith("PIP_"):
            yield name.removeprefix("PIP_"), value


def _list_pip_files(environment: Mapping[str, str]) -> list[str]:
    """Where pip looks, in its order: for all users, for this user, for this environment, and where it is told to."""
    given = environment.get("PIP_CONFIG_FILE")
    if given == os.devnull:
        return []
    home = os.path.expanduser("~")
    config = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    shared = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files = [*(f"{folder}/pip/pip.conf" for folder in shared.split(os.pathsep)), "/etc/pip.conf"]
    files += ["/Library/Application Support/pip/pip.conf"] if sys.platform == "darwin" else []
    files += [f"{home}/.pip/pip.conf", f"{config}/pip/pip.conf"]
    files += [f"{home}/Library/Application Support/pip/pip.conf"] if sys.platform == "darwin" else []
    return [*files, f"{sys.prefix}/pip.conf", *([given] if given else [])]


def _environment_of_uv(environment: Mapping[str, str], settings: Mapping[str, list[str]]) -> dict[str, str]:
    made = _without_foreign(environment, UV_KEPT)
    has_indexes = any(environment.get(name) for name in UV_INDEXES)
    for name, values in settings.items():
        if not (has_indexes and SETTINGS[name] in UV_INDEXES):
            made.setdefault(SETTINGS[name], LISTS.get(name, "").join(values))
    bundle = environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE")
    if bundle:
        made.setdefault("SSL_CERT_FILE", bundle)  # pip looks at these by itself
    return made


def _environment_of_pip(environment: Mapping[str, str], settings: Mapping[str, list[str]]) -> dict[str, str]:
    # By variables, not by options: addresses may carry passwords, and everybody can list the options of a process.
    given = {"PIP_" + name.upper().replace("-", "_"): " ".join(values) for name, values in settings.items()}
    return {**_without_foreign(environment, ()), "PIP_CONFIG_FILE": os.devnull, **given}


def _without_foreign(environment: Mapping[str, str], kept: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if value and (not name.startswith(FOREIGN) or (kept and name.startswith(kept)))
    }


def _run(name: str, command: list[str], environment: Mapping[str, str], room: Path) -> None:
    """The command has succeeded; what it wrote is shown only when it has not."""
    try:
        # In a folder of our own: what a workspace says about Python projects is not for this.
        finished = subprocess.run(
            command, env=environment, cwd=room, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as trouble:
        raise Failed(f"{name} could not be started: {trouble}") from None
    if finished.returncode:
        said = (finished.stdout + finished.stderr).decode("utf-8", "replace").split("\n")
        lines = [line.strip() for line in said if line.strip()][-SHOWN_LINES:]
        raise Failed(f"{name} ended with {finished.returncode}: {scrub(' / '.join(lines))}")
