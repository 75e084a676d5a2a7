"""Whether the libraries that packages brought are still the ones that lie there: their RECORD against the files."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Their files are read whole at level full: they are the ones that another package lays its own over.
HASHED = ("nvidia-cudnn", "nvidia-nccl")
JUDGED = ("nvidia-", "torch", "triton")


def compare_files(distributions: list[Any], level: str) -> dict[str, Any]:
    """`files` of the facts: how the libraries were compared, how many, and which differ."""
    checked, differ = 0, []
    for name, distribution in sorted(_judged(distributions), key=lambda each: each[0]):
        is_hashed = level == "full" and name.startswith(HASHED)
        for path, size, digest in _list_libraries(distribution):
            checked += 1
            if not is_same(path, size, digest if is_hashed else None):
                differ.append({"package": name, "path": str(path)})
    return {"how": "sha256" if level == "full" else "size", "checked": checked, "differ": differ}


def is_same(path: Path, size: int | None, digest: str | None) -> bool:
    """True when the file has that size and, where one is given, that hash."""
    try:
        if size is not None and path.stat().st_size != size:
            return False
        return digest is None or hash_file(path) == digest
    except OSError:
        return False


def hash_file(path: Path) -> str:
    """The file's sha256 as RECORD writes it."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode("ascii")


def _judged(distributions: list[Any]) -> Iterator[tuple[str, Any]]:
    for each in distributions:
        name = (each.metadata["Name"] or "").lower().replace("_", "-")
        if name.startswith(JUDGED):
            yield name, each


def _list_libraries(distribution: Any) -> Iterator[tuple[Path, int | None, str | None]]:
    """Each library with the size and the hash that RECORD gives; none where there is no RECORD.

    RECORD is read here, since from Python 3.12 on `distribution.files` leaves out what is missing.
    """
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        path, written, size = (*row, "", "", "")[:3]
        name = path.rpartition("/")[2]
        is_library = name.endswith(".so") or ".so." in name
        if is_library and (written or size):
            algorithm, _, digest = written.partition("=")
            is_known = algorithm == "sha256" and bool(digest)
            yield (
                Path(str(distribution.locate_file(path))),
                int(size) if size.isdigit() else None,
                digest if is_known else None,
            )
