"""Patterns accept what `re` accepts, in a number of steps that is bounded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.planfile.pattern import Budget, TooCostly, read_pattern

ATOMS = st.sampled_from(
    ["a", "b", "1", "-", r"\.", ".", r"\d", r"\w", r"\S", "[ab]", "[^a]", "[a-b1.]", "[]a]", "^", "$"]
)
REPEATS = st.sampled_from(["?", "*", "+", "{2}", "{1,}", "{0,2}", "*?", "+?", "??", "{1,2}?"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        inner.map(lambda one: f"(?:{one})"),
        st.tuples(inner, REPEATS).map(lambda two: f"({two[0]}){two[1]}"),
    ),
    max_leaves=8,
)


@settings(max_examples=600)
@given(source=PATTERNS, text=st.text("ab1-.é", max_size=7))
def test_a_pattern_covers_what_re_covers(source: str, text: str) -> None:
    """Over generated patterns and short texts, with anchors, lazy and counted repeats."""
    pattern, reason = read_pattern(source)

    assert pattern is not None, reason
    assert bool(re.fullmatch(source, text)) == pattern.covers(text, Budget())


@pytest.mark.parametrize(
    ("source", "text", "is_covered"),
    [
        (r"v\d+(\.\d+)*(-(alpha|beta|rc\d+))?", "v2.9-rc1", True),
        (r"v\d+(\.\d+)*(-(alpha|beta|rc\d+))?", "v2.", False),
        ("Sprint [0-9]{2,3}", "Sprint 100", True),
        ("第[一二三]期", "第二期", True),
        ("", "", True),
        ("(a|)+", "", True),
        (r"\(x\)\ \/ \{\}", "(x) / {}", True),
    ],
)
def test_titles_as_teams_write_them(source: str, text: str, is_covered: bool) -> None:
    """Versions, sprints, other scripts, and escaped signs."""
    pattern, reason = read_pattern(source)

    assert pattern is not None, reason
    assert is_covered is pattern.covers(text, Budget())


@pytest.mark.parametrize(
    "source",
    [
        "v[",
        "(a",
        "a**",
        "*a",
        "a{2}{3}",
        "(?i)a",
        "(?=a)",
        "(?P<n>a)",
        r"(a)\1",
        r"\bA",
        r"\Aa",
        "a{",
        "a}",
        "a{,2}",
        "[[a]]",
        "a{1,99999999999}",
        "a??+",
    ],
)
def test_what_cannot_be_bounded_or_read_is_refused(source: str) -> None:
    """Broken ones with the reason of `re`, the others with the place of what is not supported."""
    pattern, reason = read_pattern(source)

    assert pattern is None
    assert reason


@pytest.mark.parametrize(
    "source", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*a*a*a*a*a*a*a*b", "((a*)*)*b", "(.*.*)*b"]
)
def test_patterns_that_need_re_exponential_time_are_matched(source: str) -> None:
    """The steps that 255 characters take are far below the budget."""
    pattern, _ = read_pattern(source)
    budget = Budget()

    assert pattern is not None
    assert not pattern.covers("a" * 255, budget)
    assert budget.steps > 2_900_000


def test_a_budget_that_is_used_up_ends_the_matching() -> None:
    """One budget serves all texts, so that many of them cannot take long either."""
    pattern, _ = read_pattern("a*")
    budget = Budget(steps=1_000)

    assert pattern is not None
    with pytest.raises(TooCostly):
        all(pattern.covers("a" * 50, budget) for _ in range(100))
