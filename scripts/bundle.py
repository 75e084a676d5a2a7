"""Makes one archive of the suite and of the wheels that it installs, for machines without a network.

python3 scripts/bundle.py                      for this machine and its Python
python3 scripts/bundle.py --python 3.10 3.12 --platform manylinux_2_28_aarch64
python3 scripts/bundle.py --action sync gate   only what these actions install

A bill of materials and the checksums of both are written beside it. The same commit, wheels and SOURCE_DATE_EPOCH make
the same bytes on every machine: nothing is compressed here, since compressors differ, and wheels are compressed already.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent
LOCKS = SCRIPTS / "locks"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from folder import NotInstalled  # noqa: E402
from lock import DEFAULT, normal  # noqa: E402
from milepost import __version__  # noqa: E402
from packages import find_packages  # noqa: E402

SUITE = ("LICENSE", "action.yml", "actions", "scripts")
# What only people who work on the suite install, and uv, which pip stands in for where there is no network.
NOT_BUNDLED = ("bundle", "demo", "dev", "uv")
PIN = re.compile(
    r"^([\w.-]+)==([^\s;\\]+)(?: ; ([^\\\n]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", re.MULTILINE
)
FAMILY = re.compile(r"(manylinux_2|musllinux_1)_(\d+)_(\w+)")
OLDEST = {"manylinux_2": 5, "musllinux_1": 1}
OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
EARLIEST = 315532800  # 1980, before which an archive knows no time
SHOWN_LINES = 4


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One package of a lock, with the hashes of every file that may be it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """An interpreter that installs from the bundle; without a platform it is one of this machine."""

    python: str
    platform: str

    @property
    def environment(self) -> dict[str, str]:
        """What environment markers ask about."""
        place = self.platform or sysconfig.get_platform().replace("-", "_")
        is_mac = place.startswith("macosx")
        machines = ("x86_64", "aarch64", "arm64", "ppc64le", "s390x", "i686", "armv7l", "riscv64")
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": next((each for each in machines if place.endswith(each)), ""),
            "platform_python_implementation": "CPython",
            "platform_system": "Darwin" if is_mac else "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "darwin" if is_mac else "linux",
        }


class Failed(Exception):
    """There is no bundle; the text says why."""


def main(argv: list[str]) -> int:
    """The archive, its bill of materials and their checksums are there, or it is told why not."""
    given = _parse(argv)
    try:
        folder = find_packages("bundle")
        sys.path[:0] = [folder] if folder else []
        moment = max(int(os.environ.get("SOURCE_DATE_EPOCH") or EARLIEST), EARLIEST)
        for path in write_bundle(_find_locks(given.action), _targets(given), Path(given.output), moment):
            print(f"wrote {path} ({path.stat().st_size:,} bytes)")
    except (Failed, NotInstalled) as trouble:
        print(f"bundle: {trouble}", file=sys.stderr)
        return 3
    return 0


def write_bundle(locks: list[Path], targets: list[Target], output: Path, moment: int) -> tuple[Path, ...]:
    """The three files, in the folder `output`; `moment` is the time that they tell, in seconds since 1970."""
    from sbom import render_sbom  # with packages that only this command has

    name = f"milepost-{__version__}-{targets[0].platform or sysconfig.get_platform()}"
    archive, bill, sums = (output / f"{name}{suffix}" for suffix in (".zip", ".cdx.json", ".sha256"))
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        for target in targets:
            _download(_list_pins(locks, target), target, wheels)
        files = {f"wheels/{each.name}": each for each in wheels.glob("*.whl")} | dict(_list_suite())
        _write_archive(archive, name, files, moment)
        bill.write_text(render_sbom(sorted(wheels.glob("*.whl")), __version__, moment), encoding="utf-8")
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in (bill, archive)]
    sums.write_text("".join(lines), encoding="utf-8")
    return archive, bill, sums


def list_tags(platform: str) -> list[str]:
    """The platforms whose wheels run on this one: of the same family, and as old or older."""
    found = FAMILY.fullmatch(platform)
    if not found:
        return [platform]  # pip itself knows what older versions of macOS are called
    family, minor, machine = found[1], int(found[2]), found[3]
    tags = []
    for each in range(minor, OLDEST[family] - 1, -1):
        tags.append(f"{family}_{each}_{machine}")
        if family == "manylinux_2" and each in OLD_NAMES:
            tags.append(f"{OLD_NAMES[each]}_{machine}")
    return tags


def _parse(argv: list[str]) -> argparse.Namespace:
    own = "{}.{}".format(*sys.version_info[:2])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--python", nargs="+", default=[own], metavar="3.N", help="versions of CPython that will run it"
    )
    parser.add_argument("--platform", default="", help="such as manylinux_2_28_x86_64; by default this machine's")
    parser.add_argument("--action", nargs="+", default=[], metavar="NAME", help="by default everything but the tests")
    parser.add_argument("--output", default="dist", metavar="FOLDER", help="where the files go (default: dist)")
    given = parser.parse_args(argv)
    for each in given.python:
        if not re.fullmatch(r"3\.\d+", each) or int(each[2:]) < 10:
            parser.error(f"--python {each}: write the versions as 3.10 3.11, from 3.10 on")
    return given


def _targets(given: argparse.Namespace) -> list[Target]:
    return [Target(python=each, platform=given.platform) for each in given.python]


def _find_locks(names: list[str]) -> list[Path]:
    """The locks of the named actions, or of all that run without a network; `--help` works with each."""
    known = {each.stem: each for each in sorted(LOCKS.glob("*.txt")) if each.stem not in NOT_BUNDLED}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise Failed(f"--action {', '.join(unknown)} has no lock; there are {', '.join(known)}")
    return [known[each] for each in sorted({*names, DEFAULT} if names else known)]


def _list_pins(locks: list[Path], target: Target) -> dict[tuple[str, str], Pin]:
    """What the locks install there, by name and version, with the hashes of all of them."""
    from packaging.markers import Marker

    found: dict[tuple[str, str], Pin] = {}
    for pin in (each for lock in locks for each in _read_pins(lock)):
        if not pin.marker or Marker(pin.marker).evaluate(dict(target.environment)):
            found.setdefault((pin.name, pin.version), pin)
    return found


def _read_pins(lock: Path) -> Iterator[Pin]:
    for name, version, marker, hashes in PIN.findall(lock.read_text(encoding="utf-8")):
        yield Pin(name=normal(name), version=version, marker=marker, hashes=tuple(re.findall(r"[0-9a-f]{64}", hashes)))


def _download(pins: Mapping[tuple[str, str], Pin], target: Target, wheels: Path) -> None:
    """A wheel of every pin lies in the folder; two versions of a name, of different locks, are fetched in turn."""
    left = dict(pins)
    while left:
        batch = {pin.name: pin for pin in left.values()}
        lines = [
            f"{each.name}=={each.version} " + " ".join(f"--hash=sha256:{digest}" for digest in each.hashes) + "\n"
            for each in batch.values()
        ]
        _run_pip("".join(lines), target, wheels)
        for each in batch.values():
            del left[each.name, each.version]


def _run_pip(requirements: str, target: Target, wheels: Path) -> None:
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version", target.python]
    command += ["--implementation", "cp", "--dest", str(wheels)]
    command += [f"--platform={each}" for each in list_tags(target.platform) if each]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_text(requirements, encoding="utf-8")
        finished = subprocess.run([*command, "-r", str(path)], capture_output=True, text=True, check=False)
    if finished.returncode:
        lines = [each.strip() for each in finished.stderr.splitlines() if each.strip()][-SHOWN_LINES:]
        where = f"Python {target.python} on {target.platform or 'this machine'}"
        raise Failed(f"pip could not fetch the wheels for {where}: {' / '.join(lines)}")


def _list_suite() -> Iterator[tuple[str, Path]]:
    for name in SUITE:
        path = ROOT / name
        for each in [path] if path.is_file() else path.rglob("*"):
            if each.is_file() and "__pycache__" not in each.parts:
                yield each.relative_to(ROOT).as_posix(), each


def _write_archive(archive: Path, top: str, files: Mapping[str, Path], moment: int) -> None:
    """The archive holds the files below one folder, in the order of their names, with nothing of this machine."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as written:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{top}/{name}", time.gmtime(moment)[:6])
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            written.writestr(entry, files[name].read_bytes())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
