"""An action's interface, declared once: the inputs as a frozen dataclass, the rest as one record.

`action.yml`, the tables in the docs, the command line and the locks are all derived from it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from milepost.diagnostics import Diagnostic, Rule, Severity

UNKNOWN_INPUT = Rule("unknown-input", Severity.ERROR, "An input is given that the action does not have.")
BAD_INPUT = Rule("bad-input", Severity.ERROR, "The value of an input is not of the kind it must be.")
MISSING_INPUT = Rule("missing-input", Severity.ERROR, "An input that has no default is not given.")
RULES = (UNKNOWN_INPUT, BAD_INPUT, MISSING_INPUT)

GITHUB_TOKEN = "${{ github.token }}"


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input as users see it; `default` is the text in action.yml, None when one must be given."""

    name: str
    description: str
    default: str | None
    is_secret: bool
    choices: tuple[str, ...]

    @property
    def variable(self) -> str:
        """The environment variable that carries the input; a hyphen would not survive every shell."""
        return "INPUT_" + self.name.replace("-", "_").upper()


@dataclass(frozen=True)
class Output:
    """One output as users see it."""

    name: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Action:
    """Everything that is known of an action or a command before it runs.

    `permissions` is what a job must grant; `optional_permissions` say in their values what they add.
    A command that is not published has no folder below `actions/`.
    `subject` is the input that the command line may give without its name.
    """

    name: str
    summary: str
    inputs: type[Any]
    run: Callable[[Any, Any], Any]
    outputs: tuple[Output, ...] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    icon: str = "flag"
    is_published: bool = True
    needs_repository: bool = True
    subject: str = ""


def given(description: str, *, default: Any = MISSING, secret: bool = False) -> Any:
    """A field of an Inputs class, with what people need to know of it."""
    metadata = {"description": description, "secret": secret}
    return field(default=default, metadata=metadata, repr=not secret)


def list_inputs(inputs: type[Any]) -> tuple[Input, ...]:
    """The inputs that the class declares, in its order."""
    hints = typing.get_type_hints(inputs)
    return tuple(_describe(each, hints[each.name]) for each in fields(inputs))


def list_claims(inputs: type[Any]) -> frozenset[str]:
    """The names of the inputs that are true or false."""
    return frozenset(_kebab(name) for name, hint in typing.get_type_hints(inputs).items() if _plain(hint) is bool)


def read(
    inputs: type[Any], values: Mapping[str, str], *, flag: Callable[[str], str] = str
) -> tuple[Any | None, tuple[Diagnostic, ...]]:
    """The inputs as typed values, or every problem with them at once; an empty text means the default."""
    hints, problems, converted = typing.get_type_hints(inputs), _unknown(inputs, values), {}
    for each in fields(inputs):
        text = values.get(_kebab(each.name), "").strip()
        if not text and each.default is MISSING:
            problems.append(MISSING_INPUT.found(f"{flag(_kebab(each.name))} is not given", help=_about(each)))
        if not text:
            continue
        try:
            converted[each.name] = _convert(text, hints[each.name])
        except ValueError as reason:
            name = flag(_kebab(each.name))
            shown = "the value" if each.metadata["secret"] else repr(text)
            problems.append(BAD_INPUT.found(f"{name}: {shown} is not {reason}", help=_about(each)))
    return (None if problems else inputs(**converted)), tuple(problems)


def _describe(each: Field[Any], hint: Any) -> Input:
    return Input(
        name=_kebab(each.name),
        description=_about(each),
        default=None if each.default is MISSING else _text(each.default),
        is_secret=bool(each.metadata["secret"]),
        choices=tuple(member.value for member in _plain(hint)) if _is_enum(hint) else (),
    )


def _unknown(inputs: type[Any], values: Mapping[str, str]) -> list[Diagnostic]:
    known = [_kebab(each.name) for each in fields(inputs)]
    return [
        UNKNOWN_INPUT.found(f"there is no input {name!r}", help=_nearest(name, known))
        for name in values
        if name not in known
    ]


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"the inputs are: {', '.join(known)}"


def _convert(text: str, hint: Any) -> Any:
    kind = _plain(hint)
    if _is_enum(hint):
        return _member(text, kind)
    if kind is bool:
        return _claim(text)
    if kind is int:
        return _count(text)
    return Path(text) if kind is Path else text


def _member(text: str, kind: type[Enum]) -> Enum:
    try:
        return kind(text.lower())
    except ValueError:
        raise ValueError("one of " + ", ".join(str(each.value) for each in kind)) from None


def _claim(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError("a whole number from 0 up")
    return int(text)


def _plain(hint: Any) -> Any:
    """The type without `| None`."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(each for each in typing.get_args(hint) if each is not type(None))
    return hint


def _is_enum(hint: Any) -> bool:
    kind = _plain(hint)
    return isinstance(kind, type) and issubclass(kind, Enum)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value) if isinstance(value, Enum) else str(value)


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _about(each: Field[Any]) -> str:
    return str(each.metadata["description"])
