"""Which function answers which request, and what it may ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from milepost.simulator.store import LEVELS, ROLES, Repository, Store, Token
from milepost.simulator.wire import DOCUMENTATION, Wire

PER_PAGE, MOST_PER_PAGE = 30, 100


@dataclass(frozen=True)
class Answer:
    """A status with a body: JSON, or bytes that go out as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None, **headers: str) -> None:
        super().__init__(message)
        body: dict[str, Any] = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        if errors is not None:
            body["errors"] = errors
        self.answer = Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Request:
    """A request on its way to the function that answers it; of one that is cut, what is uploaded does not all arrive."""

    store: Store
    wire: Wire
    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: Token | None
    parts: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    is_cut: bool = False

    @property
    def login(self) -> str:
        return self.token.login if self.token else ""

    @property
    def fields(self) -> dict[str, Any]:
        """The members of the body."""
        if isinstance(self.body, list):
            raise Refusal(400, "Body should be a JSON object")
        return self.body or {}

    @property
    def repository(self) -> Repository:
        found = self.store.find(f"{self.parts['owner']}/{self.parts['repo']}")
        if found is None or self.role(found) == "none":
            raise Refusal(404, "Not Found")
        return found

    def role(self, repository: Repository) -> str:
        """The role of who asks; a workflow's token has just what it was granted."""
        if self.token is None:
            return "none" if repository.is_private else "read"
        if self.token.permissions is not None:
            is_own = (self.token.repository or repository.full_name).casefold() == repository.full_name.casefold()
            return "read" if is_own or not repository.is_private else "none"
        return self.store.role(self.token.login, repository)

    def may(self, repository: Repository, scope: str, level: str, role: str) -> bool:
        """True when a workflow's token was granted the scope, or a user has the role."""
        if self.token is not None and self.token.permissions is not None:
            granted = self.token.permissions.get(scope, "none")
            return LEVELS.index(granted) >= LEVELS.index(level)
        return ROLES.index(self.role(repository)) >= ROLES.index(role)

    def need(self, repository: Repository, scopes: str, level: str, role: str) -> None:
        """Refuses as GitHub does unless one of the scopes, or the role, is there; everybody reads what is public."""
        if level == "read" and role == "read" and not repository.is_private:
            return
        if any(self.may(repository, scope, level, role) for scope in scopes.split("|")):
            return
        wanted = ",".join(f"{scope.replace('-', '_')}={level}" for scope in scopes.split("|"))
        if self.token is not None and self.token.permissions is not None:
            raise Refusal(403, "Resource not accessible by integration", X_Accepted_GitHub_Permissions=wanted)
        if repository.is_private and self.role(repository) == "none":
            raise Refusal(404, "Not Found")
        raise Refusal(403, "Must have push access to the repository." if role == "write" else "Forbidden")

    def page(self, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """One page of the items, and the `Link` header that leads to the others."""
        size = min(self.number("per_page", PER_PAGE), MOST_PER_PAGE) or PER_PAGE
        page = max(1, self.number("page", 1))
        last = max(1, -(-len(items) // size))
        links: dict[str, int] = {}
        if page < last:
            links |= {"next": page + 1, "last": last}
        if page > 1:
            links |= {"prev": page - 1, "first": 1}
        start = (page - 1) * size
        written = ", ".join(f'<{self._address(number)}>; rel="{rel}"' for rel, number in links.items())
        return items[start : start + size], ({"Link": written} if written else {})

    def number(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else default

    def _address(self, page: int) -> str:
        rest = "&".join(f"{name}={value}" for name, value in {**self.query, "page": str(page)}.items())
        return f"{self.wire.base}{self.path}?{rest}"


Handler = Callable[[Request], Answer]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation: its address, who may, and the members and parameters that it knows."""

    method: str
    template: str
    pattern: re.Pattern[str]
    handler: Handler
    scopes: str
    level: str
    role: str
    query: frozenset[str]
    members: Mapping[str, str]
    is_content: bool
    is_upload: bool


ROUTES: list[Route] = []


def route(
    method: str,
    template: str,
    *,
    scopes: str = "metadata",
    role: str = "read",
    query: str = "",
    members: str = "",
    is_content: bool = True,
    is_upload: bool = False,
) -> Callable[[Handler], Handler]:
    """Declares the function to answer the operation.

    `scopes` are permissions of a workflow's token, any of which will do. `members` are those of the body, each with
    the kinds of value that it takes: `title:string due_on:string|null`; without a kind it takes any.
    """

    def declare(handler: Handler) -> Handler:
        level = "read" if method == "GET" else "write"
        is_list = "per_page" in query.split()
        known = frozenset([*query.split(), *(["page"] if is_list else [])])
        ROUTES.append(
            Route(
                method=method,
                template=template,
                pattern=_compile(template),
                handler=handler,
                scopes=scopes,
                level=level,
                role=role,
                query=known,
                members={name: kinds for name, _, kinds in (each.partition(":") for each in members.split())},
                is_content=is_content and method != "GET",
                is_upload=is_upload,
            )
        )
        return handler

    return declare


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for the request, and the parts of its path; `issues/events` goes before `issues/{number}`."""
    matches = [(each, each.pattern.fullmatch(path)) for each in ROUTES if each.method == method]
    found = [(each, match.groupdict()) for each, match in matches if match]
    return min(found, key=lambda pair: pair[0].template.count("{")) if found else None


def nearest(method: str, path: str) -> list[str]:
    """The known operations that look most like an unknown one."""
    shape = re.sub(r"/[0-9]+(?=/|$)", "/{number}", re.sub(r"^/repos/[^/]+/[^/]+", "/repos/{owner}/{repo}", path))
    return get_close_matches(
        f"{method} {shape}", [f"{each.method} {each.template}" for each in ROUTES], n=3, cutoff=0.3
    )


def invalid(resource: str, code: str, name: str, **more: Any) -> Refusal:
    """GitHub's 422 for one field."""
    return Refusal(422, "Validation Failed", [{"resource": resource, "code": code, "field": name, **more}])


def check_known(found: Route, request: Request) -> None:
    """Refuses a parameter or member that the operation does not have: it is our mistake, and must show."""
    unknown = sorted(set(request.query) - found.query)
    has_members = isinstance(request.body, dict) and request.method != "GET" and not found.is_upload
    if has_members and found.template != "/graphql":
        unknown += sorted(set(request.body) - set(found.members))
    if unknown:
        known = ", ".join([*sorted(found.query), *sorted(found.members)]) or "nothing"
        name = f"{found.method} {found.template}"
        raise Refusal(501, f"the simulator does not know {', '.join(unknown)} of {name}; it knows {known}")


def check_kinds(found: Route, request: Request) -> None:
    """Refuses, as GitHub does, what is not JSON and values of the wrong kind."""
    if found.is_upload or request.method == "GET" or request.body is None:
        return
    if isinstance(request.body, str) and not request.data.startswith(b'"'):
        raise Refusal(400, "Problems parsing JSON")
    if not isinstance(request.body, dict | list):
        raise Refusal(400, "Body should be a JSON object")
    for name, value in request.body.items() if isinstance(request.body, dict) else ():
        kinds = found.members.get(name)
        if kinds and not any(_is_a(kind, value) for kind in kinds.split("|")):
            said, kind = json.dumps(value) if value is not None else "nil", kinds.partition("|")[0]
            article = "an" if kind[0] in "aio" else "a"
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {said} is not {article} {kind}.")


def _is_a(kind: str, value: object) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


KINDS: dict[str, type] = {
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def _compile(template: str) -> re.Pattern[str]:
    """`{name}` is one segment, `{name*}` may hold slashes."""
    pattern = re.sub(r"\\\{(\w+)\\\*\\\}", r"(?P<\1>.+)", re.escape(template))
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern))
