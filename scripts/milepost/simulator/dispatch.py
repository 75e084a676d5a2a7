"""From a request to its answer: who may, what is known, what it costs, and the function that does it."""

from __future__ import annotations

import traceback
from urllib.parse import unquote

from milepost.simulator import router
from milepost.simulator.limits import spend_content
from milepost.simulator.router import Answer, Refusal, Request, Route


def dispatch(request: Request) -> Answer:
    """The answer; raises Refusal for what GitHub refuses, and with 501 for what is not imitated."""
    found = router.find(request.method, request.path)
    if found is None:
        known = ", ".join(router.nearest(request.method, request.path)) or "none that is like it"
        raise Refusal(501, f"the simulator does not know {request.method} {request.path}; it knows {known}")
    route, parts = found
    request.parts = {name: unquote(part) for name, part in parts.items()}
    router.check_known(route, request)
    if "owner" in request.parts:
        _check_permission(route, request)
    router.check_kinds(route, request)
    if route.is_content:
        spend_content(request.store, request.login)
    try:
        return route.handler(request)
    except Refusal:
        raise
    except Exception as trouble:
        # An answer that nobody wrote: the test that asked must fail, not its connection.
        traceback.print_exc()
        raise Refusal(501, f"the simulator failed in {route.method} {route.template}: {trouble!r}") from trouble


def _check_permission(route: Route, request: Request) -> None:
    """What nobody needs a permission for has none; its function asks for what it needs."""
    repository = request.repository
    if route.scopes != "metadata" or route.role != "read":
        request.need(repository, route.scopes, route.level, route.role)
    if repository.is_archived and route.level == "write":
        raise Refusal(403, "Repository was archived so is read-only.")
