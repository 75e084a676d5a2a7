"""GraphQL, executed by graphql-core on GitHub's own schema; `graph.py` holds what the fields mean."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from milepost.simulator.graph import GraphError, Query, Unimplemented
from milepost.simulator.router import Answer, Refusal, Request, route

SCHEMA_FILE = Path(__file__).parents[1] / "schema.graphql"
MOST_NODES = 500_000


@route("POST", "/graphql", is_content=False)
def execute(request: Request) -> Answer:
    from graphql import ExecutionResult, GraphQLError, execute_sync, parse, validate

    if request.token is None:
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    body = request.body if isinstance(request.body, dict) else {}
    variables = body.get("variables") or {}
    try:
        document = parse(str(body.get("query", "")))
    except GraphQLError as error:
        return Answer(200, {"errors": [{"message": error.message}]})
    problems = validate(_schema(), document) or _count_nodes(document, variables)
    if problems:
        return Answer(200, {"errors": [_write(each) for each in problems]})
    result = execute_sync(
        _schema(),
        document,
        Query(request),
        variable_values=variables,
        field_resolver=_resolve,
        type_resolver=lambda value, info, kind: value.type_name(),
    )
    assert isinstance(result, ExecutionResult)
    for each in result.errors or []:
        if isinstance(each.original_error, Unimplemented):
            raise Refusal(501, f"the simulator does not know the GraphQL field {each.original_error}")
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [_write(each) for each in result.errors]
    return Answer(200, answer)


@cache
def _schema() -> Any:
    try:
        from graphql import build_schema
    except ImportError as trouble:
        raise Refusal(501, "the simulator answers GraphQL with the package graphql-core, which is missing") from trouble
    return build_schema(SCHEMA_FILE.read_text(encoding="utf-8"), assume_valid=True)


def _resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """The member of that name; what we do not imitate must show, not be null."""
    value = getattr(source, info.field_name, Unimplemented)
    if value is Unimplemented:
        raise Unimplemented(f"{info.parent_type.name}.{info.field_name}")
    if not callable(value):
        return value
    return value(**{_snake(name): argument for name, argument in arguments.items()})


def _write(error: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"message": error.message}
    if isinstance(error.original_error, GraphError):
        written["type"] = error.original_error.kind
    if error.path:
        written["path"] = error.path
    if error.locations:
        written["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    return written


def _count_nodes(document: Any, variables: dict[str, Any]) -> list[Any]:
    """GitHub's node limit: the product of the page sizes on the way down, added up."""
    from graphql import GraphQLError

    fragments = {each.name.value: each for each in document.definitions if each.kind == "fragment_definition"}

    def count(selections: Any, above: int) -> int:
        total = 0
        for each in selections.selections if selections else ():
            if each.kind == "fragment_spread":
                total += count(fragments[each.name.value].selection_set, above)
                continue
            size = _page_size(each, variables)
            total += above * size if size else 0
            total += count(each.selection_set, above * (size or 1))
        return total

    nodes = sum(count(each.selection_set, 1) for each in document.definitions if each.kind == "operation_definition")
    if nodes <= MOST_NODES:
        return []
    message = f"This query requests up to {nodes:,} possible nodes which exceeds the maximum limit of {MOST_NODES:,}."
    return [GraphQLError(message, original_error=GraphError("MAX_NODE_LIMIT_EXCEEDED", message))]


def _page_size(selection: Any, variables: dict[str, Any]) -> int:
    for argument in getattr(selection, "arguments", None) or ():
        if argument.name.value in ("first", "last"):
            value = argument.value
            text = variables.get(value.name.value) if value.kind == "variable" else value.value
            return int(text or 0)
    return 0


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
