"""The central laws: plan writes nothing, a second apply writes nothing, and reads stay within their bar."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

PLANS = Path(__file__).parents[1] / "plans" / "valid"


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yml")), ids=lambda path: path.stem)
def test_plan_writes_nothing_and_a_second_apply_writes_nothing(path: Path, bench: Any) -> None:
    """For every valid example: plan = 0 writes, apply = one write each, again = 0 writes, drift = 0 changes."""
    plan = path.read_text(encoding="utf-8")

    planned = bench.writes(lambda: bench.sync(plan, "plan"))
    first = bench.sync(plan)
    again = bench.writes(lambda: bench.sync(plan))
    drift = bench.sync(plan, "drift")

    assert 0 == planned
    assert 0 == first.exit_code
    assert 0 == again
    assert ("0", 0) == (drift.outputs["changes"], drift.exit_code)


def test_a_thousand_milestones_are_planned_within_the_read_bar(new_bench: Any) -> None:
    """1,000 milestones with 10 issues each: ceil(N/100) + ceil(L/100) + ceil(I/100) + 3 reads, 0 writes."""
    milestones, each = 1000, 10
    plan, repository = _large(milestones, each)
    bench = new_bench(repository)
    bar = math.ceil(milestones / 100) + math.ceil(1 / 100) + math.ceil(milestones * each / 100) + 3

    reads = bench.reads(lambda: bench.sync(plan, "drift"))

    assert 0 == len(bench.github.journal.writes())
    assert reads <= bar


def test_four_issues_among_twenty_thousand_closed_ones_need_few_reads(new_bench: Any) -> None:
    """What else the repository holds costs nothing: at most 8 reads, on the first run and on an unchanged one."""
    closed = {"title": "Old {n}", "state": "closed", "repeat": 20_000, "created_at": "2024-01-01T00:00:00Z"}
    bench = new_bench({"issues": [closed]})
    plan = (PLANS / "article.yml").read_text(encoding="utf-8")

    first = bench.reads(lambda: bench.sync(plan, "plan"))
    bench.sync(plan)
    unchanged = bench.reads(lambda: bench.sync(plan))

    assert first <= 8
    assert unchanged <= 8


def test_the_first_run_writes_each_object_once(bench: Any) -> None:
    """N + L + I writes, and one for the branch."""
    plan = (PLANS / "article.yml").read_text(encoding="utf-8")

    assert bench.writes(lambda: bench.sync(plan)) == 2 + 2 + 4 + 1


def _large(milestones: int, each: int) -> tuple[str, dict[str, Any]]:
    """A plan, and a repository in which it is applied already."""
    lines, held, issues = ["version: 1", "milestones:"], [], []
    for number in range(1, milestones + 1):
        lines += [f"  - title: M{number}", "    issues:"]
        held.append({"title": f"M{number}", "number": number})
        for turn in range(1, each + 1):
            lines.append(f"      - {{title: Issue {turn} of M{number}, key: k{number}-{turn}}}")
            body = f'<!-- milepost key="k{number}-{turn}" issue milestone={number} -->'
            title = f"Issue {turn} of M{number}"
            issues.append({"title": title, "body": body, "author": "octo", "milestone": number})
    return "\n".join(lines), {"milestones": held, "issues": issues}
