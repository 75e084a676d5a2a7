"""The command line: what it takes, what it prints, how it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from milepost import __version__
from milepost.cli import main
from milepost.errors import ExitCode
from milepost.registry import COMMANDS


@pytest.fixture
def plan(tmp_path: Path) -> str:
    """The path of a valid plan file."""
    path = tmp_path / "plan.yml"
    path.write_text("version: 1\nmilestones: [{title: A}]\n", encoding="utf-8")
    return str(path)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Also without any argument."""
    assert 0 == main([])

    shown = capsys.readouterr().out
    assert [] == [name for name in [*COMMANDS, "simulate"] if name not in shown]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_its_inputs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --help, and nothing runs."""
    assert 0 == main([name, "--help"])
    assert f"run.py {name}" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """One line."""
    assert 0 == main(["--version"])
    assert f"milepost {__version__}\n" == capsys.readouterr().out


def test_a_valid_plan_is_counted_and_needs_no_token(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No network is touched: nothing is connected to."""
    assert 0 == main(["validate", f"--plan={plan}"])
    assert "valid; 0 labels, 1 milestone, 0 issues" in capsys.readouterr().out


def test_the_outcome_as_json_is_one_object(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status, outputs and diagnostics, for programs."""
    assert 0 == main(["validate", "--plan", plan, "--format", "json"])

    assert {"exit": 0, "outputs": {"valid": "true"}, "diagnostics": []} == json.loads(capsys.readouterr().out)


def test_a_bad_plan_shows_line_and_caret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Like a compiler: rule, place, the line itself, a caret below the word, the way out."""
    (tmp_path / "plan.yml").write_text("version: 1\nmilestons: []\n", encoding="utf-8")

    status = main(["validate", "--plan", str(tmp_path / "plan.yml")])

    shown = capsys.readouterr().out.splitlines()
    assert ExitCode.UNUSABLE == status
    assert 'error[unknown-key]: unknown key "milestons"' == shown[1]
    assert ["2 | milestons: []", "  | ^^^^^^^^^", '   = help: did you mean "milestones"?'] == shown[3:6]


@pytest.mark.parametrize(
    ("arguments", "said", "rule"),
    [
        (["synk"], "did you mean 'sync'?", "usage"),
        (["nonsense"], "the commands are: sync", "usage"),
        (["sync", "plan.yml"], "'plan.yml' is not an option", "usage"),
        (["sync", "--mode", "destroy"], "one of plan, apply, drift", "bad-input"),
        (["sync", "--mod", "plan"], "did you mean 'mode'?", "unknown-input"),
        (["sync", "--repository", "a/b"], "no token is given", "no-token"),
        (["sync", "--token", "t"], "no repository is given", "no-repository"),
        (["sync", "--token", "t", "--repository", "a/b/c"], "'a/b/c' is not a repository", "no-repository"),
        (["validate", "--format", "xml"], "write text or json", "usage"),
        (["validate", "--today", "soon"], "write YYYY-MM-DD", "usage"),
        (
            ["sync", "--token", "t", "--repository", "a/b", "--api-url", "ftp://x"],
            "both must be http(s) addresses",
            "bad-address",
        ),
        (
            [
                "sync",
                "--token",
                "t",
                "--repository",
                "a/b",
                "--api-url",
                "https://a.example",
                "--graphql-url",
                "https://b.example",
            ],
            "of one host",
            "bad-address",
        ),
    ],
)
def test_a_wrong_command_line_says_what_to_write(
    arguments: list[str], said: str, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2 and the way out; the token is not in it."""
    assert ExitCode.UNUSABLE == main(arguments)

    shown = capsys.readouterr()
    assert said in shown.out + shown.err
    assert f"error[{rule}]" in shown.out


def test_inputs_come_from_the_step_and_flags_win(
    plan: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """INPUT_PLAN is read; --plan beats it; a hyphenated variable counts for nothing."""
    monkeypatch.setenv("INPUT_PLAN", "missing.yml")

    assert ExitCode.UNUSABLE == main(["validate"])
    assert 0 == main(["validate", "--plan", plan])
    assert "missing.yml" in capsys.readouterr().out


def test_a_runner_gets_summary_outputs_and_annotations(
    tmp_path: Path, runner_files: Mapping[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten annotations of a kind at most, the tenth saying how many more; the summary lists all."""
    keys = "\n".join(f"key{n}: 1" for n in range(15))
    (tmp_path / "plan.yml").write_text(f"version: 1\n{keys}\n", encoding="utf-8")

    main(["validate", "--plan", str(tmp_path / "plan.yml")])

    annotations = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::error")]
    summary = runner_files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    assert 10 == len(annotations)
    assert "and 6 more" in annotations[-1]
    assert "file=" in annotations[0]
    assert "line=2,col=1,endColumn=5" in annotations[0]
    assert 15 == summary.count("`unknown-key`")


def test_outputs_with_several_lines_stay_whole(runner_files: Mapping[str, Path]) -> None:
    """Written with a random delimiter, so that no value can set another output."""
    from milepost.runner.commands import emit_outputs

    emit_outputs({"a": "one\nb=two\nEOF", "c": ""})

    lines = runner_files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
    delimiter = lines[0].partition("<<")[2]
    assert [f"a<<{delimiter}", "one", "b=two", "EOF", delimiter] == lines[:5]
    assert len(delimiter) > 30


def test_a_summary_too_large_for_the_runner_is_cut_with_a_note(tmp_path: Path) -> None:
    """Over 1 MiB the runner would drop it all."""
    from milepost.runner.summary import MOST_BYTES, emit_summary

    path = tmp_path / "summary"
    emit_summary("row é\n" * 300_000, str(path))
    emit_summary("x", "")

    data = path.read_bytes()
    assert len(data) <= MOST_BYTES
    assert "more lines do not fit" in data.decode("utf-8").splitlines()[-1]


def test_a_broken_payload_is_no_payload(tmp_path: Path) -> None:
    """What the event file holds is untrusted: garbage becomes nothing."""
    from milepost.runner.context import read_context

    for text in ("{", "[]", "\x00", '{"pull_request": "x"}'):
        (tmp_path / "event.json").write_text(text)
        context = read_context(
            {
                "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
                "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/a.yml@refs/heads/x",
            }
        )

        assert context.pull_request is None
    assert "a.yml" == context.workflow_file
    assert "" == context.run_url


SPRINTS = 'version: 1\nsprints: [{title: "S {number}", anchor: {number: 1, start: 2026-01-05}, length: 2 weeks}]\n'


@pytest.mark.parametrize(
    ("event", "plan_text", "action"),
    [
        ("push", "version: 1\n", "sync"),
        ("schedule", SPRINTS, "sprint"),
        ("schedule", "version: 1\n", "progress"),
        ("schedule", None, "progress"),
    ],
)
def test_auto_runs_the_action_of_the_event(
    event: str,
    plan_text: str | None,
    action: str,
    tmp_path: Path,
    github: Any,
    monkeypatch: pytest.MonkeyPatch,
    runner_files: Mapping[str, Path],
) -> None:
    """With the inputs that it has, whatever others the root action maps; the summary says first which, and why."""
    if plan_text is not None:
        (tmp_path / ".github").mkdir()
        (tmp_path / ".github" / "milepost.yml").write_text(plan_text, encoding="utf-8")
    for name, value in {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REF": "refs/heads/topic",
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_REPOSITORY": "octo/widgets",
        "GITHUB_API_URL": github.url,
        "INPUT_TOKEN": "workflow-token",
        "INPUT_PLAN": ".github/milepost.yml",
        "INPUT_MODE": "" if action == "progress" else "plan",
        "INPUT_WRITE": "false",
        "INPUT_LEVEL": "quick",
    }.items():
        monkeypatch.setenv(name, value)

    assert 0 == main(["auto"])

    summary = runner_files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    assert summary.startswith(f"**auto** chose `{action}`: event `{event}`")
    assert [] == github.journal.writes()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("pull_request_target", "no-choice"),
        ("schedule", "unknown-key"),
        ("", "name the command"),
    ],
)
def test_auto_without_a_choice_ends_as_unusable(
    event: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An event that has no action, or a plan file that cannot be read."""
    (tmp_path / "plan.yml").write_text("version: 1\nsprint: []\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))

    assert ExitCode.UNUSABLE == main(["auto", "--plan", "plan.yml"])
    assert said in capsys.readouterr().out
