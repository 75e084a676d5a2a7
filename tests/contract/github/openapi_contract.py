"""A referee between client and server: is this exchange one that GitHub's published description allows?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator

DESCRIPTION = Path(__file__).with_name("openapi.json")
# GitHub answers these everywhere, and documents them almost nowhere.
ALWAYS_ALLOWED = {304, 401, 403, 404, 429, 500, 502, 503}


@dataclass(frozen=True)
class Violation:
    """One way in which an exchange leaves the description."""

    operation: str
    where: str
    reason: str


def check_exchange(
    method: str,
    path: str,
    query: str,
    request_body: Any,
    status: int,
    headers: Mapping[str, str],
    response_body: Any,
) -> list[Violation]:
    """Everything in the exchange that GitHub's description does not have."""
    found = _find(method.lower(), path)
    if found is None:
        return [Violation(f"{method} {path}", "path", "no such operation")]
    template, operation = found
    name = f"{method} {template}"
    problems = [*_check_query(operation, query), *_check_request(operation, request_body)]
    problems += _check_response(operation, status, headers, response_body)
    return [Violation(name, where, reason) for where, reason in problems]


@cache
def read_description() -> dict[str, Any]:
    """The pruned description, with `nullable` spelled as JSON Schema has it."""
    description: dict[str, Any] = _modern(json.loads(DESCRIPTION.read_text(encoding="utf-8")))
    return description


@lru_cache(maxsize=4096)
def _find(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    candidates = []
    for template, item in read_description()["paths"].items():
        # A reference, a path of a file and a label's name may hold slashes.
        pattern = re.sub(r"\\\{(ref|path|name|branch|tag)\\\}", "(.+)", re.escape(template))
        pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", pattern)
        if method in item and re.fullmatch(pattern, path):
            candidates.append((template.count("{"), template))
    if not candidates:
        return None
    template = min(candidates)[1]
    return template, read_description()["paths"][template][method]


def _check_query(operation: Mapping[str, Any], query: str) -> list[tuple[str, str]]:
    known = {}
    for each in operation.get("parameters", []):
        parameter = _resolve(each)
        if parameter["in"] == "query":
            known[parameter["name"]] = parameter["schema"]
    problems = []
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            problems.append((f"query {name}", "no such parameter"))
            continue
        value = int(text) if known[name].get("type") == "integer" and text.isdigit() else text
        problems += [(f"query {name}", reason) for reason in _errors(known[name], value)]
    return problems


def _check_request(operation: Mapping[str, Any], body: Any) -> list[tuple[str, str]]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        is_upload = "application/octet-stream" in content
        return [] if body in (None, {}) or is_upload else [("request", "the operation takes no body")]
    if body is None:
        return [("request", "the body is missing")] if operation["requestBody"].get("required") else []
    problems = [("request", reason) for reason in _errors(schema, body)]
    if isinstance(body, dict):
        known = _members(schema)
        problems += [(f"request {name}", "no such member") for name in body if known and name not in known]
    return problems


def _check_response(
    operation: Mapping[str, Any], status: int, headers: Mapping[str, str], body: Any
) -> list[tuple[str, str]]:
    responses = operation["responses"]
    if str(status) not in responses:
        return [] if status in ALWAYS_ALLOWED else [("status", f"{status} is not documented")]
    response = _resolve(responses[str(status)])
    lower = {name.lower() for name in headers}
    problems = [
        (f"header {name}", "documented, and missing")
        for name in response.get("headers", {})
        if name.lower() == "location" and "location" not in lower
    ]
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is not None:
        problems += [("response", reason) for reason in _errors(schema, body)]
    return problems


def _members(schema: Mapping[str, Any]) -> set[str]:
    """The members that any form of the body may have; none when the description leaves it open."""
    schema = _resolve(schema)
    found = set(schema.get("properties", {}))
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        found |= _members(part)
    return found


def _errors(schema: Mapping[str, Any], value: Any) -> list[str]:
    validator = _validator(json.dumps(schema, sort_keys=True))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": read_description()["components"]}
    return Draft202012Validator(whole)


def _resolve(node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    kind, name = reference.split("/")[2:4]
    resolved: Mapping[str, Any] = read_description()["components"][kind][name]
    return resolved


def _modern(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as a type that may be null; a nullable enum may hold null too."""
    if isinstance(node, list):
        return [_modern(each) for each in node]
    if not isinstance(node, dict):
        return node
    changed = {name: _modern(each) for name, each in node.items()}
    if changed.pop("nullable", False) is not True:
        return changed
    if "enum" in changed:
        changed["enum"] = [*changed["enum"], None]
    if isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
        return changed
    return {"anyOf": [changed, {"type": "null"}]}
