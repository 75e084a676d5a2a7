"""What the runner says about the run we are in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Context:
    """The run: its event, place and addresses. Everything in `payload` is untrusted text."""

    event: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    repository: str = ""
    ref: str = ""
    sha: str = ""
    actor: str = ""
    workspace: Path = Path(".")
    workflow_ref: str = ""
    run_id: str = ""
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    graphql_url: str = ""
    tool_cache: Path | None = None
    docker_config: Path | None = None
    is_runner: bool = False

    @property
    def pull_request(self) -> int | None:
        """The number of the pull request that the event is about, if it is about one."""
        number = read_member(self.payload, "pull_request").get("number")
        return number if isinstance(number, int) else None

    @property
    def workflow_file(self) -> str:
        """The file name of the running workflow, `sync.yml`, or nothing outside a workflow."""
        path = self.workflow_ref.partition("@")[0]
        return path.rpartition("/")[2]

    @property
    def run_url(self) -> str:
        """The page of this run."""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}" if self.run_id else ""


def read_context(environment: Mapping[str, str]) -> Context:
    """The context that the environment variables of a runner describe; defaults outside one."""
    get = environment.get
    return Context(
        event=get("GITHUB_EVENT_NAME", ""),
        payload=_read_payload(get("GITHUB_EVENT_PATH", "")),
        repository=get("GITHUB_REPOSITORY", ""),
        ref=get("GITHUB_REF", ""),
        sha=get("GITHUB_SHA", ""),
        actor=get("GITHUB_ACTOR", ""),
        workspace=Path(get("GITHUB_WORKSPACE") or "."),
        workflow_ref=get("GITHUB_WORKFLOW_REF", ""),
        run_id=get("GITHUB_RUN_ID", ""),
        server_url=(get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/"),
        api_url=(get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"),
        graphql_url=get("GITHUB_GRAPHQL_URL", "").rstrip("/"),
        tool_cache=Path(get("RUNNER_TOOL_CACHE", "")) if get("RUNNER_TOOL_CACHE") else None,
        docker_config=_find_docker_config(environment),
        is_runner=get("GITHUB_ACTIONS", "").lower() == "true",
    )


def _find_docker_config(environment: Mapping[str, str]) -> Path | None:
    """Where `docker login` keeps what it was told."""
    folder, home = environment.get("DOCKER_CONFIG"), environment.get("HOME")
    if folder:
        return Path(folder, "config.json")
    return Path(home, ".docker", "config.json") if home else None


def _read_payload(path: str) -> Mapping[str, Any]:
    """The event's payload; nothing when there is none or it is not an object."""
    try:
        payload = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


def read_member(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object below the name; an empty one when there is none."""
    member = payload.get(name)
    return member if isinstance(member, dict) else {}
