"""Writes openapi.json: GitHub's published REST description, cut down to the operations that we use.

npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
python3 tests/contract/github/prune_openapi.py package/generated/api.github.com.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

REPO = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/rate_limit": ("get",),
    "/user": ("get",),
    REPO: ("get",),
    f"{REPO}/labels": ("get", "post"),
    f"{REPO}/labels/{{name}}": ("get", "patch", "delete"),
    f"{REPO}/milestones": ("get", "post"),
    f"{REPO}/milestones/{{milestone_number}}": ("get", "patch", "delete"),
    f"{REPO}/milestones/{{milestone_number}}/labels": ("get",),
    f"{REPO}/issues": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}": ("get", "patch"),
    f"{REPO}/issues/{{issue_number}}/labels": ("get", "post", "put", "delete"),
    f"{REPO}/issues/{{issue_number}}/labels/{{name}}": ("delete",),
    f"{REPO}/issues/{{issue_number}}/lock": ("put", "delete"),
    f"{REPO}/issues/{{issue_number}}/assignees": ("post", "delete"),
    f"{REPO}/issues/{{issue_number}}/comments": ("get", "post"),
    f"{REPO}/issues/comments/{{comment_id}}": ("get", "patch", "delete"),
    f"{REPO}/issues/{{issue_number}}/timeline": ("get",),
    f"{REPO}/issues/{{issue_number}}/events": ("get",),
    f"{REPO}/issues/events": ("get",),
    f"{REPO}/issues/events/{{event_id}}": ("get",),
    f"{REPO}/issues/{{issue_number}}/dependencies/blocked_by": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}/dependencies/blocked_by/{{issue_id}}": ("delete",),
    f"{REPO}/issues/{{issue_number}}/dependencies/blocking": ("get",),
    f"{REPO}/issues/{{issue_number}}/parent": ("get",),
    f"{REPO}/issues/{{issue_number}}/sub_issues": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}/sub_issue": ("delete",),
    f"{REPO}/pulls": ("get", "post"),
    f"{REPO}/pulls/{{pull_number}}": ("get", "patch"),
    f"{REPO}/pulls/{{pull_number}}/merge": ("get", "put"),
    f"{REPO}/pulls/{{pull_number}}/files": ("get",),
    f"{REPO}/branches/{{branch}}": ("get",),
    f"{REPO}/git/ref/{{ref}}": ("get",),
    f"{REPO}/git/matching-refs/{{ref}}": ("get",),
    f"{REPO}/git/refs": ("post",),
    f"{REPO}/git/refs/{{ref}}": ("patch", "delete"),
    f"{REPO}/git/tags": ("post",),
    f"{REPO}/git/tags/{{tag_sha}}": ("get",),
    f"{REPO}/git/commits": ("post",),
    f"{REPO}/git/commits/{{commit_sha}}": ("get",),
    f"{REPO}/git/blobs": ("post",),
    f"{REPO}/git/trees": ("post",),
    f"{REPO}/git/trees/{{tree_sha}}": ("get",),
    f"{REPO}/tags": ("get",),
    f"{REPO}/releases": ("get", "post"),
    f"{REPO}/releases/generate-notes": ("post",),
    f"{REPO}/releases/latest": ("get",),
    f"{REPO}/releases/{{release_id}}": ("get", "patch", "delete"),
    f"{REPO}/releases/assets/{{asset_id}}": ("get", "delete"),
    f"{REPO}/releases/tags/{{tag}}": ("get",),
    f"{REPO}/releases/{{release_id}}/assets": ("get", "post"),
    f"{REPO}/statuses/{{sha}}": ("post",),
    f"{REPO}/commits/{{ref}}/status": ("get",),
    f"{REPO}/commits/{{ref}}/statuses": ("get",),
    f"{REPO}/contents/{{path}}": ("get", "put"),
    f"{REPO}/collaborators/{{username}}/permission": ("get",),
    f"{REPO}/actions/workflows": ("get",),
    f"{REPO}/actions/workflows/{{workflow_id}}": ("get",),
    f"{REPO}/actions/workflows/{{workflow_id}}/runs": ("get",),
    f"{REPO}/actions/workflows/{{workflow_id}}/dispatches": ("post",),
    f"{REPO}/actions/runs": ("get",),
    f"{REPO}/actions/runs/{{run_id}}": ("get",),
    f"{REPO}/actions/runs/{{run_id}}/artifacts": ("get",),
    f"{REPO}/actions/artifacts": ("get",),
    f"{REPO}/actions/artifacts/{{artifact_id}}": ("get",),
    f"{REPO}/actions/runners": ("get",),
    f"{REPO}/environments/{{environment_name}}": ("get",),
    f"{REPO}/rules/branches/{{branch}}": ("get",),
    f"{REPO}/actions/artifacts/{{artifact_id}}/{{archive_format}}": ("get",),
    f"{REPO}/dispatches": ("post",),
}
PROSE = ("description", "summary", "example", "examples", "externalDocs", "x-github", "title", "tags", "operationId")


def main(source: Path) -> None:
    """openapi.json beside this file is up to date with the source."""
    whole = json.loads(source.read_text(encoding="utf-8"))
    paths = {path: _path(whole["paths"][path], verbs) for path, verbs in OPERATIONS.items()}
    pruned: dict[str, Any] = {
        "openapi": whole["openapi"],
        "info": {"title": "GitHub", "version": "pruned"},
        "paths": paths,
    }
    pruned["components"] = _closure(whole["components"], paths)
    target = Path(__file__).with_name("openapi.json")
    target.write_text(json.dumps(pruned, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def _path(item: dict[str, Any], verbs: tuple[str, ...]) -> dict[str, Any]:
    return {verb: _without_prose(item[verb]) for verb in verbs}


def _closure(components: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Every component that the paths reach."""
    kept: dict[str, Any] = {}
    waiting = _references(paths)
    while waiting:
        kind, name = waiting.pop().split("/")[2:4]
        if name not in kept.setdefault(kind, {}):
            kept[kind][name] = _without_prose(components[kind][name])
            waiting |= _references(kept[kind][name])
    return kept


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*(_references(each) for each in node.values())) if node else found
    return set().union(*(_references(each) for each in node)) if isinstance(node, list) else set()


def _without_prose(node: Any, *, is_properties: bool = False) -> Any:
    """The node without what validates nothing; a property may be called `description`."""
    if isinstance(node, list):
        return [_without_prose(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _without_prose(each, is_properties=name == "properties" and not is_properties)
        for name, each in node.items()
        if is_properties or name not in PROSE
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
