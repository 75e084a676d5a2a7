"""Problems as values."""

from __future__ import annotations

import pytest
from milepost.diagnostics import Diagnostic, Location, Rule, Severity, has_errors, in_file_order, most_severe_first
from milepost.errors import ExitCode, Refused, Unusable
from milepost.views.diagnostics import render_count, render_json, render_markdown, render_text

LINE = Location(file="p.yml", line=3, column=5, end_column=8, text="    abc: \td")
ERROR, WARNING = (Rule(severity.value, severity, "t").found("s", at=LINE) for severity in list(Severity)[:2])


def test_problems_come_in_file_order_and_each_once() -> None:
    """Those without a place first; or the most severe first, for annotations."""
    early = Diagnostic(rule="a", severity=Severity.NOTICE, summary="s", at=Location(file="p.yml", line=1, column=1))
    nowhere = Diagnostic(rule="b", severity=Severity.WARNING, summary="s")

    assert (nowhere, early, ERROR) == in_file_order([ERROR, early, ERROR, nowhere])
    assert (ERROR, nowhere, early) == most_severe_first([early, nowhere, ERROR])


def test_a_rule_must_be_kebab_case() -> None:
    """Its name is part of the interface."""
    with pytest.raises(AssertionError, match="Bad_Name"):
        Rule("Bad_Name", Severity.ERROR, "t")


def test_only_errors_are_errors() -> None:
    """Warnings and notices let a run go on."""
    assert (False, True) == (has_errors([WARNING]), has_errors([WARNING, ERROR]))


def test_the_text_shows_the_line_with_a_caret() -> None:
    """Below the word, as wide as it is; a very long line is cut around it."""
    long = Location(file="p.yml", line=9, column=500, text="x" * 499 + "y" + "z" * 400)
    found = Rule("r", Severity.ERROR, "t").found("s", at=long, why="w", help="h")

    assert ["3 |     abc:  d", "  |     ^^^"] == render_text([ERROR]).splitlines()[2:4]
    shown = render_text([found]).splitlines()
    assert "y" == shown[2][shown[3].index("^")]
    assert len(shown[2]) < 200
    assert ["   = why: w", "   = help: h"] == shown[4:6]


def test_the_same_problems_as_markdown_and_json() -> None:
    """A row each, with its place; and plain values."""
    assert 3 == len(render_markdown([ERROR]).splitlines())
    assert ("p.yml", 3, 5, "error") == tuple(
        render_json([ERROR])[0][name] for name in ("file", "line", "column", "severity")
    )
    assert "1 error, 1 warning" == render_count([ERROR, WARNING])
    assert "" == render_markdown([])


def test_exceptions_carry_what_is_to_be_told() -> None:
    """And the exit codes have their meaning with them."""
    assert ("s", (ERROR,)) == (str(Unusable([ERROR])), Unusable([ERROR]).diagnostics)
    assert (404, ERROR) == (Refused(ERROR, status=404).status, Refused(ERROR).diagnostic)
    assert [0, 1, 2, 3, 70] == [int(each) for each in ExitCode]
