"""Files of our own go into the draft before the release action publishes it: afterwards it would take none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from draft import Unfit, fill_draft
from milepost.errors import ExitCode, Refused

DRAFT = Path(__file__).parents[2] / "scripts" / "draft.py"
PLAN = "version: 1\nmilestones:\n  - {title: v2.9.0, due: 2027-03-01}\nrelease: {}\n"
CLOSED = {"title": "v2.9.0", "state": "closed", "closed_at": "2027-02-01T00:00:00Z"}


@pytest.fixture
def bench(new_bench: Callable[..., Any]) -> Any:
    """A repository whose milestone 1 is closed, with the plan at its only commit."""
    repository = {"files": {".github/milepost.yml": PLAN}, "milestones": [CLOSED], "issues": [], "pulls": []}
    return new_bench(repository, clock="2027-02-01T00:00:00Z")


def head(bench: Any) -> str:
    """The commit that the default branch is on."""
    return str(bench.request("GET", "/git/ref/heads/main")["object"]["sha"])


def move_on(bench: Any) -> str:
    """The default branch has one more commit, which is the value."""
    tree = bench.request("GET", f"/git/commits/{head(bench)}")["tree"]["sha"]
    body = {"message": "More", "tree": tree, "parents": [head(bench)]}
    commit = bench.request("POST", "/git/commits", body)["sha"]
    bench.request("PATCH", "/git/refs/heads/main", {"sha": commit})
    return str(commit)


def draft(bench: Any, files: dict[str, bytes], *, milestone: str = "1", commit: str = "") -> None:
    """The files are in the draft, or it raises what fill_draft raises."""
    fill_draft(
        bench.client("draft-token"),
        milestone=milestone,
        tag="v2.9.0",
        commit=commit or head(bench),
        is_prerelease=True,
        files=files,
    )


def test_files_of_a_job_before_are_published_with_the_release(bench: Any, tmp_path: Path) -> None:
    """Beside the release action's own, in one release, with its notes; nothing was public before."""
    (tmp_path / "bundle.zip").write_text("wheels")
    (tmp_path / "bundle.cdx.json").write_text("{}")
    command = [sys.executable, "-I", str(DRAFT), "--milestone", "1", "--tag", "v2.9.0", "--prerelease", "true"]
    command += ["--commit", head(bench), *map(str, sorted(tmp_path.iterdir()))]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNNER_"))}
    settings = {"GITHUB_TOKEN": "draft-token", "GITHUB_REPOSITORY": "octo/widgets", "GITHUB_API_URL": bench.github.url}

    drafted = subprocess.run(command, env={**kept, **settings}, capture_output=True, text=True, check=False)
    (between,) = bench.request("GET", "/releases")
    outcome = bench.release(PLAN, milestone="1")

    assert 0 == drafted.returncode, drafted.stderr
    assert ["added bundle.cdx.json (2 bytes)", "added bundle.zip (6 bytes)"] == drafted.stdout.splitlines()
    assert (True, "v2.9.0", "") == (between["draft"], between["name"], between["body"])
    (release,) = bench.request("GET", "/releases")
    names = {each["name"] for each in release["assets"]}
    assert {"bundle.zip", "bundle.cdx.json", "milestone.json", "milepost.yml", "SHA256SUMS"} == names
    assert (False, True, "true") == (release["draft"], release["prerelease"], outcome.outputs["released"])
    assert "milepost:release" in release["body"]


def test_what_is_to_be_built_is_known_without_a_right_to_write(bench: Any) -> None:
    """The plan names tag and commit, and whether there is anything to build for: the jobs that follow ask for these."""
    before = bench.release(PLAN, "plan", token="plan-token", milestone="1").outputs
    draft(bench, {"bundle.zip": b"wheels"})
    drafted = bench.release(PLAN, "plan", token="plan-token", milestone="1").outputs
    bench.release(PLAN, milestone="1")
    after = bench.release(PLAN, "plan", token="plan-token", milestone="1").outputs

    named = {"tag": "v2.9.0", "commit": head(bench), "prerelease": "false"}
    assert {**named, "released": "false"} == {
        name: before[name] for name in ("tag", "commit", "prerelease", "released")
    }
    assert (named["tag"], "false") == (drafted["tag"], drafted["released"])
    assert "true" == after["released"]


def test_the_commit_that_was_built_is_released_although_the_branch_moved_on(bench: Any) -> None:
    """The tag is one of this closing, as the release action makes it."""
    built = head(bench)
    draft(bench, {"bundle.zip": b"wheels"})
    move_on(bench)

    outcome = bench.release(PLAN, milestone="1")

    assert built != head(bench)
    assert (ExitCode.DONE, built) == (outcome.exit_code, outcome.outputs["commit"])


def test_a_second_run_replaces_only_what_differs(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One draft, one asset of each name, with the bytes of the last run."""
    draft(bench, {"same.zip": b"same", "other.zip": b"first"})
    capsys.readouterr()

    draft(bench, {"same.zip": b"same", "other.zip": b"second"}, milestone="v2.9.0")

    (release,) = bench.request("GET", "/releases")
    assert "added other.zip (6 bytes)\n" == capsys.readouterr().out
    assert {"same.zip": 4, "other.zip": 6} == {each["name"]: each["size"] for each in release["assets"]}


def test_a_fork_drafts_nothing(new_bench: Callable[..., Any]) -> None:
    """Neither tag nor draft: its owner closes a milestone for other reasons."""
    bench = new_bench({"files": {"a": "b"}, "milestones": [CLOSED], "fork": True})

    with pytest.raises(Unfit, match="is a fork"):
        draft(bench, {"bundle.zip": b"wheels"})

    assert ([], []) == (bench.request("GET", "/tags"), bench.request("GET", "/releases"))


def test_what_cannot_be_drafted_changes_nothing(bench: Any) -> None:
    """No such milestone, a tag on another commit, a release that is public, a milestone that is open."""
    built, files = head(bench), {"bundle.zip": b"wheels"}
    with pytest.raises(Unfit, match="there is no milestone 'nope'"):
        draft(bench, files, milestone="nope")
    draft(bench, files)
    with pytest.raises(Refused, match=f"is on commit {built}"):
        draft(bench, {"bundle.zip": b"other"}, commit=move_on(bench))
    bench.release(PLAN, milestone="1")
    with pytest.raises(Unfit, match="published already"):
        draft(bench, {"bundle.zip": b"other"})
    bench.request("PATCH", "/milestones/1", {"state": "open"})
    with pytest.raises(Unfit, match="is open"):
        draft(bench, {"bundle.zip": b"other"})

    (release,) = bench.request("GET", "/releases")
    assert [6] == [each["size"] for each in release["assets"] if each["name"] == "bundle.zip"]
