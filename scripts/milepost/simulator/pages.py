"""Pages of a GraphQL connection, and the errors that GitHub gives a type. Members have GraphQL's own names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

MOST_PER_PAGE = 100


class GraphError(Exception):
    """An error of GitHub's with its type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Unimplemented(Exception):
    """A field of the schema that the simulator does not imitate."""


class Connection:
    """A page of items, with GitHub's refusals of page sizes."""

    def __init__(self, items: Sequence[Any], wrap: Callable[[Any], Any], name: str, page: dict[str, Any]) -> None:
        first, last = page.get("first"), page.get("last")
        size = first if first is not None else last
        if size is None:
            raise GraphError(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            )
        if not 0 <= size <= MOST_PER_PAGE:
            raise GraphError(
                "EXCESSIVE_PAGINATION",
                f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records.",
            )
        start = _index(page.get("after")) + 1 if page.get("after") else 0
        end = _index(page.get("before")) if page.get("before") else len(items)
        window = list(range(start, end))
        window = window[:size] if first is not None else window[-size:] if size else []
        self.totalCount = len(items)
        self.pageInfo = _PageInfo(window, len(items))
        self._window, self._items, self._wrap = window, items, wrap

    @property
    def nodes(self) -> list[Any]:
        return [self._wrap(self._items[index]) for index in self._window]

    @property
    def edges(self) -> list[Any]:
        return [_Edge(_cursor(index), self._wrap(self._items[index])) for index in self._window]


class _PageInfo:
    def __init__(self, window: list[int], total: int) -> None:
        self.startCursor = _cursor(window[0]) if window else None
        self.endCursor = _cursor(window[-1]) if window else None
        self.hasNextPage = bool(window) and window[-1] + 1 < total
        self.hasPreviousPage = bool(window) and window[0] > 0


class _Edge:
    def __init__(self, cursor: str, node: Any) -> None:
        self.cursor, self.node = cursor, node


def _cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def _index(cursor: Any) -> int:
    try:
        return int(base64.b64decode(str(cursor)).decode().removeprefix("cursor:"))
    except ValueError:
        raise GraphError("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None
