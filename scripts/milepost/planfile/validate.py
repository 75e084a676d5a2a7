"""Nodes against the schema: values of the types that the schema asks for, or every problem in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.source import Mapping, Node, Scalar, Sequence

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
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}
LONGEST_QUOTE = 60

Schema = MappingType[str, Any]
# A jsonschema ValidationError; its type stubs call most of its members possibly unset.
Error = Any
Path_ = tuple[Any, ...]


@cache
def read_schema() -> Schema:
    """The published schema of the plan file."""
    schema: Schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(read_schema())


def validate(root: Node) -> tuple[Any, tuple[Diagnostic, ...]]:
    """The file as plain values, and what the schema says against them."""
    value = convert(root, read_schema())
    errors = sorted(_validator().iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    return value, tuple(found for error in errors for found in _diagnose(error, root))


def convert(node: Node, schema: Schema) -> Any:
    """The node as values; a plain scalar is a number, a claim or nothing only where the schema asks for that."""
    schema = _resolve(schema)
    if isinstance(node, Mapping):
        return {key.text: convert(value, _member(schema, key.text)) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [convert(item, schema.get("items", {})) for item in node.items]
    return _convert_scalar(node, schema)


def find(node: Node, path: Path_) -> Node:
    """The node at the path, or the innermost one above it."""
    for part in path:
        inner = _step(node, part)
        if inner is None:
            return node
        node = inner
    return node


def find_key(node: Node, path: Path_, key: str) -> Location:
    """The place of the key in the mapping at the path."""
    mapping = find(node, path)
    entries = mapping.entries if isinstance(mapping, Mapping) else ()
    return next((each.at for each, _ in entries if each.text == key), mapping.at)


def quote(value: Any) -> str:
    """The offending text as messages show it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f'"{text}"' if len(text) <= LONGEST_QUOTE else f'"{text[:LONGEST_QUOTE]}…"'


def nearest(word: str, known: list[str], *, otherwise: str = "") -> str:
    """A question that offers the nearest valid word, or the other help."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else otherwise


def _resolve(schema: Schema) -> Schema:
    reference = schema.get("$ref")
    return read_schema()["$defs"][reference.rpartition("/")[2]] if reference else schema


def _member(schema: Schema, key: str) -> Schema:
    found = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
    return found if isinstance(found, dict) else {}


def _convert_scalar(node: Scalar, schema: Schema) -> Any:
    types = schema.get("type", "string")
    types = [types] if isinstance(types, str) else types
    if node.is_plain and node.text in NULLS:
        return None
    if node.is_plain and "string" not in types:
        if "integer" in types and re.fullmatch(r"[0-9]{1,18}", node.text):
            return int(node.text)
        if "boolean" in types and node.text in CLAIMS:
            return CLAIMS[node.text]
    return node.text


def _step(node: Node, part: Any) -> Node | None:
    if isinstance(node, Mapping):
        return next((value for key, value in node.entries if key.text == part), None)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def _diagnose(error: Error, root: Node) -> Iterator[Diagnostic]:
    path = tuple(error.absolute_path)
    node = find(root, path)
    keyword = str(error.validator)
    about = str(error.schema.get("description", "")) if isinstance(error.schema, dict) else ""
    if keyword == "additionalProperties":
        yield from _unknown_keys(error, root, path)
    elif keyword == "required":
        yield from _missing_keys(error, node, path)
    elif keyword == "type":
        yield _wrong_type(error, node, path, about)
    elif keyword == "enum":
        known = [str(each) for each in error.validator_value]
        way_out = nearest(str(error.instance), known, otherwise=f"write one of: {', '.join(known)}")
        yield UNKNOWN_VALUE.found(f"{_name(path)} cannot be {quote(error.instance)}", at=node.at, help=way_out)
    elif "propertyNames" in error.absolute_schema_path:
        at = find_key(root, path, str(error.instance))
        yield BAD_VALUE.found(f"{quote(error.instance)} cannot be a name", at=at, help=_reason(error, keyword))
    else:
        summary = f"{_name(path)} {quote(error.instance)} {_reason(error, keyword)}"
        yield BAD_VALUE.found(summary, at=node.at, help=about)


def _unknown_keys(error: Error, root: Node, path: Path_) -> Iterator[Diagnostic]:
    known = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in known:
            way_out = nearest(key, known, otherwise=f"the keys here are: {', '.join(known)}")
            where = f" in {_name(path)}" if path else ""
            yield UNKNOWN_KEY.found(f"unknown key {quote(key)}{where}", at=find_key(root, path, key), help=way_out)


def _missing_keys(error: Error, node: Node, path: Path_) -> Iterator[Diagnostic]:
    for key in error.validator_value:
        # jsonschema reports each missing key by itself; its message begins with the key.
        if key not in error.instance and error.message.startswith(f"'{key}'"):
            where = _name(path) if path else "the plan file"
            way_out = "add `version: 1`" if key == "version" else f"add `{key}:`"
            yield MISSING_KEY.found(f'{where} has no "{key}"', at=node.at, help=way_out)


def _wrong_type(error: Error, node: Node, path: Path_, about: str) -> Diagnostic:
    types = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    wanted = "a text" if "string" in types and "array" not in types else " or ".join(TYPE_NAMES[each] for each in types)
    found = "empty" if error.instance is None else _kind(error.instance)
    help_ = about or f"write {wanted}"
    return WRONG_TYPE.found(f"{_name(path)} must be {wanted}, and is {found}", at=node.at, help=help_)


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
        "minimum": f"is below {limit}",
        "maximum": f"is above {limit}; a newer Milepost may read it",
        "pattern": "is not of the form that it must have",
    }
    return reasons.get(keyword, "cannot stand here")


def _name(path: Path_) -> str:
    """`milestones[2].issues[0].title`, counted from 1 as people do."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return f"`{text}`" if text else "the plan file"
