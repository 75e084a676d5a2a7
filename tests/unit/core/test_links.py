"""The grammar of links, line by line of what was seen in the wild, and its limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.core.links import LARGEST, Address, Grammar, Reason

HERE = Grammar("o/r", "github.com")
TEMPLATE = """\
## What
<!-- Describe the change. Write "Fixes #1234" when it resolves an issue. -->

## Checklist
- [ ] Linked to an issue: `Closes #123`
- [ ] Tests
"""


def read(body: str, title: str = "") -> tuple[list[str], list[tuple[str, str, int]]]:
    """The references by address, and the hints by reason, text and line."""
    found = HERE.read(body, title)
    return (
        [str(each.address) for each in found.references],
        [(each.reason.value, each.text, each.line) for each in found.hints],
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Closes #10", ["o/r#10"]),
        ("Closes #10\n", ["o/r#10"]),
        ("closes: #4744", ["o/r#4744"]),
        ("CLOSES: #10", ["o/r#10"]),
        ("Fixes: GH-721", ["o/r#721"]),
        ("Fixes celestiaorg/celestia-app#8037", ["celestiaorg/celestia-app#8037"]),
        ("fixes [this issue](https://github.com/o/r/issues/1961)", ["o/r#1961"]),
        ("Closes https://github.com/o/r/issues/1234", ["o/r#1234"]),
        ("Closes <https://github.com/o/r/issues/1234>", ["o/r#1234"]),
        ("Closes https://github.com/a/b/pull/7", ["a/b#7"]),
        ("Resolves #10, resolves #123", ["o/r#10", "o/r#123"]),
        ("Does **not** close #4447", ["o/r#4447"]),
        ("Notably, fixes #12", ["o/r#12"]),
        ("Fixes cvc5/cvc5-projects#5", ["cvc5/cvc5-projects#5"]),
        ("- [x] Closes #5", ["o/r#5"]),
        ("* Closes #5", ["o/r#5"]),
        ("**Closes #5**", ["o/r#5"]),
        ("_Closes #5_", ["o/r#5"]),
        ("(fixes #5)", ["o/r#5"]),
        ("> Closes #7", ["o/r#7"]),
        ("| a | fixes #8 |", ["o/r#8"]),
        ("<details>\nCloses #4\n</details>", ["o/r#4"]),
        ("Use `<!--` here.\n\nFixes #3", ["o/r#3"]),
        ("Escaped \\`Fixes #3\\`", ["o/r#3"]),
        ("One ` alone, fixes #3", ["o/r#3"]),
        ("Inline <!-- never closed. Fixes #3", ["o/r#3"]),
        ("<!-- a --> Fixes #3", ["o/r#3"]),
        ("- item\n\n  more\n\n    Closes #8", ["o/r#8"]),
        ("1. item\n\n   Closes #8", ["o/r#8"]),
        ("text\n    Closes #8", ["o/r#8"]),
        ("> ```\n> x\nFixes #2", ["o/r#2"]),
        ("```\nx\n```\nFixes #2", ["o/r#2"]),
        ("~~~ a`b\nx\n~~~~\nFixes #2", ["o/r#2"]),
        ("<pre>\n\nx</pre>\nFixes #2", ["o/r#2"]),
        ("a <code>x</code> fixes #2", ["o/r#2"]),
        ("a <b>x</b> fixes #2", ["o/r#2"]),
        ("a < b fixes #2 > c", ["o/r#2"]),
        ("- a\n  ```\n  x\nFixes #2", ["o/r#2"]),
        ("[x](http://a) fixes #2", ["o/r#2"]),
        ("fixes [`x` #3](https://github.com/o/r/issues/2)", ["o/r#2"]),
        ("text\n[x]: fixes #2", ["o/r#2"]),
        ("[x] fixes #2", ["o/r#2"]),
        ("a <? b fixes #2", ["o/r#2"]),
        ("# Head\nFixes #2", ["o/r#2"]),
        ("修复 fixes #2。", ["o/r#2"]),
        ("Fixes #1\r\nFixes #2\rFixes #3", ["o/r#1", "o/r#2", "o/r#3"]),
    ],
)
def test_what_links(body: str, expected: list[str]) -> None:
    """As GitHub renders it."""
    assert expected == read(body)[0]


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("**Closes:** #4630", ("emphasis", "Closes:** #4630", 1)),
        ("Closes **#4630**", ("emphasis", "Closes **#4630", 1)),
        ("`Fixes #1984`", ("code", "Fixes #1984", 1)),
        ("``a ` Fixes #1984 ``", ("code", "Fixes #1984", 1)),
        ("`a\nFixes #1984`", ("code", "Fixes #1984", 2)),
        ("```\nCloses #238\n```", ("code", "Closes #238", 2)),
        ("```\nCloses #238", ("code", "Closes #238", 2)),
        ("- a\n  ```\n  Closes #238\n  ```", ("code", "Closes #238", 3)),
        ("    Closes #8", ("code", "Closes #8", 1)),
        ("\tCloses #8", ("code", "Closes #8", 1)),
        ("- a\n\n      Closes #8", ("code", "Closes #8", 3)),
        ("- a\n\nb\n\n    Closes #8", ("code", "Closes #8", 5)),
        ("<pre>\n\nCloses #8", ("code", "Closes #8", 3)),
        ("a <code>Closes #8</code>", ("code", "Closes #8", 1)),
        ('<!-- "Fixes #1234". -->', ("comment", "Fixes #1234", 1)),
        ("text\n<!--\nFixes #1234", ("comment", "Fixes #1234", 3)),
        ("text <!-- Fixes #1234 -->", ("comment", "Fixes #1234", 1)),
        ("### Closes\n#35979", ("next-line", "Closes #35979", 1)),
        ("### Closes\n\n- #35979", ("next-line", "Closes - #35979", 1)),
        ("# Head\n    Closes #8", ("code", "Closes #8", 2)),
        ("---\n    Closes #8", ("code", "Closes #8", 2)),
        ("-     Closes #8", ("code", "Closes #8", 1)),
        ("```\n    ```\nCloses #8", ("code", "Closes #8", 3)),
        ("- a\n  ```\n  x\n```\nCloses #8", ("code", "Closes #8", 5)),
        ("<code>\n\nCloses #8</code>", ("code", "Closes #8", 3)),
        ("a <code> Closes #8", ("code", "Closes #8", 1)),
        ("a <script>Closes #8</script>", ("code", "Closes #8", 1)),
        ('<a href="x">Closes #8</a>', ("code", "Closes #8", 1)),
        ("[//]: # (Closes #8)", ("comment", "Closes #8", 1)),
        ("[comment]: # (Closes #8)\n\ntext", ("comment", "Closes #8", 1)),
        ('[x]: http://a "Closes #8"', ("comment", "Closes #8", 1)),
        ('[x]:\nhttp://a\n"Closes #8"', ("comment", "Closes #8", 3)),
        ('<img alt="Closes #8" src=x>', ("comment", "Closes #8", 1)),
        ('<img alt="> Closes #8" src=x>', ("comment", "Closes #8", 1)),
        ('text [a](u "Closes #8")', ("comment", "Closes #8", 1)),
        ("![Closes #8](a.png)", ("comment", "Closes #8", 1)),
        ("[Closes #8](http://x)", ("comment", "Closes #8", 1)),
        ("[Closes #8][x]", ("comment", "Closes #8", 1)),
        ("<? Closes #8 ?>", ("comment", "Closes #8", 1)),
        ("a <? Closes #8 ?>", ("comment", "Closes #8", 1)),
        ("<![CDATA[ Closes #8 ]]>", ("comment", "Closes #8", 1)),
        ("a <![CDATA[ Closes #8 ]]>", ("comment", "Closes #8", 1)),
        ("a <!X Closes #8 >", ("comment", "Closes #8", 1)),
        ("<!X\nCloses #8", ("comment", "Closes #8", 2)),
        ("This discloses #42", ("no-keyword", "#42", 1)),
        ("see https://github.com/o/r/issues/42", ("no-keyword", "https://github.com/o/r/issues/42", 1)),
    ],
)
def test_what_links_nothing_is_told_with_its_line(body: str, hint: tuple[str, str, int]) -> None:
    """The reason, the words, and the line of the description."""
    assert ([], [hint]) == read(body)


@pytest.mark.parametrize("body", ["", "fixes #000", "Closes #42abc", "prefixes #", "fixes #0", "fixes_ #"])
def test_what_is_nothing_at_all(body: str) -> None:
    """Neither a link nor worth a word."""
    assert ([], []) == read(body)


def test_an_unedited_template_links_nothing() -> None:
    """Its examples stand in a comment and in code."""
    references, hints = read(TEMPLATE)

    assert [] == references
    assert [("code", 5), ("comment", 2)] == sorted((reason, line) for reason, _, line in hints)


def test_each_member_of_a_list_needs_its_keyword() -> None:
    """GitHub links only the first."""
    assert (["o/r#1"], [("member", "#2", 1), ("member", "a/b#3", 1)]) == read("Closes #1, #2 and a/b#3")
    assert (["o/r#1", "o/r#2"], []) == read("Closes #1, closes #2")


@pytest.mark.parametrize(
    ("body", "is_negated"),
    [
        ("Does not close #82", True),
        ("This doesn't fully fix #82", True),
        ("This doesn’t fix #82", True),
        ("Does **not** close #82", True),
        ("It no longer fixes #82", True),
        ("Done without closing anything; fixes #82", False),
        ("Notably, fixes #82", False),
        ("It is not hard. Fixes #82", False),
        ("This does not only clean up, it fixes #82", False),
        ("This not only fixes #82", False),
    ],
)
def test_negations_are_told_and_link_all_the_same(body: str, is_negated: bool) -> None:
    """GitHub reads none."""
    references, hints = read(body)

    assert ["o/r#82"] == references
    assert is_negated == any(reason == "negated" for reason, _, _ in hints)


def test_a_title_links_nothing() -> None:
    """Its hint has no line."""
    assert ([], [("title", "fix #5", 0)]) == read("", "Fix the bug: fix #5")


def test_the_host_is_the_servers_own() -> None:
    """On Enterprise Server its addresses count, and those of github.com do not."""
    grammar = Grammar("o/r", "git.acme.example:8443")

    found = grammar.read("Fixes https://git.acme.example:8443/o/r/issues/1 and fixes https://github.com/o/r/issues/2")

    assert [Address("o/r", 1)] == [each.address for each in found.references]


def test_a_team_may_have_keywords_of_its_own() -> None:
    """They link, and close nothing."""
    grammar = Grammar("o/r", "github.com", ["Refs", "part  of"])

    found = grammar.read("Refs #1, Part of: #2, fixes #3")

    assert [("refs", False), ("part of", False), ("fixes", True)] == [
        (each.keyword, each.is_closing) for each in found.references
    ]


def test_numbers_stay_within_what_can_be_asked() -> None:
    """Larger ones become the largest, which is nobody's."""
    assert [Address("o/r", LARGEST)] == [each.address for each in HERE.read("fixes #99999999999").references]


FRAGMENTS = ["fixes", "Closes: ", "#1", " #2", ", ", "`", "```", "~~~", "<!--", "-->", "\n", "\n\n", "> ", "- ", "1. "]
FRAGMENTS += [
    "    ",
    "\t",
    "**",
    "_",
    "[x](",
    ")",
    "https://github.com/o/r/issues/3",
    "<pre>",
    "</pre>",
    "<code>",
    "\\",
]
FRAGMENTS += ["not ", "GH-4", "a/b#5", "|", "#", "\r", "\x00", "\x01", "\u2028", "é", "实现", "\ud800", "x"]


@settings(max_examples=400)
@given(parts=st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=40))
def test_any_text_is_read(parts: list[str]) -> None:
    """Never an exception; every line is one of the text; what is linked is not also told as uncounted there."""
    text = "".join(parts)

    found = HERE.read(text, text)

    most = text.count("\n") + text.count("\r") + 1
    assert all(1 <= each.line <= most for each in found.references)
    assert all((each.line == 0) == (each.reason is Reason.TITLE) and each.line <= most for each in found.hints)


MIB = 1 << 20
HOSTILE = {
    "nested quotes": ">" * MIB,
    "unclosed comments": "<!-- " * (MIB // 5),
    "unclosed comments inline": "a " + "<!-- " * (MIB // 5),
    "fences": "```\n" * (MIB // 4),
    "backticks of all lengths": " ".join("`" * (number % 60 + 1) for number in range(MIB // 31)),
    "keywords": "closes #1 " * 100_000,
    "keywords without numbers": "closes " * (MIB // 7),
    "keywords before blanks": ("closes" + " " * 100) * (MIB // 106),
    "opening brackets": "closes [" * (MIB // 8),
    "a list without end": "closes #1" + ", #2" * (MIB // 4),
    "negations": "not close #1 " * (MIB // 13),
    "lists in lists": "- " * (MIB // 2),
    "brackets": "[" * MIB,
    "links": "[a](b " * (MIB // 6),
    "attributes": "<a b=\"'" * (MIB // 7),
    "definitions": "[a]:\n" * (MIB // 5),
    "quotes in attributes": "<i '\"" * (MIB // 5),
    "unclosed tags": "<code> <pre " * (MIB // 12),
    "escapes": "\\`" * (MIB // 2),
    "empty lines": "\n" * MIB,
    "names without an end": "closes " + "a/" * (MIB // 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_linear_work(name: str) -> None:
    """Twenty times the text takes about twenty times the calls; a quadratic reader would make 400 times as many.

    Work is counted in calls, not in seconds; `scripts/bench.py` times what happens inside of them.
    """
    text = HOSTILE[name]

    small, large = _count(text[: MIB // 80]), _count(text[: MIB // 4])

    assert large <= 40 * small + 1000


def _count(text: str) -> int:
    """How many calls reading the text takes."""
    import sys

    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        HERE.read(text)
    finally:
        sys.setprofile(None)
    return calls
