"""What is masked of a secret."""

from __future__ import annotations

import pytest
from milepost.runner.secrets import list_parts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ghs_token", {"ghs_token"}),
        ("ab", {"ab"}),
        (
            "mailtos://me%40x:pass%2Fword@mail.example.org/someone?format=html&key=q%20value",
            {"pass%2Fword", "pass/word", "me@x", "someone", "q value", "html"},
        ),
        ("slack://TokenA/TokenB/TokenC/#channel", {"TokenA", "TokenB", "TokenC"}),
        (
            "json://user:word@127.0.0.1:80/hook\nfeishu://botkey",
            {"json://user:word@127.0.0.1:80/hook", "word", "botkey"},
        ),
        ("json://[broken/part-one?key=part-two", {"part-one", "part-two"}),
    ],
)
def test_every_part_of_an_address_that_is_secret_is_masked(value: str, expected: set[str]) -> None:
    """Whole, line by line, and each login, password, token in the path or host, and value of the query."""
    found = list_parts(value)

    assert expected <= set(found)
    assert value in found


def test_names_of_hosts_stay_readable_and_long_parts_come_first() -> None:
    """A host that has a dot is none of the secrets; a part inside another is masked after it."""
    found = list_parts("mailtos://user:secret@mail.example.org/path-of-it")

    assert "mail.example.org" not in found
    assert sorted(found, key=len, reverse=True) == sorted(found, key=lambda each: -len(each))
    assert "mailtos://user:secret@mail.example.org/path-of-it" == found[0]
    assert 1 == len(list_parts("a" * 4))
