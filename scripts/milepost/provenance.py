"""Which commit of the suite this package is, as far as that is written down somewhere that cannot be wrong."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SHA = re.compile(r"[0-9a-f]{40}")


def read_commit(package: Path = PACKAGE) -> str | None:
    """The commit: of the checkout that the package stands in, else of the repository that it was installed from."""
    root = package.parents[1]
    is_checkout = package == root / "scripts" / "milepost" and (root / "action.yml").is_file()
    return read_head(root) if is_checkout else _read_installed()


def read_head(folder: Path) -> str | None:
    """The commit that is checked out there; None where git's files do not say."""
    try:
        git = _find_git(folder)
        head = _read_line(git / "HEAD")
        return _resolve(git, head.removeprefix("ref: ")) if head.startswith("ref: ") else _commit(head)
    except (OSError, ValueError):
        return None


def read_default_branch(folder: Path) -> str | None:
    """The branch that the clone's origin had as its default; None where git's files do not say."""
    try:
        line = _read_line(_common(_find_git(folder)) / "refs" / "remotes" / "origin" / "HEAD")
    except (OSError, ValueError):
        return None
    prefix = "ref: refs/remotes/origin/"
    return line.removeprefix(prefix) if line.startswith(prefix) else None


def _read_installed() -> str | None:
    """What the installer noted of a repository (PEP 610); an index, a file and a folder have no commit."""
    try:
        text = distribution("milepost").read_text("direct_url.json")
        value = json.loads(text or "{}")
        return _commit(str(value["vcs_info"]["commit_id"]))
    except (PackageNotFoundError, KeyError, TypeError, ValueError, OSError):
        return None


def _find_git(folder: Path) -> Path:
    """The folder of git's files: below the checkout, or where a worktree's file says."""
    git = folder / ".git"
    if git.is_dir():
        return git
    return folder / _read_line(git).removeprefix("gitdir: ")


def _common(git: Path) -> Path:
    """Where the references are that all worktrees share."""
    file = git / "commondir"
    return git / _read_line(file) if file.is_file() else git


def _resolve(git: Path, name: str) -> str | None:
    common = _common(git)
    for folder in (git, common):
        if (folder / name).is_file():
            return _commit(_read_line(folder / name))
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((_commit(line.split(" ")[0]) for line in lines if line.endswith(f" {name}")), None)


def _commit(text: str) -> str | None:
    return text if SHA.fullmatch(text) else None


def _read_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()
