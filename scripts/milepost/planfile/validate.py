"""Nodes against the schema: values of the types that the schema asks for, and every problem in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.nodes import Mapping, Node, Scalar, Sequence
from milepost.planfile.wording import find_nearest, name_path, nearest, quote

UNKNOWN_KEY = Rule("unknown-key", Severity.ERROR, "The plan file has a key that no plan has there.")
MISSING_KEY = Rule("missing-key", Severity.ERROR, "A key that must be there is not.")
WRONG_TYPE = Rule("wrong-type", Severity.ERROR, "A value is not of the kind it must be.")
UNKNOWN_VALUE = Rule("unknown-value", Severity.ERROR, "A value is not one of those that may stand there.")
BAD_VALUE = Rule("bad-value", Severity.ERROR, "A value is too long, too short, or not of the right form.")
RULES = (UNKNOWN_KEY, MISSING_KEY, WRONG_TYPE, UNKNOWN_VALUE, BAD_VALUE)

SCHEMA_FILE = Path(__file__).with_name("plan.schema.json")
NULLS = ("", "~", "null", "Null", "NULL")
CLAIMS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
TYPE_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}
# With more problems than this the file is no plan; looking for the rest would only take time.
MOST_PROBLEMS = 1_000

Schema = MappingType[str, Any]
# A jsonschema ValidationError; its type stubs call most of its members possibly unset.
Error = Any
Steps = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The file as plain values; None when too little of it is left to go on.

    What is of the wrong kind is left out, and `broken` says where that is, or where something is missing.
    """

    value: Any
    problems: tuple[Diagnostic, ...]
    broken: frozenset[Steps]


def validate(root: Node) -> Checked:
    """The file as plain values, and what the schema says against them."""
    value = convert(root, read_schema())
    problems: list[Diagnostic] = []
    refused: set[Steps] = set()
    missing: set[Steps] = set()
    for error in _validator().iter_errors(value):
        problems += _diagnose(error, root)
        if error.validator in ("type", "enum"):
            refused.add(tuple(error.absolute_path))
        missing.update(_missing_parts(error))
        if len(problems) > MOST_PROBLEMS:
            return Checked(value=None, problems=tuple(problems), broken=frozenset())
    sound = None if () in refused else _without(value, refused)
    return Checked(value=sound, problems=tuple(problems), broken=frozenset(refused | missing))


def convert(node: Node, schema: Schema) -> Any:
    """The node as values; a plain scalar is a number, a claim or nothing only where the schema asks for that."""
    schema = _resolve(schema)
    if isinstance(node, Mapping):
        return {key.text: convert(value, _member(schema, key.text)) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [convert(item, schema.get("items", {})) for item in node.items]
    return _convert_scalar(node, schema)


def find(node: Node, path: Steps) -> Node:
    """The node at the path, or the innermost one above it."""
    for part in path:
        inner = _step(node, part)
        if inner is None:
            return node
        node = inner
    return node


@cache
def read_schema() -> Schema:
    """The published schema of the plan file."""
    schema: Schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


@cache
def _validator() -> Draft202012Validator:
    kind = validators.extend(Draft202012Validator, {"pattern": _judge_pattern})  # type: ignore[no-untyped-call]
    made: Draft202012Validator = kind(read_schema())
    return made


def _judge_pattern(_: Any, pattern: str, instance: Any, __: Schema) -> Iterator[ValidationError]:
    """The schema's patterns are ECMAScript's, whose `$` is the very end; Python's lets a line end follow."""
    if isinstance(instance, str) and not re.search(pattern.removesuffix("$") + r"\Z", instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _resolve(schema: Schema) -> Schema:
    reference = schema.get("$ref")
    return read_schema()["$defs"][reference.rpartition("/")[2]] if reference else schema


def _member(schema: Schema, key: str) -> Schema:
    found = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
    return found if isinstance(found, dict) else {}


def _convert_scalar(node: Scalar, schema: Schema) -> Any:
    """The published schema says what editors see, `1` for instance as an integer; so plain scalars become that."""
    if node.is_plain and node.text in NULLS:
        return None
    types = schema.get("type", "string")
    types = [types] if isinstance(types, str) else types
    if node.is_plain and "string" not in types:
        if "integer" in types and re.fullmatch(r"[0-9]{1,18}", node.text):
            return int(node.text)
        if "boolean" in types and node.text in CLAIMS:
            return CLAIMS[node.text]
    return node.text


def _step(node: Node, part: Any) -> Node | None:
    if isinstance(node, Mapping):
        return node.by_key[part][1] if part in node.by_key else None
    return node.items[part] if isinstance(node, Sequence) and isinstance(part, int) else None


def _key_at(node: Node, key: str) -> Location:
    """The place of the key, not of its value."""
    return node.by_key[key][0].at if isinstance(node, Mapping) and key in node.by_key else node.at


def _missing_parts(error: Error) -> Iterator[Steps]:
    """Where something should stand that does not, or stands under a misspelt key."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        yield from ((*path, key) for key in error.validator_value if key not in error.instance)
    elif error.validator == "additionalProperties":
        meant = (find_nearest(key, known) for key, known in _unknown_keys(error))
        yield from ((*path, key) for key in meant if key is not None)


def _without(value: Any, refused: Iterable[Steps]) -> Any:
    """The values without the refused ones, innermost first; a member of a list leaves its place empty."""
    for path in sorted(refused, key=len, reverse=True):
        holder = value
        for part in path[:-1]:
            holder = holder[part]
        if isinstance(holder, list):
            holder[path[-1]] = None
        else:
            del holder[path[-1]]
    return value


def _diagnose(error: Error, root: Node) -> Iterator[Diagnostic]:
    path = tuple(error.absolute_path)
    node, keyword = find(root, path), str(error.validator)
    about = str(error.schema.get("description", ""))
    if keyword == "additionalProperties":
        yield from _judge_keys(error, node, path)
    elif keyword == "required":
        yield from _missing_key(error, node, path)
    elif keyword == "type":
        yield _wrong_type(error, node, path, about)
    elif keyword == "enum":
        known, found = [str(each) for each in error.validator_value], error.instance
        way_out = nearest(str(found), known, otherwise=f"write one of: {', '.join(known)}")
        summary = f"{name_path(path)} cannot be {'empty' if found is None else quote(found)}"
        yield UNKNOWN_VALUE.found(summary, at=node.at, help=way_out)
    elif "propertyNames" in error.absolute_schema_path:
        summary, way_out = f"{quote(error.instance)} cannot be a name", "use letters, digits, `.`, `_` and `-`"
        yield BAD_VALUE.found(summary, at=_key_at(node, str(error.instance)), help=way_out)
    else:
        summary = f"{name_path(path)} {quote(error.instance)} {_reason(error, keyword)}"
        yield BAD_VALUE.found(summary, at=node.at, help=about)


def _unknown_keys(error: Error) -> Iterator[tuple[str, list[str]]]:
    """Each key that the schema does not know, with those that it does."""
    known = list(error.schema["properties"])
    unknown = [key for key in error.instance if key not in error.schema["properties"]]
    yield from ((key, known) for key in unknown[: MOST_PROBLEMS + 1])


def _judge_keys(error: Error, node: Node, path: Steps) -> Iterator[Diagnostic]:
    where = f" in {name_path(path)}" if path else ""
    for key, known in _unknown_keys(error):
        way_out = nearest(key, known, otherwise=f"the keys here are: {', '.join(known)}")
        yield UNKNOWN_KEY.found(f"unknown key {quote(key)}{where}", at=_key_at(node, key), help=way_out)


def _missing_key(error: Error, node: Node, path: Steps) -> Iterator[Diagnostic]:
    # jsonschema reports each missing key by itself; its message begins with the key.
    key = next(each for each in error.validator_value if error.message.startswith(f"'{each}'"))
    if not (isinstance(node, Mapping) and node.is_partial):
        way_out = "add `version: 1`" if key == "version" else f"add `{key}:`"
        yield MISSING_KEY.found(f'{name_path(path)} has no "{key}"', at=node.at, help=way_out)


def _wrong_type(error: Error, node: Node, path: Steps, about: str) -> Diagnostic:
    types = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    # Numbers and booleans beside text are what editors see in `1.10` and `on`.
    types = [each for each in types if each not in ("number", "boolean") or "string" not in types]
    wanted = " or ".join(TYPE_NAMES[each] for each in types)
    found = "empty" if error.instance is None else _kind(error.instance)
    summary = f"{name_path(path)} must be {wanted}, and is {found}"
    keys = ", ".join(error.schema.get("properties", ()))
    return WRONG_TYPE.found(summary, at=node.at, help=f"the keys here are: {keys}" if keys else about)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else quote(value)


def _reason(error: Error, keyword: str) -> str:
    limit = error.validator_value
    reasons = {
        "minLength": "is empty",
        "maxLength": f"is longer than {limit} characters",
        "maxItems": f"has more than {limit} members",
        "maxProperties": f"has more than {limit} members",
        "minimum": f"is below {limit}",
        "maximum": f"is above {limit}{_hint(error)}",
        "pattern": "is not of the form that it must have",
    }
    return reasons[keyword]


def _hint(error: Error) -> str:
    return "; a newer Milepost may read it" if tuple(error.absolute_path) == ("version",) else ""
