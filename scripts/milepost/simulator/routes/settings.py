"""What a repository's settings say of branches, deployments and runners."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, route

REPO = "/repos/{owner}/{repo}"


@route("GET", f"{REPO}/rules/branches/{{branch*}}", query="per_page")
def list_branch_rules(request: Request) -> Answer:
    repository = request.repository
    is_default = request.parts["branch"] == repository.default_branch
    page, headers = request.page(request.wire.rules(repository) if is_default else [])
    return Answer(200, page, headers)


@route("GET", f"{REPO}/environments/{{environment}}", scopes="actions")
def get_environment(request: Request) -> Answer:
    repository = request.repository
    found = repository.environments.get(request.parts["environment"])
    if found is None:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.environment(repository, found))


@route("GET", f"{REPO}/actions/runners", scopes="administration", role="admin", query="per_page")
def list_runners(request: Request) -> Answer:
    runners = list(request.repository.runners.values())
    page, headers = request.page(runners)
    written = [request.wire.runner(each) for each in page]
    return Answer(200, {"total_count": len(runners), "runners": written}, headers)
