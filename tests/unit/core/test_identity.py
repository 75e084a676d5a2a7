"""Keys, markers and blocks: what is written into other people's texts, and read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.identity import (
    MOST_BLOCK_BYTES,
    MOST_KEY_BYTES,
    Block,
    Marker,
    block_line,
    block_values,
    issue_key,
    join_body,
    join_description,
    milestone_key,
    normal,
    slug,
    split_body,
    split_description,
)

TEXTS = st.text(max_size=300) | st.sampled_from(
    ["", "a\r\nb", '<!-- milepost key="x" issue milestone=1 -->', "```milepost\nsync key=x\n```", "```\n```", "-->"]
)
MARKERS = st.builds(
    Marker,
    key=st.from_regex(r"[a-z0-9]([\w./+-]{0,20}\w)?", fullmatch=True),
    milestone=st.none() | st.integers(1, 999_999_999),
)


@given(text=TEXTS, marker=MARKERS)
def test_a_marker_reads_back_from_below_any_text(text: str, marker: Marker) -> None:
    """Whatever stands above it, planted markers too: the last line counts, and the text is whole."""
    assert (normal(text), marker) == split_body(join_body(text, marker))


@given(text=TEXTS, value=st.text(min_size=1, max_size=60))
def test_a_block_reads_back_from_below_any_text(text: str, value: str) -> None:
    """A text that holds no block of its own comes back whole, and so does the value in the block."""
    if split_description(text)[1] is not None:
        return
    written = join_description(text, Block().with_line("sync", block_line(key=value)))

    above, block = split_description(written)

    assert normal(text) == above
    assert block is not None
    assert {"key": value} == block_values(block.get("sync") or "")


def test_a_healed_twin_says_whose_it_is() -> None:
    """Its marker names the issue that stayed, and is no claim."""
    marker = Marker(key="a", duplicate_of=4)

    assert ("Text", marker) == split_body(join_body("Text", marker))


def test_lines_of_other_actions_stay_where_they_are() -> None:
    """Replacing our line keeps the order and every other line, also those that nothing of ours wrote."""
    text = "Above\n\n```milepost\nsprint number=3\nsync key=a\nfuture thing\n```\n\nBelow"

    author, block = split_description(text)
    assert block is not None
    written = join_description(author, block.with_line("sync", "key=b"))

    assert "Above\n\nBelow\n\n```milepost\nsprint number=3\nsync key=b\nfuture thing\n```" == written


def test_no_block_leaves_the_text_alone() -> None:
    """Neither None nor an empty block adds a fence."""
    assert ["Text", "Text"] == [join_description(" Text\r\n", None), join_description("Text", Block())]


def test_a_block_is_at_most_one_kibibyte() -> None:
    """More is refused: the description is for people."""
    with pytest.raises(ValueError, match=str(MOST_BLOCK_BYTES)):
        join_description("", Block(lines=(("sync", "x" * MOST_BLOCK_BYTES),)))


def test_values_that_are_no_pairs_are_passed_over() -> None:
    """People edit blocks: what cannot be read is not believed, and harms nothing."""
    assert {"a": "1", "c": '"\\x"'} == block_values('a=1 b c="\\x" =d')


def test_keys_are_made_of_words_of_every_script() -> None:
    """Case, blanks and punctuation do not count; letters do."""
    assert ["a-b-c", "实现-resnet50", ""] == [slug("A_b  C!"), slug("实现 ResNet50"), slug("!!!")]
    assert ["v2-9/fix-it", "fix-it"] == [issue_key("v2.9", "Fix it"), issue_key(None, "Fix it")]


def test_a_long_title_has_a_short_key_of_its_own() -> None:
    """Cut and made unique by a digest, so that the block stays small."""
    first, second = milestone_key("长" * 200), milestone_key("长" * 201)

    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= MOST_KEY_BYTES
    assert "v1" == milestone_key("V1")
