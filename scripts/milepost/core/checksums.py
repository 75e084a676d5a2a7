"""The file `SHA256SUMS` of a release, in the form that `sha256sum --check` reads, and what it says of the other files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping

from milepost.diagnostics import Diagnostic, Rule, Severity

CHECKSUM_MISSING = Rule(
    "checksum-missing", Severity.ERROR, "The checksums of a release and its files are not of one set."
)
CHECKSUM_DIFFERS = Rule("checksum-differs", Severity.ERROR, "A file of a release is not the one that was released.")
RULES = (CHECKSUM_MISSING, CHECKSUM_DIFFERS)

# A plain file name: no folder, nothing that a shell or a terminal could take for something else.
LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_][A-Za-z0-9_.+-]{0,254})")
MOST_FILES = 20
AGAIN = "take the files from the release again; if it is the release that lacks them, it was changed after it was made"


def render_checksums(files: Mapping[str, bytes]) -> str:
    """The file over these files, by their names."""
    return "".join(f"{hash_bytes(data)}  {name}\n" for name, data in sorted(files.items()))


def hash_bytes(data: bytes) -> str:
    """The SHA-256 of the bytes, as 64 digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(data: bytes) -> str:
    """The SHA-256 as registries and GitHub write it, `sha256:…`."""
    return f"sha256:{hash_bytes(data)}"


def read_checksums(text: str) -> dict[str, str] | None:
    """The checksum of each file by its name; None when it is not such a file, or names a file twice."""
    lines = text.removesuffix("\n").split("\n")
    found = [LINE.fullmatch(line) for line in lines]
    sums = {each[2]: each[1] for each in found if each}
    return sums if len(sums) == len(lines) <= MOST_FILES else None


def judge_checksums(
    sums: Mapping[str, str], files: Mapping[str, bytes], required: Collection[str]
) -> tuple[Diagnostic, ...]:
    """What is not as it was released: a file without checksum, a checksum without file, a file that differs."""
    unlisted = [name for name in sorted(required) if name not in sums]
    absent = [name for name in sorted(sums) if name not in files]
    differing = [name for name in sorted(sums) if name in files and hash_bytes(files[name]) != sums[name]]
    return (
        *(CHECKSUM_MISSING.found(f"{name} has no checksum in SHA256SUMS", help=AGAIN) for name in unlisted),
        *(
            CHECKSUM_MISSING.found(f"SHA256SUMS has a checksum of {name}, which is not there", help=AGAIN)
            for name in absent
        ),
        *(_differs(name, sums[name], files[name]) for name in differing),
    )


def _differs(name: str, wanted: str, data: bytes) -> Diagnostic:
    return CHECKSUM_DIFFERS.found(
        f"{name} has the SHA-256 {hash_bytes(data)}; SHA256SUMS has {wanted}",
        why="it was changed after the release was made, or did not arrive whole",
        help="trust neither; find out who replaced it: the release's page on GitHub has the day of each asset",
    )
