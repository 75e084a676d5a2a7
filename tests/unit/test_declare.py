"""Inputs declared once, read from texts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from milepost.declare import given, list_inputs, read


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """One input of each kind."""

    token: str = given("A secret.", secret=True)
    file: Path = given("A path.", default=Path("a.yml"))
    colour: Colour | None = given("A colour.", default=None)
    is_loud: bool = given("A claim.", default=False)
    max_deletes: int = given("A count.", default=3)


def test_texts_become_values_of_the_declared_types() -> None:
    """Empty texts mean the default; case does not count in claims and choices."""
    values = {"token": "t", "file": "b.yml", "colour": "BLUE", "is-loud": "True", "max-deletes": ""}

    found, problems = read(Inputs, values)

    assert () == problems
    assert Inputs(token="t", file=Path("b.yml"), colour=Colour.BLUE, is_loud=True, max_deletes=3) == found


def test_all_bad_inputs_are_told_at_once_and_secrets_are_not_shown() -> None:
    """A missing one, an unknown one with the nearest name, and one of each wrong kind."""
    values = {"fil": "x", "colour": "green", "is-loud": "yes", "max-deletes": "-1"}

    found, problems = read(Inputs, values)

    assert found is None
    assert ["unknown-input", "missing-input", "bad-input", "bad-input", "bad-input"] == [each.rule for each in problems]
    assert "did you mean 'file'?" == problems[0].help
    assert "one of red, blue" in problems[2].summary


def test_a_secret_is_in_no_representation() -> None:
    """Neither of the inputs nor of a problem."""
    found, _ = read(Inputs, {"token": "hunter2"})

    assert "hunter2" not in repr(found)


def test_inputs_are_described_as_users_see_them() -> None:
    """Hyphens in names, underscores in variables, texts as defaults, choices of enums."""
    token, file, colour, is_loud, max_deletes = list_inputs(Inputs)

    assert ("is-loud", "INPUT_IS_LOUD", "false") == (is_loud.name, is_loud.variable, is_loud.default)
    assert (None, "a.yml", "", "3") == (token.default, file.default, colour.default, max_deletes.default)
    assert (True, ("red", "blue")) == (token.is_secret, colour.choices)
