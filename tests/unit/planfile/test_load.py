"""What a valid plan file means."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.core.model import UNMANAGED, DesiredState, State
from milepost.planfile.load import load_plan, load_plan_text


def load(text: str, workspace: Path | None = None) -> DesiredState:
    """The desired state of a text that must be valid."""
    desired, problems = load_plan_text(("version: 1\n" + text).encode(), file="p.yml", workspace=workspace)
    assert desired is not None, problems
    return desired


@pytest.mark.parametrize("text", ["1.10", "000000", "on", "2026-08-01", "0x10", "1e3", "yes", "nan", "12:30:45"])
def test_a_scalar_stays_the_text_it_is(text: str) -> None:
    """What other readers turn into numbers, booleans and dates stays text in a title."""
    assert text == load(f"milestones: [{{title: {text}}}]").milestones[0].title


def test_a_colour_of_zeros_stays_six_zeros() -> None:
    """Plain or quoted, with or without `#`; letters become small."""
    labels = load('labels: [{name: a, color: 000000}, {name: b, color: "#FFAA00"}]').labels

    assert ["000000", "ffaa00"] == [each.color for each in labels]


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("[{title: A, due: 2026-12-15}]", date(2026, 12, 15)),
        ('[{title: A, due: "2026-12-15"}]', date(2026, 12, 15)),
        ("[{title: A, start: 2026-12-01, due: +2w}]", date(2026, 12, 15)),
        ("[{title: A, start: 2028-02-20, due: +10d}]", date(2028, 3, 1)),
        ("[{title: Z, due: 2026-12-01}, {title: A, due: +2w}]", date(2026, 12, 15)),
        ("[{title: Z, due: 2026-12-01}, {title: Y}, {title: A, due: +2w}]", date(2026, 12, 15)),
        ("[{title: Z, due: 2026-12-01}, {title: A, start: 2027-01-01, due: +0d}]", date(2027, 1, 1)),
        ("[{title: A, due: }]", None),
        ("[{title: A, due: ~}]", None),
        ("[{title: A}]", UNMANAGED),
    ],
)
def test_a_due_date_is_a_day_or_counted_from_one(text: str, due: object) -> None:
    """From the milestone's own start, else from the due date before; empty clears it; unwritten leaves it."""
    assert due == load(f"milestones: {text}").milestones[-1].due


@settings(max_examples=200)
@given(
    start=st.dates(date(1970, 1, 1), date(9000, 1, 1)),
    counted=st.lists(st.tuples(st.integers(0, 999), st.sampled_from("dw")), min_size=1, max_size=6),
)
def test_counted_dates_add_up(start: date, counted: list[tuple[int, str]]) -> None:
    """Each from the one before it, whatever day it is."""
    lines = [f"  - {{title: m{index}, due: +{number}{unit}}}\n" for index, (number, unit) in enumerate(counted)]
    milestones = load(f"milestones:\n  - {{title: first, due: {start}}}\n" + "".join(lines)).milestones

    days = sum(number * (7 if unit == "w" else 1) for number, unit in counted)

    assert start + timedelta(days=days) == milestones[-1].due


def test_keys_come_from_titles_and_remember_former_ones() -> None:
    """Milestone and title make the key; `was` of either adds what it was before."""
    text = """
milestones:
  - title: v2.9 beta
    was: v2.9
    issues:
      - {title: Train it, was: Teach it}
      - {title: Keyed, key: my-key, was: old-key}
issues:
  - {title: Loose, milestone: v2.9 beta}
  - {title: 修复 DataLoader 内存泄漏问题}
"""
    first, second, third, fourth = load(text).issues

    assert "v2-9-beta/train-it" == first.key
    assert ("v2-9-beta/teach-it", "v2-9/train-it", "v2-9/teach-it") == first.former_keys
    assert ("my-key", "old-key") == (second.key, second.former_keys[-1])
    assert ("v2-9-beta/loose", "v2.9 beta") == (third.key, third.milestone)
    assert "修复-dataloader-内存泄漏问题" == fourth.key


def test_an_issue_has_no_former_key_that_nothing_gave_it() -> None:
    """Else the issue below a milestone would take the place of its namesake outside of it."""
    inside, outside = load("milestones: [{title: A, issues: [{title: X}]}]\nissues: [{title: X}]").issues

    assert [("a/x", ()), ("x", ())] == [(each.key, each.former_keys) for each in (inside, outside)]


def test_only_written_fields_are_managed() -> None:
    """An issue with a title only manages its title."""
    issue = load("issues: [{title: A}]").issues[0]

    assert (UNMANAGED, UNMANAGED, UNMANAGED, None, None) == (
        issue.body,
        issue.type,
        issue.state,
        issue.milestone,
        issue.parent,
    )


def test_a_parent_is_a_key_or_a_number() -> None:
    """Digits are an issue's number, anything else a key of the plan."""
    issues = load("issues: [{title: A, key: a}, {title: B, parent: a}, {title: C, parent: 12, state: closed}]").issues

    assert [None, "a", 12] == [each.parent for each in issues]
    assert State.CLOSED is issues[2].state


def test_a_body_may_stand_in_a_file_of_the_workspace(tmp_path: Path) -> None:
    """Read from below the workspace; a link that leads out of it is refused."""
    inside, outside = tmp_path / "work", tmp_path / "secret.md"
    (inside / "texts").mkdir(parents=True)
    (inside / "texts" / "a.md").write_bytes("\ufeffHéllo\r\n".encode())
    outside.write_text("secret")
    os.symlink(outside, inside / "link.md")

    desired = load("issues: [{title: A, body-file: texts/a.md}]", inside)
    _, problems = load_plan_text(
        b"version: 1\nissues: [{title: A, body-file: link.md}, {title: B, body-file: texts}]",
        file="p",
        workspace=inside,
    )

    assert "Héllo\r\n" == desired.issues[0].body
    assert ["bad-body-file", "bad-body-file"] == [each.rule for each in problems]


def test_body_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """Not UTF-8, larger than a megabyte, without an end that comes by itself, or not a path at all."""
    (tmp_path / "latin.md").write_bytes(b"\xe9")
    (tmp_path / "large.md").write_bytes("é".encode() * (1024 * 512) + "é".encode())
    os.mkfifo(tmp_path / "pipe.md")
    os.symlink("loop.md", tmp_path / "loop.md")
    for name in ("latin.md", "large.md", "pipe.md", "loop.md", '"nul\\0"', "x" * 5_000):
        text = f"version: 1\nissues: [{{title: A, body-file: {name}}}]".encode()

        assert ["bad-body-file"] == [each.rule for each in load_plan_text(text, file="p", workspace=tmp_path)[1]]


def test_a_body_file_needs_a_workspace() -> None:
    """A text without a workspace has no files."""
    _, problems = load_plan_text(b"version: 1\nissues: [{title: A, body-file: a.md}]", file="p", workspace=None)

    assert ['"a.md" cannot be read: there is no workspace'] == [each.summary for each in problems]


def test_a_path_that_is_none_is_a_plan_that_is_missing(tmp_path: Path) -> None:
    """A NUL in the input `plan`."""
    assert "missing-plan" == load_plan(Path("a\0b"), workspace=tmp_path)[1][0].rule


def test_small_anchors_and_a_byte_order_mark_are_fine() -> None:
    """Aliases below the limit stand for their values."""
    text = "\ufeffversion: 1\nissues:\n  - {title: A, labels: &l [x, y]}\n  - {title: B, labels: *l}\n"

    desired, problems = load_plan_text(text.encode(), file="p", workspace=None)

    assert () == problems
    assert desired is not None
    assert [("x", "y"), ("x", "y")] == [each.labels for each in desired.issues]


def test_labels_of_issues_are_free_when_the_plan_defines_none() -> None:
    """Only a plan with a `labels:` section must define what its issues carry."""
    assert ("anything",) == load("issues: [{title: A, labels: [anything]}]").issues[0].labels


def test_environments_are_kept_with_their_image() -> None:
    """Validated in shape; their meaning is for the action that verifies them."""
    text = """
environments:
  prod:
    image: ghcr.io/acme/pytorch-cuda:v2.9@sha256:abc
    torch: "==2.9.*"
    cuda: "12.8"
    gpu: {count: ">=1", name: [H100, H200], memory: ">=80 GB"}
    needs: {compile: true, dataloader: {workers: 2, shm: 1 GB}}
    waive: [{check: shm-too-small, reason: slow disk, expires: 2027-01-01}]
milestones: [{title: A, environment: prod}]
"""
    desired = load(text)

    assert "ghcr.io/acme/pytorch-cuda:v2.9@sha256:abc" == desired.environments["prod"].image
    assert "prod" == desired.milestones[0].environment


def test_lint_that_is_met_says_nothing() -> None:
    """A plan within its team's limits has no warnings."""
    text = b"""version: 1
lint: {milestone-names: "v.*", most-days: 14, most-issues: 2, fewest-issues: 1}
milestones: [{title: v1, start: 2026-01-01, due: +2w, issues: [{title: x}]}, {title: v2, issues: [{title: y}]}]
"""
    assert () == load_plan_text(text, file="p", workspace=None)[1]
