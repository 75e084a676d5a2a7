"""Where the packages of a command stand: in the interpreter, or in a folder that only this process has on its path."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from folder import NotInstalled, NotWritable, is_complete, name_folder, tell
from lock import Lock, find_lock, holds, read_lock

SCRIPTS = str(Path(__file__).resolve().parent)
# What every job on a machine could have written is not for these: they hold more rights than most jobs do.
UNSHARED_EVENTS = ("pull_request_target",)
UNSHARED_COMMANDS = ("release", "auto")  # which may come to be a release


def find_packages(command: str) -> str | None:
    """The folder with the command's packages; None when the running interpreter has exactly these."""
    lock = read_lock(find_lock(command))
    if holds([path for path in sys.path if path not in ("", SCRIPTS)], lock.pins):
        return None
    reasons = []
    for root in list_roots(command, os.environ):
        try:
            return str(provide(root, lock))
        except NotWritable as trouble:
            reasons.append(str(trouble))
            tell(f"packages cannot be kept: {trouble}")
    raise NotInstalled(f"the packages need a folder to be written to: {'; '.join(reasons)}")


def keep_only(folder: str) -> None:
    """Imports find our own modules, the folder and the standard library; no other package of the interpreter."""
    library = os.path.dirname(os.__file__)
    standard = [path for path in sys.path if path.startswith(library) and "-packages" not in path[len(library) :]]
    sys.path[:] = [SCRIPTS, folder, *standard]


def provide(root: Path, lock: Lock) -> Path:
    """The folder of the lock below the root: found whole, or built; raises NotWritable or NotInstalled."""
    folder = root / name_folder(lock)
    if not is_complete(folder, lock):
        from install import install  # with all it imports, only when there is something to install

        install(lock, folder, provide)
    return folder


def list_roots(command: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """The places to try in turn: the machine's when asked for and allowed, the job's or the user's, a private one."""
    if environment.get("MILEPOST_CACHE"):
        refusal = _refuse_tool_cache(command, environment)
        if refusal:
            tell(f"MILEPOST_CACHE={environment['MILEPOST_CACHE']} is not used: {refusal}")
        else:
            yield Path(environment["RUNNER_TOOL_CACHE"], "milepost")
    if environment.get("RUNNER_TEMP"):
        yield Path(environment["RUNNER_TEMP"], "milepost")
    else:
        yield from _list_user_roots(environment)
    yield from _list_private_roots()


def _refuse_tool_cache(command: str, environment: Mapping[str, str]) -> str:
    """Why this run must not use the machine's cache; empty when it may."""
    event = environment.get("GITHUB_EVENT_NAME", "")
    if environment["MILEPOST_CACHE"] != "tool":
        return "its only value is tool"
    if event in UNSHARED_EVENTS or command in UNSHARED_COMMANDS:
        subject = event if event in UNSHARED_EVENTS else command
        return f"every job on this machine can write there, and {subject} must not run what others wrote"
    return "" if environment.get("RUNNER_TOOL_CACHE") else "RUNNER_TOOL_CACHE is not set"


def _list_user_roots(environment: Mapping[str, str]) -> Iterator[Path]:
    given, home = environment.get("XDG_CACHE_HOME", ""), os.path.expanduser("~")
    caches = os.path.join(home, "Library/Caches" if sys.platform == "darwin" else ".cache")
    path = given if os.path.isabs(given) else caches
    if os.path.isabs(path):  # a home that is not known must not become a folder of the workspace
        yield Path(path, "milepost")


def _list_private_roots() -> Iterator[Path]:
    """A folder for temporary files that is this user's alone, when there can be one."""
    import tempfile

    try:
        path = Path(tempfile.gettempdir(), f"milepost-{os.geteuid()}")
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
            yield path
        else:
            tell(f"packages cannot be kept: {path} can be written to by others")
    except OSError as trouble:
        tell(f"packages cannot be kept: {trouble}")
