"""`reproduce`: a release on GitHub, or its assets in a folder; the commands that come of it really run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from milepost import probing
from milepost.actions import reproduce
from milepost.cli import main
from milepost.core.checksums import hash_bytes, render_checksums
from milepost.core.release import ClosedMilestone
from milepost.core.release_record import PlanFile, ReleaseRecord
from milepost.errors import ExitCode, Unusable
from milepost.remote.releases import create_draft, publish, upload_asset
from milepost.runner.context import Context
from milepost.views.release_record import render_record
from milepost.world import Outcome, World

TAG = "v2.9.0"
DIGEST = "sha256:" + "d" * 64
PLAN = b"version: 1\nenvironments: {prod: {}}\n"
LOGIN = "github-actions[bot]"
OBSERVED = {
    "python": "3.12.3",
    "torch": "2.9.1+cu128",
    "cuda": "12.8",
    "cudnn": "9.10.2.21",
    "nccl": "2.27.5",
    "triton": "3.5.1",
    "torchvision": None,
    "driver": "580.126.09",
    "host": "sha256:host",
    "boot_id": "boot",
    "gpus": [
        {"uuid": "GPU-0", "name": "NVIDIA H100 80GB HBM3", "capability": "9.0", "memory": 85520809984, "mig": None}
    ],
}
PROOF = {
    "schema": "milepost.verdict/1",
    "verdict": "pass",
    "at": "2026-11-24T08:00:00Z",
    "environment": "prod",
    "image": f"ghcr.io/acme/torch:2.9@{DIGEST}",
    "level": "full",
    "observed": OBSERVED,
}
RECORD = ReleaseRecord(
    repository="octo/widgets",
    server="https://github.com",
    tag=TAG,
    version="2.9.0",
    is_prerelease=False,
    commit="a" * 40,
    branch="main",
    released_by="milepost 0.1.0",
    plan_file=PlanFile(path=".github/milepost.yml", sha256=hash_bytes(PLAN)),
    environment="prod",
    milestone=ClosedMilestone(
        number=7,
        title=TAG,
        description="",
        is_open=False,
        due=None,
        created_at="2026-09-01T08:00:00Z",
        closed_at="2026-11-24T09:00:00Z",
        creator=None,
    ),
    items=(),
)


def make_files(record: ReleaseRecord = RECORD, proof: Any = PROOF) -> dict[str, bytes]:
    """The assets as `release` uploads them."""
    files = {"milestone.json": render_record(record).encode(), "milepost.yml": PLAN}
    if proof is not None:
        files["environment.json"] = json.dumps(proof).encode()
    return {**files, "SHA256SUMS": render_checksums(files).encode()}


@dataclass
class Desk:
    """A person's machine: a workspace with a folder `assets`, and a probe that tells of the machine given."""

    workspace: Path
    machine: Any = None
    needs: list[Mapping[str, Any]] = field(default_factory=list)

    def keep(self, files: Mapping[str, bytes]) -> None:
        """The files lie in the folder `assets`."""
        (self.workspace / "assets").mkdir(exist_ok=True)
        for name, data in files.items():
            (self.workspace / "assets" / name).write_bytes(data)

    def run(self, client: Any = None, context: Mapping[str, Any] | None = None, **inputs: Any) -> Outcome:
        """The command has run; from the folder unless there is a client."""
        world = World(
            context=Context(workspace=self.workspace, **(context or {})),
            now=datetime(2026, 11, 25, 9, tzinfo=timezone.utc),
            log=lambda _: None,
            client=client,
        )
        source = {} if client else {"folder": Path("assets")}
        outcome = reproduce.run(reproduce.Inputs(**{"tag": TAG, "token": "", **source, **inputs}), world)
        assert isinstance(outcome, Outcome)
        return outcome

    def probe(self, python: str, level: str, needs: Mapping[str, Any], folder: Path) -> Path:
        """As `run_probe`, but the machine is the one given."""
        self.needs.append({"level": level, **needs})
        path = folder / "facts.json"
        path.write_text(json.dumps(self.machine), encoding="utf-8")
        return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A machine with the assets of a whole release."""
    made = Desk(tmp_path)
    made.keep(make_files())
    return made


@pytest.fixture
def released(bench: Any) -> Callable[..., Any]:
    """Makes a published release on the simulator, with these files; the bench has the client."""

    def make(change: Callable[[dict[str, bytes]], object] = lambda _: None, **record: Any) -> Any:
        head = bench.request("GET", "/git/ref/heads/main")["object"]["sha"]
        bench.request("POST", "/git/refs", {"ref": f"refs/tags/{TAG}", "sha": head})
        files = make_files(replace(RECORD, commit=head, server=bench.github.url, **record))
        change(files)
        client = bench.client()
        draft = create_draft(client, tag=TAG, name=TAG, body="", is_prerelease=False, login=LOGIN)
        for name, data in files.items():
            upload_asset(client, draft, name=name, content_type="application/octet-stream", data=data)
        publish(client, draft.id, body=None, latest="legacy", login=LOGIN)
        bench.github.journal.clear()
        return bench

    return make


def rules(outcome: Outcome) -> list[str]:
    """The rules of an outcome's diagnostics, in their order."""
    return [each.rule for each in outcome.diagnostics]


def test_a_release_tells_its_commands_and_what_was_verified(desk: Desk, released: Callable[..., Any]) -> None:
    """The commit by its SHA, the image by its digest, the plan file and environment; and nothing is written."""
    bench = released()
    context = {"api_url": bench.github.url}

    outcome = desk.run(bench.client("read-token"), context)

    url, commit = bench.github.url, outcome.outputs["commit"]
    assert (ExitCode.DONE, []) == (outcome.exit_code, rules(outcome))
    assert [
        "git init -q widgets",
        "cd widgets",
        f"git fetch -q --depth 1 {url}/octo/widgets.git refs/tags/v2.9.0:refs/tags/v2.9.0",
        f"git checkout -q --detach {commit}",
    ] == outcome.data["commands"]["checkout"]
    assert (
        'docker run --rm --gpus all --shm-size=2g -v "$PWD:/workspace" -v "${PWD%/*}/milepost-verify:/milepost:ro"'
        f" -w /workspace --entrypoint python3 ghcr.io/acme/torch@{DIGEST} /milepost/scripts/run.py verify-gpu"
        " --plan=.github/milepost.yml --environment=prod --level=full"
    ) in outcome.text
    assert "podman run --rm --device nvidia.com/gpu=all" in outcome.text
    assert "#   cuDNN        9.10.2.21" in outcome.text
    assert "the tag leads to that commit" in outcome.text
    assert (OBSERVED, "full") == (outcome.data["verified"]["observed"], outcome.data["verified"]["level"])
    assert [] == bench.github.journal.writes()
    assert 6 == len(bench.github.journal.reads())


def test_the_command_line_takes_the_tag_as_a_word(
    desk: Desk, released: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anywhere among the options; `--check` does not swallow it."""
    bench = released()
    monkeypatch.setenv("GITHUB_TOKEN", "read-token")
    where = ["--repository", "octo/widgets", "--api-url", bench.github.url]

    assert 0 == main(["reproduce", TAG, *where])
    assert "git checkout -q --detach" in capsys.readouterr().out
    assert 0 == main(["reproduce", *where, "--format", "json", TAG])
    assert TAG == json.loads(capsys.readouterr().out)["release"]["tag"]
    assert 0 == main(["reproduce", "--check", "false", TAG, *where])
    assert ExitCode.UNUSABLE == main(["reproduce", "--check", TAG, *where, "--python", str(desk.workspace / "none")])
    assert "no-python" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--tag is not given"),
        ([TAG, "v2"], "'v2' is not an option"),
        (["v1; rm -rf /"], "blanks"),
        (["--tag=refs/heads/main"], "must not begin with `refs/`"),
        ([TAG], "GITHUB_TOKEN, which a public repository needs, too"),
        ([TAG, "--folder", "nowhere"], "gh release download v2.9.0 --dir FOLDER"),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_write(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2."""
    assert ExitCode.UNUSABLE == main(["reproduce", *arguments])
    assert said in capsys.readouterr().out


def test_help_shows_the_word(capsys: pytest.CaptureFixture[str]) -> None:
    """The tag stands in the usage."""
    assert 0 == main(["reproduce", "--help"])
    assert "run.py reproduce TAG [--input value ...]" in capsys.readouterr().out


def test_a_tag_without_a_release_is_unusable(desk: Desk, bench: Any) -> None:
    """A draft counts as none."""
    create_draft(bench.client(), tag=TAG, name=TAG, body="", is_prerelease=False, login=LOGIN)

    with pytest.raises(Unusable) as caught:
        desk.run(bench.client(), {"api_url": bench.github.url})

    assert ["not-released"] == [each.rule for each in caught.value.diagnostics]


def test_a_tag_that_was_moved_is_an_error_that_names_both(desk: Desk, released: Callable[..., Any]) -> None:
    """No command is printed."""
    bench = released()
    was = bench.request("GET", f"/git/ref/tags/{TAG}")["object"]["sha"]
    tree = bench.request("GET", f"/git/commits/{was}")["tree"]["sha"]
    other = bench.request("POST", "/git/commits", {"message": "other", "tree": tree, "parents": [was]})["sha"]
    bench.request("PATCH", f"/git/refs/tags/{TAG}", {"sha": other, "force": True})

    outcome = desk.run(bench.client(), {"api_url": bench.github.url})

    assert (ExitCode.NO, ["release-tag-moved"]) == (outcome.exit_code, rules(outcome))
    assert was in outcome.diagnostics[0].summary
    assert other in outcome.diagnostics[0].summary
    assert "git checkout" not in outcome.text + outcome.summary + json.dumps(dict(outcome.data))


def test_a_tag_that_is_gone_is_an_error(desk: Desk, released: Callable[..., Any]) -> None:
    """The release is still there, and leads nowhere."""
    bench = released()
    bench.request("DELETE", f"/git/refs/tags/{TAG}")

    assert ["release-tag-moved"] == rules(desk.run(bench.client(), {"api_url": bench.github.url}))


def test_a_release_of_other_tools_says_what_it_lacks(desk: Desk, released: Callable[..., Any]) -> None:
    """Every file by its name."""
    bench = released(lambda files: (files.clear(), files.update({"widgets.whl": b"PK"})))

    outcome = desk.run(bench.client(), {"api_url": bench.github.url})

    assert (ExitCode.NO, ["assets-missing"]) == (outcome.exit_code, rules(outcome))
    assert "v2.9.0 lacks milestone.json, milepost.yml, SHA256SUMS" == outcome.diagnostics[0].summary


def test_a_repository_that_was_renamed_is_taken_where_it_is(desk: Desk, released: Callable[..., Any]) -> None:
    """A warning, and the commands use the name of now."""
    bench = released(repository="acme/gadgets")

    outcome = desk.run(bench.client(), {"api_url": bench.github.url})

    assert (ExitCode.DONE, ["recorded-elsewhere"]) == (outcome.exit_code, rules(outcome))
    assert "octo/widgets.git" in outcome.text
    assert "gadgets.git" not in outcome.text


def test_a_release_without_a_verified_environment_has_its_commit(desk: Desk) -> None:
    """It says that no environment was verified; a check of this machine says no."""
    (desk.workspace / "assets" / "environment.json").unlink()
    desk.keep(make_files(replace(RECORD, environment=None), None))

    outcome, checked = desk.run(), desk.run(check=True)

    assert (ExitCode.DONE, ["environment-not-verified"]) == (outcome.exit_code, rules(outcome))
    assert "git checkout -q --detach" in outcome.text
    assert "docker" not in outcome.text
    assert (ExitCode.NO, "environment-not-reproduced") == (checked.exit_code, rules(checked)[-1])


TAMPERED: dict[str, Callable[[dict[str, bytes]], Any]] = {
    "checksum-differs": lambda files: files.update({"milepost.yml": PLAN + b"# more\n"}),
    "checksum-missing": lambda files: files.update({"notes.md": b"new"}),
    "assets-missing": lambda files: files.pop("SHA256SUMS"),
    "record-unreadable": lambda files: files.update({"SHA256SUMS": b"\xff\x00"}),
    "record-differs": lambda files: files.update(make_files(replace(RECORD, tag="v1"))),
}


@pytest.mark.parametrize("rule", TAMPERED)
def test_files_that_were_changed_become_no_command(rule: str, tmp_path: Path) -> None:
    """Exit status 1, the first thing that is wrong, and nothing to paste."""
    files, desk = make_files(), Desk(tmp_path)
    TAMPERED[rule](files)
    desk.keep(files)

    outcome = desk.run()

    assert (ExitCode.NO, rule) == (outcome.exit_code, rules(outcome)[0])
    assert "git " not in outcome.text + outcome.summary
    assert {} == dict(outcome.data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("environment.json", b"[]"),
        ("environment.json", b"{}"),
        ("environment.json", json.dumps({**PROOF, "verdict": "perhaps"}).encode()),
        ("environment.json", json.dumps({**PROOF, "level": None}).encode()),
        ("environment.json", json.dumps({**PROOF, "image": ["a"]}).encode()),
        ("environment.json", json.dumps({**PROOF, "observed": None}).encode()),
        ("milestone.json", b'{"schema": "milepost.release/1"}'),
        ("milestone.json", b"[" * 100_000),
    ],
)
def test_a_file_of_no_known_form_is_named(name: str, data: bytes, tmp_path: Path) -> None:
    """Although its checksum holds."""
    files, desk = make_files(), Desk(tmp_path)
    files[name] = data
    del files["SHA256SUMS"]
    desk.keep({**files, "SHA256SUMS": render_checksums(files).encode()})

    outcome = desk.run()

    assert (ExitCode.NO, ["record-unreadable"]) == (outcome.exit_code, rules(outcome))
    assert f"{name} is not of a known form" == outcome.diagnostics[0].summary


def test_a_file_that_is_too_large_is_not_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as missing."""
    monkeypatch.setattr(reproduce, "MOST_BYTES", 10)

    assert ["assets-missing"] == rules(desk.run())


def test_foreign_words_stay_words(tmp_path: Path) -> None:
    """A title and versions that are Markdown, HTML, a workflow command or a terminal's control."""
    hostile = "<b>@octocat</b> ::error::x\n##[add-mask]y \x1b[31m`|"
    record = replace(RECORD, released_by=hostile, milestone=replace(RECORD.milestone, title=hostile))
    desk = Desk(tmp_path)
    desk.keep(make_files(record, {**PROOF, "at": hostile, "observed": {**OBSERVED, "torch": hostile}}))

    outcome = desk.run()

    assert not any(each in outcome.text for each in ("##[", "\x1b", "\n::"))
    assert all(line.startswith("#") for line in outcome.text.splitlines() if "octocat" in line)
    assert "\n::" not in outcome.summary
    assert "<b>" not in outcome.summary.replace("``<b>", "")


def test_not_even_the_comments_can_run(tmp_path: Path, shell: Callable[[str], str]) -> None:
    """An interactive zsh takes a line with `#` for a command, and would expand what stands in it."""
    hostile = "x; touch pwned; $(touch pwned) `touch pwned` it's\n touch pwned"
    record = replace(RECORD, released_by=hostile, milestone=replace(RECORD.milestone, title=hostile))
    desk = Desk(tmp_path)
    desk.keep(make_files(record, {**PROOF, "at": hostile, "observed": {**OBSERVED, "torch": hostile}}))

    shown = [line for line in desk.run().text.splitlines() if line.startswith("#") and "pwned" in line]

    assert 3 == len(shown)
    shell("\n".join(f": {line.removeprefix('#')}" for line in shown))
    assert [] == list(tmp_path.rglob("pwned"))


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], str]:
    """Runs a text in a shell whose git finds GitHub's repositories on this machine; the output."""
    home = tmp_path / "home"
    home.mkdir()
    rewritten = f'[url "file://{tmp_path}/hub/"]\n  insteadOf = https://github.com/\n'
    (home / ".gitconfig").write_text(
        f"{rewritten}[user]\n  name = o\n  email = o@example.org\n[init]\n  defaultBranch = main\n", encoding="utf-8"
    )
    (home / "docker").write_text("#!/bin/sh\npwd\nprintf '%s\\n' \"$@\"\n", encoding="utf-8")
    (home / "docker").chmod(0o755)
    environment = {"PATH": f"{home}:{os.environ['PATH']}", "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}

    def run(text: str) -> str:
        command = ["sh", "-euc", text]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    return run


def make_hub(shell: Callable[[str], str], plan: str) -> str:
    """Two repositories, and the commit of the tag in one of them; its branch has moved on since."""
    shell(
        f"""
        mkdir -p hub/octo hub/milepost work/widgets work/milepost/scripts
        cd work/widgets; git init -q; mkdir -p "$(dirname {shlex.quote(plan)})"; echo released > {shlex.quote(plan)}
        git add -A; git commit -qm one; git tag -a -m {TAG} {TAG}; git commit -q --allow-empty -m two
        git clone -q --bare . ../../hub/octo/widgets.git
        cd ../milepost; git init -q -b v1; echo 'import sys; print(sys.argv)' > scripts/run.py; git add -A
        git commit -qm v1; git clone -q --bare . ../../hub/milepost/milepost
        """
    )
    return shell(f"git -C hub/octo/widgets.git rev-parse {TAG}^{{commit}}").strip()


HOSTILE = 'pl ans/it\'s "$(touch pwned)"; `true` & $HOME #.yml'.replace("`", "'")


@pytest.mark.parametrize("plan", [".github/milepost.yml", HOSTILE])
def test_the_whole_text_can_be_pasted(plan: str, tmp_path: Path, shell: Callable[[str], str]) -> None:
    """A shell takes it as it is: the released commit is there, and docker is given each word whole."""
    commit, desk = make_hub(shell, plan), Desk(tmp_path)
    desk.keep(make_files(replace(RECORD, commit=commit, plan_file=replace(RECORD.plan_file, path=plan))))
    outcome = desk.run()

    found = shell(outcome.text)

    words = found.splitlines()
    assert str(tmp_path / "widgets") == words[0]
    assert [
        f"{tmp_path / 'widgets'}:/workspace",
        "-v",
        f"{tmp_path / 'milepost-verify'}:/milepost:ro",
        "-w",
        "/workspace",
        "--entrypoint",
        "python3",
        f"ghcr.io/acme/torch@{DIGEST}",
        "/milepost/scripts/run.py",
        "verify-gpu",
        f"--plan={plan}",
        "--environment=prod",
        "--level=full",
    ] == words[words.index("-v") + 1 :]
    assert commit == shell("git -C widgets rev-parse HEAD").strip()
    assert "released\n" == (tmp_path / "widgets" / plan).read_text(encoding="utf-8")
    assert [] == list(tmp_path.rglob("pwned"))


def test_without_a_digest_the_machine_itself_verifies(tmp_path: Path, shell: Callable[[str], str]) -> None:
    """The commands run as they are, without a container."""
    commit, desk = make_hub(shell, ".github/milepost.yml"), Desk(tmp_path)
    desk.keep(make_files(replace(RECORD, commit=commit), {**PROOF, "image": "acme/torch:2.9"}))
    outcome = desk.run()

    found = shell(outcome.text)

    assert ["image-not-pinned"] == rules(outcome)
    assert "'verify-gpu', '--plan=.github/milepost.yml', '--environment=prod', '--level=full']" in found


def test_a_tag_that_moved_unseen_is_not_checked_out(tmp_path: Path, shell: Callable[[str], str]) -> None:
    """Without GitHub nobody knows where the tag leads; the commit by its SHA then stops the commands."""
    make_hub(shell, "milepost.yml")
    desk = Desk(tmp_path)
    desk.keep(make_files(replace(RECORD, commit="b" * 40)))

    with pytest.raises(subprocess.CalledProcessError):
        shell("\n".join(desk.run().data["commands"]["checkout"]))


def test_a_machine_like_the_verified_one_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 0; what is different and does not count is told."""
    monkeypatch.setattr(probing, "run_probe", desk.probe)
    desk.machine = make_facts() | {"driver": {"version": "590.48.01"}}

    outcome = desk.run(check=True, python=sys.executable)

    assert (ExitCode.DONE, ["driver-newer"]) == (outcome.exit_code, rules(outcome))
    assert [{"level": "quick", "device": "cuda"}] == desk.needs
    assert "true" == outcome.outputs["reproduced"]
    assert "#   driver       580.126.09  590.48.01  different, newer drivers run what older ones ran" in outcome.text
    assert "| torch | `2.9.1+cu128` | `2.9.1+cu128` | same |" in outcome.summary
    assert {"name": "cuda", "recorded": "12.8", "found": "12.8", "likeness": "same"} in outcome.data["comparison"]


def test_another_torch_says_no(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1, and the commands all the same: they are the way out."""
    monkeypatch.setattr(probing, "run_probe", desk.probe)
    facts = make_facts()
    desk.machine = facts | {"torch": {**facts["torch"], "version": "2.10.0+cu128"}}

    outcome = desk.run(check=True, python=sys.executable)

    assert (ExitCode.NO, ["environment-not-reproduced"]) == (outcome.exit_code, rules(outcome))
    assert "torch: verified 2.9.1+cu128, here 2.10.0+cu128" == outcome.diagnostics[0].summary
    assert "docker run" in outcome.text


@pytest.mark.parametrize("machine", [None, [], {"torch": None}])
def test_a_probe_that_says_nothing_says_no(machine: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken as right because nobody knows."""
    monkeypatch.setattr(probing, "run_probe", desk.probe)
    desk.machine = machine

    outcome = desk.run(check=True, python=sys.executable)

    assert (ExitCode.NO, "false") == (outcome.exit_code, outcome.outputs["reproduced"])


def test_a_real_probe_of_an_interpreter_without_torch_says_no(desk: Desk) -> None:
    """The probe really runs, leaves nothing in the workspace, and finds Python alone."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    observed = {**OBSERVED, "python": version, "gpus": [], "cuda": None}
    desk.keep(make_files(RECORD, {**PROOF, "observed": observed}))

    outcome = desk.run(check=True, python=sys.executable)

    likeness = {each["name"]: each["likeness"] for each in outcome.data["comparison"]}
    assert ExitCode.NO is outcome.exit_code
    assert ("same", "unknown") == (likeness["python"], likeness["torch"])
    assert ["assets"] == [each.name for each in desk.workspace.iterdir()]


def make_facts() -> dict[str, Any]:
    """What the probe tells of a machine like the verified one, as far as it is compared."""
    return {
        "schema": "milepost.facts/1",
        "python": {"version": "3.12.3"},
        "torch": {"version": "2.9.1+cu128", "cuda": "12.8", "cudnn_runtime": 91002, "nccl": "2.27.5"},
        "packages": [
            {"name": "nvidia-cudnn-cu12", "version": "9.10.2.21"},
            {"name": "triton", "version": "3.5.1"},
        ],
        "driver": {"version": "580.126.09"},
        "gpus": [{"uuid": "GPU-9", "cuda_index": 0, "name": "NVIDIA H100 80GB HBM3", "mig_profile": None}],
        "results": [{"probe": "matmul.fp32", "gpu": "GPU-9", "status": "ok"}],
        "unread": {},
    }


def test_what_release_makes_can_be_reproduced(new_bench: Callable[..., Any], tmp_path: Path) -> None:
    """From the closed milestone to the commands, by the two commands alone."""
    plan = f"version: 1\nmilestones: [{{title: {TAG}}}]\nrelease: {{}}\n"
    milestone = {"title": TAG, "state": "closed", "closed_at": "2027-02-01T00:00:00Z"}
    bench = new_bench(
        {"files": {".github/milepost.yml": plan}, "milestones": [milestone]}, clock="2027-02-01T00:00:00Z"
    )
    payload = {"action": "closed", "milestone": {"number": 1, "title": TAG}, "sender": {"login": "octocat"}}
    event = {"event": "milestone", "payload": payload, "actor": "octocat", "server_url": bench.github.url}
    bench.release(plan, "", context=event)

    outcome = Desk(tmp_path).run(bench.client("read-token"), {"api_url": bench.github.url})

    head = bench.request("GET", "/git/ref/heads/main")["object"]["sha"]
    assert (ExitCode.DONE, ["environment-not-verified"]) == (outcome.exit_code, rules(outcome))
    assert f"git checkout -q --detach {head}" == outcome.data["commands"]["checkout"][-1]
