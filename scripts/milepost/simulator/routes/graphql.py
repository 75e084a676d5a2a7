"""GraphQL, executed by graphql-core on GitHub's own schema; `graph.py` holds what the fields mean."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from milepost.simulator.graph import Query
from milepost.simulator.mutations import Mutation
from milepost.simulator.pages import GraphError, Unimplemented
from milepost.simulator.router import Answer, Refusal, Request, route

SCHEMA_FILE = Path(__file__).parents[1] / "schema.graphql"
MOST_NODES = 500_000
UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
UNKNOWN_TYPE = re.compile(r"Unknown type '(\w+)'")


@route("POST", "/graphql", is_content=False)
def execute(request: Request) -> Answer:
    if request.token is None:
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    if not isinstance(request.body, dict) or not isinstance(request.body.get("query"), str):
        raise Refusal(400, "A query attribute must be specified and must be a string.")
    try:
        from graphql import GraphQLError, parse, validate
    except ImportError as trouble:
        raise Refusal(501, "the simulator answers GraphQL with the package graphql-core, which is missing") from trouble
    try:
        document = parse(request.body["query"])
    except GraphQLError as error:
        return _refused([error])
    problems = validate(_schema(), document)
    for each in problems:
        _refuse_what_is_left_out(each.message)
    nodes = 0 if problems else count_nodes(document, request.body.get("variables") or {})
    if nodes > MOST_NODES:
        message = (
            f"This query requests up to {nodes:,} possible nodes which exceeds the maximum limit of {MOST_NODES:,}."
        )
        problems = [GraphQLError(message, original_error=GraphError("MAX_NODE_LIMIT_EXCEEDED", message))]
    return _refused(problems) if problems else _execute(request, document, nodes)


def _execute(request: Request, document: Any, nodes: int) -> Answer:
    from graphql import ExecutionResult, execute_sync, get_operation_ast

    name = request.body.get("operationName")
    operation = get_operation_ast(document, name)
    is_mutation = operation is not None and operation.operation.value == "mutation"
    result = execute_sync(
        _schema(),
        document,
        Mutation(request) if is_mutation else Query(request, nodes),
        variable_values=request.body.get("variables") or {},
        operation_name=name,
        field_resolver=_resolve,
        type_resolver=lambda value, info, kind: value.type_name(),
    )
    assert isinstance(result, ExecutionResult)
    for error in result.errors or []:
        if isinstance(error.original_error, Refusal):
            raise error.original_error
        if isinstance(error.original_error, Unimplemented):
            raise Refusal(501, f"the simulator does not know the GraphQL field {error.original_error}")
        if error.original_error is not None and not isinstance(error.original_error, GraphError):
            raise error.original_error
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [_write(each) for each in result.errors]
    return Answer(200, answer)


@cache
def _schema() -> Any:
    from graphql import build_schema

    return build_schema(SCHEMA_FILE.read_text(encoding="utf-8"), assume_valid=True)


@cache
def _left_out() -> frozenset[str]:
    """`Type.member` for what GitHub's schema has and the file, which says so in its comments, has not."""
    lines = re.findall(r"(?m)^# (\w+) without (.+)$", SCHEMA_FILE.read_text(encoding="utf-8"))
    return frozenset(f"{kind}.{name}" for kind, names in lines for name in names.split())


def _refuse_what_is_left_out(message: str) -> None:
    """A field of GitHub's that is not imitated is no mistake of the query: it must show as what it is."""
    if (found := UNKNOWN_FIELD.match(message)) and f"{found[2]}.{found[1]}" in _left_out():
        raise Refusal(501, f"the simulator does not know the GraphQL field {found[2]}.{found[1]}")
    found = UNKNOWN_TYPE.match(message)
    if found and any(each.endswith(f".{found[1]}") for each in _left_out()):
        raise Refusal(501, f"the simulator does not know the GraphQL type {found[1]}")


def _resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """The member of that name; what we do not imitate must show, not be null."""
    if isinstance(source, dict):
        return source[info.field_name]
    value = getattr(source, info.field_name, Unimplemented)
    if value is Unimplemented:
        raise Unimplemented(f"{info.parent_type.name}.{info.field_name}")
    if not callable(value):
        return value
    return value(**{_snake(name): argument for name, argument in arguments.items()})


def _refused(problems: list[Any]) -> Answer:
    return Answer(200, {"errors": [_write(each) for each in problems]})


def _write(error: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"message": error.message}
    if isinstance(error.original_error, GraphError):
        written["type"] = error.original_error.kind
    if found := UNKNOWN_FIELD.match(error.message):
        written["message"] = f"Field '{found[1]}' doesn't exist on type '{found[2]}'"
        written["extensions"] = {"code": "undefinedField", "typeName": found[2], "fieldName": found[1]}
    if error.path:
        written["path"] = error.path
    if error.locations:
        written["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    return written


def count_nodes(document: Any, variables: dict[str, Any]) -> int:
    """GitHub's node limit: the product of the page sizes on the way down, added up."""
    fragments = {each.name.value: each for each in document.definitions if each.kind == "fragment_definition"}

    def count(selections: Any, above: int, sizes: dict[str, Any]) -> int:
        total = 0
        for each in selections.selections if selections else ():
            if each.kind == "fragment_spread":
                total += count(fragments[each.name.value].selection_set, above, sizes)
                continue
            size = _page_size(each, sizes)
            total += above * size
            total += count(each.selection_set, above * (size or 1), sizes)
        return total

    operations = [each for each in document.definitions if each.kind == "operation_definition"]
    return sum(count(each.selection_set, 1, {**_defaults(each), **variables}) for each in operations)


def _defaults(operation: Any) -> dict[str, Any]:
    return {
        each.variable.name.value: getattr(each.default_value, "value", 0)
        for each in operation.variable_definitions or ()
        if each.default_value
    }


def _page_size(selection: Any, variables: dict[str, Any]) -> int:
    for argument in getattr(selection, "arguments", None) or ():
        if argument.name.value in ("first", "last"):
            value = argument.value
            text = variables.get(value.name.value) if value.kind == "variable" else getattr(value, "value", 0)
            return int(text or 0)
    return 0


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
