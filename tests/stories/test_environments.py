"""A declaration that can never be true is refused where it is written, and before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from milepost.cli import main
from milepost.errors import Unusable

ARTICLE = """version: 1
environments:
  prod:
    image: pytorch/pytorch:2.9-cuda{cuda}-cudnn8-runtime
    torch: v2.9
    cuda: {cuda}
milestones:
  - {{title: v2.9, environment: prod}}
"""


@pytest.mark.parametrize("cuda", ["11.8", "12.1"])
def test_sync_refuses_a_pair_that_was_never_published(bench: Any, cuda: str) -> None:
    """No request is sent; the published pairs are told."""
    with pytest.raises(Unusable) as told:
        bench.sync(ARTICLE.format(cuda=cuda))

    (problem,) = (each for each in told.value.diagnostics if each.rule == "pair-unpublished")
    assert [] == [each for each in ("12.6", "12.8", "13.0") if each not in problem.why]
    assert [] == list(bench.github.journal)


def test_sync_takes_what_was_published(bench: Any) -> None:
    """A warning about a known bad release stops nothing."""
    assert 0 == bench.sync(ARTICLE.format(cuda="12.8")).exit_code


def test_validate_says_what_each_specifier_lets_in(tmp_path: Path, capsys: Any) -> None:
    """And the day of the data, on a line of its own."""
    plan = tmp_path / "plan.yml"
    plan.write_text(ARTICLE.format(cuda="12.8"), encoding="utf-8")

    assert 0 == main(["validate", f"--plan={plan}", "--today", "2026-12-01"])

    told = capsys.readouterr().out
    assert "1 environment" in told
    assert "  torch: any 2.9\n" in told
    assert "\nData on published builds: reviewed on " in told


def test_validate_exits_with_two_for_the_article_s_own_pair(tmp_path: Path, capsys: Any) -> None:
    """With the place of the CUDA version."""
    plan = tmp_path / "plan.yml"
    plan.write_text(ARTICLE.format(cuda="11.8"), encoding="utf-8")

    assert 2 == main(["validate", f"--plan={plan}", "--format", "json"])

    problems = {each["rule"]: each for each in json.loads(capsys.readouterr().out)["diagnostics"]}
    problem = problems["pair-unpublished"]
    assert ("error", 6, 11) == (problem["severity"], problem["line"], problem["column"])
