"""Foreign text as Markdown shows itself, and does nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.views.markdown import cell, code, cut, prose, table
from milepost.views.plain import counted, one_line, quoted, shortened

TEXTS = st.text(max_size=80) | st.sampled_from(
    [
        "`",
        "``",
        "a`",
        "|",
        "@a",
        "#1",
        "<b>",
        "\u202e",
        "##[x",
        "\n::error::",
        "::error::",
        "\u3000::debug::",
        "[a](b)",
        "**",
    ]
)


@given(text=TEXTS)
def test_a_code_span_holds_any_text(text: str) -> None:
    """Its fence is longer than any run of backquotes inside, and it stays on one line."""
    shown = code(text)
    fence = re.match(r"`+", shown)

    assert fence is not None
    assert "\n" not in shown
    assert shown.endswith(fence[0])
    inner = shown[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall(r"`+", inner)


@given(text=TEXTS)
def test_prose_has_no_character_that_means_something(text: str) -> None:
    """No markup, no HTML but our own separator, no mention and no reference."""
    bare = prose(text).replace("<!-- -->", "\0")

    assert not re.search(r"[<>`*_\[\]|]", bare)
    assert not re.search(r"[@#][^\0x]", re.sub(r"&#\d+;", "", bare).replace("#\0", "").replace("@\0", ""))


@given(text=TEXTS)
def test_a_cell_does_not_break_its_table(text: str) -> None:
    """A bar inside is escaped."""
    assert 3 == len(re.findall(r"(?<!\\)\|", table(("a", "b"), [(cell(text), "x")]).splitlines()[2]))


@given(text=TEXTS)
def test_a_line_of_a_log_is_one_line_without_commands(text: str) -> None:
    """Neither control characters, nor `##[`, nor `::` where it begins."""
    shown = one_line(text)

    assert 1 >= len(shown.splitlines())
    assert "##[" not in shown
    assert not shown.lstrip().startswith("::")
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", shown)


def test_an_empty_table_is_nothing() -> None:
    """No head without rows."""
    assert "" == table(("a",), [])


@pytest.mark.parametrize(("most", "whole"), [(1000, True), (420, False)])
def test_a_text_is_cut_at_a_line_end(most: int, whole: bool) -> None:
    """And says how much is missing."""
    text = "line\n" * 100

    assert whole == (cut(text, most) == text)
    assert len(cut(text, most).encode()) <= most


def test_small_words_read_well() -> None:
    """Counts, quotes, and texts cut short."""
    assert ["1 write", "1,100 writes"] == [counted(1, "write"), counted(1100, "write")]
    assert ['"a\\nb"', "aaaa…", "ab"] == [quoted("a\nb"), shortened("a" * 9, 5), shortened("ab", 5)]
