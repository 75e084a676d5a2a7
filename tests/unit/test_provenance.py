"""Which commit this package is: from git's own files, or from what the installer noted."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from milepost import provenance
from milepost.provenance import read_commit, read_default_branch, read_head


def git(folder: Path, *arguments: str) -> str:
    """git's answer, with no settings of anybody's."""
    settings = {"HOME": str(folder), "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=trunk"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit that holds a package as ours stands in it, and its clone."""
    origin = tmp_path / "origin"
    (origin / "scripts/milepost").mkdir(parents=True)
    (origin / "action.yml").write_text("name: x\n", encoding="utf-8")
    git(origin, "init", "--quiet")
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "--message", "one")
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    (tmp_path / "clone/scripts/milepost").mkdir(parents=True, exist_ok=True)
    return tmp_path / "clone"


def test_a_checkout_knows_its_commit_and_its_default_branch(clone: Path) -> None:
    """On a branch, with packed references, detached, and in a worktree."""
    sha = git(clone, "rev-parse", "HEAD")
    found = [read_head(clone)]
    git(clone, "pack-refs", "--all")
    found.append(read_head(clone))
    git(clone, "worktree", "add", "--quiet", "../tree", "-b", "topic")
    found.append(read_head(clone.parent / "tree"))
    git(clone, "checkout", "--quiet", "--detach")
    found.append(read_head(clone))

    assert [sha] * 4 == found
    assert sha == read_commit(clone / "scripts/milepost")
    assert ["trunk", "trunk"] == [read_default_branch(each) for each in (clone, clone.parent / "tree")]


def test_what_is_no_checkout_knows_neither(tmp_path: Path) -> None:
    """No folder of git's, an empty one, a head that names nothing, bytes that are no text."""
    (tmp_path / "empty/.git").mkdir(parents=True)
    (tmp_path / "unborn/.git").mkdir(parents=True)
    (tmp_path / "unborn/.git/HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (tmp_path / "odd/.git").mkdir(parents=True)
    (tmp_path / "odd/.git/HEAD").write_bytes(b"\xff\xfe")

    folders = [tmp_path, *(tmp_path / each for each in ("empty", "unborn", "odd"))]
    assert [None] * 4 == [read_head(each) for each in folders]
    assert [None] * 4 == [read_default_branch(each) for each in folders]


@pytest.mark.parametrize(
    ("noted", "commit"),
    [
        ('{"url": "https://x", "vcs_info": {"vcs": "git", "commit_id": "%s"}}' % ("a" * 40), "a" * 40),
        ('{"url": "https://x", "vcs_info": {"vcs": "git", "commit_id": "main"}}', None),
        ('{"url": "file:///x", "dir_info": {}}', None),
        ("[]", None),
        ("{", None),
        (None, None),
    ],
)
def test_an_installed_package_knows_what_the_installer_noted(
    noted: str | None, commit: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository's commit (PEP 610); an index, a folder or an archive has none."""

    class Distribution:
        def read_text(self, name: str) -> str | None:
            return noted if name == "direct_url.json" else None

    def distribution(name: str) -> Any:
        return Distribution()

    monkeypatch.setattr(provenance, "distribution", distribution)

    assert commit == read_commit(tmp_path / "site-packages/milepost")
