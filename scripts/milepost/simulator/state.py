"""Everything that a repository holds, as plain values that two runs can be compared by."""

from __future__ import annotations

from typing import Any

from milepost.simulator.store import Issue, Pull, Repository, Store, peel, write_time


def describe(store: Store, repository: Repository) -> dict[str, Any]:
    """The repository without ids and times, which depend on how often something was tried."""
    return {
        "labels": sorted(
            (
                {"name": each.name, "color": each.color, "description": each.description}
                for each in repository.labels.values()
            ),
            key=lambda label: str(label["name"]),
        ),
        "milestones": [
            {
                "number": each.number,
                "title": each.title,
                "description": each.description,
                "state": each.state,
                "due_on": write_time(each.due_on),
            }
            for each in sorted(repository.milestones.values(), key=lambda milestone: milestone.number)
        ],
        "issues": [_issue(repository, each) for each in sorted(repository.issues.values(), key=lambda one: one.number)],
        "comments": [
            {"issue": each.issue, "author": each.author, "body": each.body, "minimized": each.minimized}
            for each in repository.comments.values()
        ],
        "refs": dict(sorted(repository.refs.items())),
        "tags": {
            name.removeprefix("refs/tags/"): peel(repository, sha)
            for name, sha in sorted(repository.refs.items())
            if name.startswith("refs/tags/")
        },
        "files": repository.commits[repository.refs[f"refs/heads/{repository.default_branch}"]].files,
        "branches": {
            name.removeprefix("refs/heads/"): repository.commits[sha].files
            for name, sha in sorted(repository.refs.items())
            if name.startswith("refs/heads/")
        },
        "releases": [
            {
                "tag": each.tag,
                "name": each.name,
                "body": each.body,
                "draft": each.is_draft,
                "prerelease": each.is_prerelease,
                "assets": [asset.name for asset in each.assets if asset.state == "uploaded"],
            }
            for each in repository.releases.values()
        ],
        "statuses": {
            sha: [{"context": each.context, "state": each.state, "description": each.description} for each in statuses]
            for sha, statuses in sorted(repository.statuses.items())
        },
        "dispatches": [
            {"workflow": each.workflow, "branch": each.branch, "inputs": each.inputs}
            for each in repository.runs.values()
            if each.event == "workflow_dispatch"
        ],
        "repository_dispatches": [{"type": each.kind, "payload": each.payload} for each in repository.dispatches],
    }


def _issue(repository: Repository, issue: Issue) -> dict[str, Any]:
    milestone = repository.milestones.get(issue.milestone or 0)
    return {
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "author": issue.author,
        "state": issue.state,
        "state_reason": issue.state_reason,
        "labels": sorted(repository.labels[each].name for each in issue.labels),
        "assignees": sorted(issue.assignees),
        "milestone": milestone.title if milestone else None,
        "type": issue.type,
        "parent": issue.parent,
        "blocked_by": sorted(issue.blocked_by),
        "locked": issue.is_locked,
        "comments": len(issue.comments),
        "pull": issue.pull is not None,
        **_pull(issue.pull),
    }


def _pull(pull: Pull | None) -> dict[str, Any]:
    if pull is None:
        return {}
    return {"head": pull.head, "base": pull.base, "draft": pull.is_draft, "merged": pull.merged_at is not None}
