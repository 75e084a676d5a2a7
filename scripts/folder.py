"""A folder of packages: its name, whether it is whole, and why there may be none.

It is built beside its place and moved there in one piece, so that nobody ever meets half of one.
It holds modules only, with no interpreter of its own, so nothing in it breaks when it is moved.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from lock import Lock

MARKER = ".complete.json"


class NotInstalled(Exception):
    """The packages could not be installed by any way."""


class NotWritable(Exception):
    """No folder can be made at this place."""


def name_folder(lock: Lock) -> str:
    """The folder's name: the same for all interpreters, and only those, that can load what is in it."""
    abi = EXTENSION_SUFFIXES[0].removeprefix(".").removesuffix(".so")  # implementation, version, build, libc
    return re.sub(r"[^\w.-]+", "-", f"{abi}-{os.uname().machine}{_libc()}-{lock.digest[:16]}")


def is_complete(folder: Path, lock: Lock) -> bool:
    """True when the folder was built for this lock, and none of its files is gone or cut short since."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return bool(marker["lock"] == lock.digest) and all(
            os.stat(os.path.join(folder, name)).st_size == size for name, size in marker["files"].items()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def tell(text: str) -> None:
    """One line for whoever reads the log."""
    print(f"milepost: {text}", file=sys.stderr, flush=True)


def _libc() -> str:
    """The C library's name and version where it has one: folders may be shared with containers of another kind."""
    try:
        return f"-{os.confstr('CS_GNU_LIBC_VERSION')}"
    except (ValueError, OSError):
        return ""
