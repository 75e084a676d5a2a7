"""Builds the folder of a lock: by uv, by a pinned uv that pip fetches, or by pip; then moves it into place."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bundled import describe_missing, find_wheels
from folder import MARKER, NotInstalled, NotWritable, is_complete, tell
from installers import Failed, run_pip, run_uv
from lock import LOCKS, Lock, read_lock

UV = "uv"
BUILDING = ".building-"
DAY = 24 * 60 * 60
# Gives the folder of a lock below a root, building it when it is not there.
Provide = Callable[[Path, Lock], Path]
Way = Callable[[Lock, Path, Path], None]


def install(lock: Lock, folder: Path, provide: Provide) -> None:
    """The folder is complete; raises NotWritable when it cannot be there, NotInstalled when no way leads to it."""
    with _room_beside(folder) as room:
        built = room / "packages"
        _try_ways(lock, built, room, provide)
        _mark(built, lock)
        _move(built, folder, lock, room)


@contextmanager
def _room_beside(folder: Path) -> Iterator[Path]:
    """A folder of this process alone, on the same file system; it is gone afterwards, also after SIGTERM."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        room = Path(tempfile.mkdtemp(prefix=BUILDING, dir=folder.parent))
    except OSError as trouble:
        raise NotWritable(str(trouble)) from None
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def _sweep(parent: Path) -> None:
    """What killed processes left behind is gone; no installation takes a day."""
    for each in parent.glob(BUILDING + "*"):
        try:
            if time.time() - each.stat().st_mtime > DAY:
                shutil.rmtree(each, ignore_errors=True)
        except OSError:
            pass  # somebody else has swept it


def _try_ways(lock: Lock, target: Path, room: Path, provide: Provide) -> None:
    ways = _list_ways(lock, provide)
    reasons = []
    for way in ways:
        try:
            way(lock, target, room)
            return
        except (Failed, NotInstalled) as trouble:
            reasons.append(str(trouble))
            shutil.rmtree(target, ignore_errors=True)
            if way is not ways[-1]:
                tell(f"{trouble}; trying another way to install the packages")
    wheels = find_wheels()
    missing = describe_missing(lock.pins, wheels) if wheels else ""
    raise NotInstalled(f"the packages could not be installed: {missing or '; '.join(reasons)}")


def _list_ways(lock: Lock, provide: Provide) -> tuple[Way, ...]:
    # uv itself is fetched by the one installer that Python brings, and a bundle does not bring it along.
    present: tuple[Way, ...] = (_by_uv,) if shutil.which(UV) else ()
    if find_wheels():
        return (*present, _by_pip)
    return (_by_pip,) if lock.path.stem == UV else (*present, partial(_by_fetched_uv, provide), _by_pip)


def _by_uv(lock: Lock, target: Path, room: Path) -> None:
    run_uv(shutil.which(UV) or UV, lock.path, target, room)


def _by_fetched_uv(provide: Provide, lock: Lock, target: Path, room: Path) -> None:
    # Kept like any other packages: the next lock of the job finds it there.
    tools = provide(room.parent, read_lock(LOCKS / f"{UV}.txt"))
    run_uv(str(tools / "bin" / "uv"), lock.path, target, room)


def _by_pip(lock: Lock, target: Path, room: Path) -> None:
    run_pip(lock.path, target, room)


def _mark(built: Path, lock: Lock) -> None:
    """The folder says for which lock it was built, and what must be in it."""
    files = {path.relative_to(built).as_posix(): path.stat().st_size for path in built.rglob("*") if path.is_file()}
    (built / MARKER).write_text(json.dumps({"lock": lock.digest, "files": files}), encoding="utf-8")


def _move(built: Path, folder: Path, lock: Lock, room: Path) -> None:
    """The folder is in its place, unless another process was faster; a broken one there is replaced."""
    try:
        with _alone_in(folder.parent):
            if is_complete(folder, lock):
                return
            if os.path.lexists(folder):
                folder.rename(room / "broken")
            built.rename(folder)
    except OSError as trouble:
        raise NotWritable(str(trouble)) from None


@contextmanager
def _alone_in(parent: Path) -> Iterator[None]:
    """No other process moves anything there meanwhile, on file systems that know locks."""
    descriptor = os.open(parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            pass  # without locks the worst is that one of two repairers builds for nothing
        yield
    finally:
        os.close(descriptor)
