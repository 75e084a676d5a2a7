"""The repository, the user, the limits, and who may what."""

from __future__ import annotations

from milepost.simulator.limits import describe_rate
from milepost.simulator.router import Answer, Refusal, Request, route


@route("GET", "/repos/{owner}/{repo}")
def get_repository(request: Request) -> Answer:
    repository = request.repository
    return Answer(200, request.wire.repository(repository, request.role(repository)))


@route("GET", "/user")
def get_user(request: Request) -> Answer:
    if request.token is None:
        raise Refusal(401, "Requires authentication")
    if request.token.permissions is not None:
        raise Refusal(403, "Resource not accessible by integration")
    user = request.wire.user(request.login)
    more = {"name": None, "company": None, "blog": None, "location": None, "email": None, "hireable": None, "bio": None}
    counts = {"public_repos": 1, "public_gists": 0, "followers": 0, "following": 0}
    times = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
    return Answer(200, {**user, **more, **counts, **times})


@route("GET", "/rate_limit")
def get_rate_limit(request: Request) -> Answer:
    rates = {name: describe_rate(request.store, request.login, name) for name in ("core", "graphql")}
    # Nothing here counts searches.
    return Answer(200, {"resources": {**rates, "search": rates["core"]}, "rate": rates["core"]})


@route("GET", "/repos/{owner}/{repo}/collaborators/{login}/permission")
def get_permission(request: Request) -> Answer:
    repository, login = request.repository, request.parts["login"]
    if login not in request.store.users:
        raise Refusal(404, f"{login} is not a user")
    role = request.store.role(login, repository)
    named = repository.collaborators.get(login, role) if login != repository.owner else role
    legacy = {"maintain": "write", "triage": "read"}.get(role, role)
    user = {
        **request.wire.user(login),
        "role_name": named,
        "permissions": request.wire.repository(repository, role)["permissions"],
    }
    return Answer(200, {"permission": legacy, "role_name": named, "user": user})
