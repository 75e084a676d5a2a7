"""The start state, from JSON. What is unknown in it is refused: a typo must not become an empty repository."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from hashlib import sha1
from typing import Any

from milepost.simulator.routes.milestones import floor_due
from milepost.simulator.store import (
    Artifact,
    Check,
    Comment,
    Commit,
    Environment,
    Event,
    Issue,
    Label,
    Milestone,
    Pull,
    Release,
    Repository,
    Run,
    Runner,
    Store,
    TagObject,
    Token,
    Workflow,
    read_time,
    tag_sha,
)

EPOCH = "2026-01-05T09:00:00Z"
LIMITS = {"secondary_per_minute": 80, "secondary_per_hour": 500, "primary_per_hour": 5000}
GRANTED = {
    "contents": "write",
    "issues": "write",
    "pull-requests": "write",
    "actions": "write",
    "statuses": "write",
    "metadata": "read",
}
DEFAULT_SEED: Mapping[str, Any] = {
    "tokens": {
        "admin-token": {"login": "octocat"},
        "workflow-token": {"login": "github-actions[bot]", "permissions": GRANTED},
    },
    "repositories": [{"full_name": "octo/widgets", "collaborators": {"octocat": "admin"}}],
}


def load_seed(seed: Mapping[str, Any]) -> Store:
    """The store that the seed describes; raises ValueError that names what it does not know."""
    _know(seed, "seed", "clock users tokens repositories limits faults")
    store = Store(now=read_time(seed.get("clock", EPOCH)))
    store.limits = {**LIMITS, **seed.get("limits", {})}
    _know(store.limits, "limits", " ".join(LIMITS))
    for each in seed.get("users", []):
        _know(each, "user", "login type")
        store.user(each["login"]).type = each.get("type", store.user(each["login"]).type)
    for text, each in seed.get("tokens", DEFAULT_SEED["tokens"]).items():
        _know(each, "token", "login permissions repository scopes")
        permissions = each.get("permissions")
        if permissions is not None:
            permissions = {"metadata": "read", **permissions}
        store.tokens[text] = Token(each["login"], permissions, each.get("repository"), each.get("scopes"))
        store.user(each["login"])
    for each in seed.get("repositories", DEFAULT_SEED["repositories"]):
        _load_repository(store, each)
    return store


def _load_repository(store: Store, seed: Mapping[str, Any]) -> None:
    _know(
        seed,
        "repository",
        "full_name private fork archived default_branch collaborators labels milestones issues pulls files"
        " branches issue_types workflows runs artifacts releases tags checks immutable_releases custom_roles"
        " environments runners required protected pushed_at",
    )
    owner, _, name = seed["full_name"].partition("/")
    repository = Repository(
        id=store.next_id(),
        owner=owner,
        name=name,
        default_branch=seed.get("default_branch", "main"),
        created_at=store.now,
        is_private=seed.get("private", False),
        is_fork=seed.get("fork", False),
        is_archived=seed.get("archived", False),
        collaborators=dict(seed.get("collaborators", {})),
        issue_types=list(seed.get("issue_types", ["Task", "Bug", "Feature"])),
        required=list(seed.get("required", [])),
        protected=list(seed.get("protected", [])),
        pushed_at=_time(seed.get("pushed_at"), store.now),
        has_immutable_releases=seed.get("immutable_releases", False),
        custom_roles=dict(seed.get("custom_roles", {})),
    )
    store.user(owner)
    for login in repository.collaborators:
        store.user(login)
    store.repositories[repository.full_name.casefold()] = repository
    _load_branches(store, repository, seed)
    for each in seed.get("labels", []):
        _know(each, "label", "name color description")
        label = Label(store.next_id(), each["name"], each.get("color", "ededed"), each.get("description"))
        repository.labels[label.id] = label
    for each in seed.get("milestones", []):
        _load_milestone(store, repository, each)
    for each in [*seed.get("issues", []), *seed.get("pulls", [])]:
        _load_issues(store, repository, each)
    _load_automation(store, repository, seed)
    _load_settings(store, repository, seed)


def _load_branches(store: Store, repository: Repository, seed: Mapping[str, Any]) -> None:
    """A branch is at the first commit, at the commit given, or an orphan that holds the files given."""
    sha = sha1(f"first commit of {repository.full_name}".encode()).hexdigest()
    files = dict(seed.get("files", {}))
    repository.commits[sha] = Commit(sha, "First commit", [], files, store.now, repository.owner)
    repository.refs[f"refs/heads/{repository.default_branch}"] = sha
    for name, given in seed.get("branches", {}).items():
        target = given or sha
        if isinstance(given, Mapping):
            target = sha1(f"branch {name}".encode()).hexdigest()
            repository.commits[target] = Commit(target, name, [], dict(given), store.now, repository.owner)
        repository.commits.setdefault(target, Commit(target, "A commit", [sha], files, store.now, repository.owner))
        repository.refs[f"refs/heads/{name}"] = target
    for name, given in seed.get("tags", {}).items():
        repository.refs[f"refs/tags/{name}"] = _tag(store, repository, name, given) or sha


def _tag(store: Store, repository: Repository, name: str, given: Mapping[str, Any] | str | None) -> str | None:
    """What the tag refers to: the commit given, or with a message an annotated tag on it; None for the first commit."""
    if not isinstance(given, Mapping):
        return given
    _know(given, "tag", "message target")
    target = given.get("target") or repository.refs[f"refs/heads/{repository.default_branch}"]
    tag = TagObject("", name, given["message"], target, "octo", "octo@example.org", store.now)
    tag.sha = tag_sha(tag)
    repository.tags[tag.sha] = tag
    return tag.sha


def _load_milestone(store: Store, repository: Repository, seed: Mapping[str, Any]) -> None:
    _know(seed, "milestone", "number title description state due_on creator created_at closed_at")
    number = seed.get("number", repository.last_milestone + 1)
    repository.last_milestone = max(repository.last_milestone, number)

    when = _time(seed.get("created_at"), store.now)
    state = seed.get("state", "open")
    repository.milestones[number] = Milestone(
        id=store.next_id(),
        number=number,
        title=seed["title"],
        description=seed.get("description"),
        state=state,
        due_on=floor_due(read_time(seed["due_on"])) if seed.get("due_on") else None,
        creator=seed.get("creator", repository.owner),
        created_at=when,
        updated_at=when,
        closed_at=_time(seed.get("closed_at"), when) if state == "closed" else None,
    )


def _load_issues(store: Store, repository: Repository, seed: Mapping[str, Any]) -> None:
    """One issue or pull request; with `repeat` that many, `{n}` in the title counting them."""
    _know(
        seed,
        "issue",
        "number title body author state state_reason labels assignees milestone type parent association created_at"
        " closed_at timeline locked blocked_by comments repeat head base head_sha head_files head_repository draft merged sidebar_links",
    )
    for turn in range(1, seed.get("repeat", 1) + 1):
        _load_issue(store, repository, seed, turn)


def _load_issue(store: Store, repository: Repository, seed: Mapping[str, Any], turn: int) -> None:
    number = seed.get("number", repository.last_number + 1)
    when = _time(seed.get("created_at"), store.now)
    state = seed.get("state", "closed" if seed.get("merged") else "open")
    issue = Issue(
        id=store.next_id(),
        number=number,
        title=seed["title"].replace("{n}", str(turn)),
        body=seed.get("body"),
        author=store.user(seed.get("author", repository.owner)).login,
        created_at=when,
        updated_at=when,
        state=state,
        state_reason=seed.get("state_reason", "completed" if state == "closed" and "head" not in seed else None),
        closed_at=_time(seed.get("closed_at"), when) if state == "closed" else None,
        labels=[_label(store, repository, name) for name in seed.get("labels", [])],
        assignees=[store.user(login).login for login in seed.get("assignees", [])],
        type=seed.get("type"),
        association=seed.get("association"),
        is_locked=seed.get("locked", False),
        blocked_by=list(seed.get("blocked_by", [])),
    )
    repository.add(issue)
    repository.place(issue, seed.get("milestone"))
    repository.nest(issue, seed.get("parent"))
    for blocker in issue.blocked_by:
        if blocker not in repository.issues:
            raise ValueError(f"issue {number} of a seed is blocked by {blocker}, which must come before it")
        repository.issues[blocker].blocking.append(number)
    if "head" in seed:
        _load_pull(store, repository, issue, seed)
    for each in seed.get("timeline", []):
        _know(each, "timeline", "event milestone actor at")
        actor = store.user(each.get("actor", repository.owner)).login
        details = {"milestone": {"title": each["milestone"]}} if "milestone" in each else {}
        issue.timeline.append(Event(store.next_id(), each["event"], actor, _time(each.get("at"), when), details))
    moments = [each.at for each in issue.timeline]
    issue.updated_at = max([issue.created_at, issue.closed_at or issue.created_at, *moments])
    for each in seed.get("comments", []):
        _know(each, "comment", "author body")
        author = store.user(each.get("author", repository.owner)).login
        comment = Comment(store.next_id(), number, author, each["body"], when, when)
        repository.comments[comment.id] = comment
        issue.comments.append(comment.id)


def _load_pull(store: Store, repository: Repository, issue: Issue, seed: Mapping[str, Any]) -> None:
    """The issue is a pull request; `merged` closes it, and its author is a contributor."""
    head = seed["head"]
    sha = seed.get("head_sha") or sha1(f"head {head}".encode()).hexdigest()
    base_sha = repository.refs[f"refs/heads/{repository.default_branch}"]
    files = {**repository.commits[base_sha].files, **seed.get("head_files", {})}
    repository.commits.setdefault(sha, Commit(sha, head, [base_sha], files, repository.created_at, repository.owner))
    head_repository = seed.get("head_repository", repository.full_name)
    if head_repository == repository.full_name:
        repository.refs.setdefault(f"refs/heads/{head}", sha)
    issue.pull = Pull(
        head=head,
        base=seed.get("base", repository.default_branch),
        head_sha=sha,
        head_repository=head_repository,
        is_draft=seed.get("draft", False),
        sidebar_links=list(seed.get("sidebar_links", [])),
    )
    if seed.get("merged"):
        issue.pull.merged_at, issue.pull.merged_by, issue.pull.merge_sha = issue.closed_at, repository.owner, sha
        repository.contributors[issue.author] = None
    store.mention(repository, issue, issue.body, issue.author)


def _load_automation(store: Store, repository: Repository, seed: Mapping[str, Any]) -> None:
    for each in seed.get("workflows", []):
        _know(each, "workflow", "path name state dispatch_inputs")
        workflow = Workflow(
            store.next_id(),
            each["path"],
            each.get("name", each["path"]),
            each.get("state", "active"),
            each.get("dispatch_inputs"),
        )
        repository.workflows[workflow.id] = workflow
    store.register_workflows(repository)
    for each in seed.get("runs", []):
        known = "id workflow event branch head_sha actor created_at status conclusion inputs head_repository"
        _know(each, "run", known)
        values = {
            "id": store.next_id(),
            "branch": repository.default_branch,
            "head_sha": "",
            "actor": repository.owner,
            **each,
        }
        values["created_at"] = _time(each.get("created_at"), store.now)
        run = Run(**values)
        repository.runs[run.id] = run
    for each in seed.get("artifacts", []):
        _know(each, "artifact", "run name size created_at expired files content")
        content = base64.b64decode(each["content"]) if "content" in each else _pack(each.get("files", {}))
        artifact = Artifact(
            store.next_id(),
            each["run"],
            each["name"],
            each.get("size", len(content)),
            _time(each.get("created_at"), store.now),
            each.get("expired", False),
            content,
        )
        repository.artifacts[artifact.id] = artifact
    head = repository.refs[f"refs/heads/{repository.default_branch}"]
    for each in seed.get("checks", []):
        _know(each, "check", "name commit status conclusion started_at workflow")
        status, at = each.get("status", "completed"), _time(each.get("started_at"), store.now)
        started = None if status == "queued" else at
        check = Check(
            store.next_id(), each["name"], status, each.get("conclusion"), started, each.get("workflow", "CI")
        )
        repository.checks.setdefault(each.get("commit", head), []).append(check)
    for each in seed.get("releases", []):
        _know(each, "release", "tag name body draft prerelease target author published_at immutable")
        at = _time(each.get("published_at"), store.now)
        release = Release(
            store.next_id(),
            each["tag"],
            each.get("target", repository.default_branch),
            each.get("name"),
            each.get("body"),
            each.get("author", repository.owner),
            each.get("draft", False),
            each.get("prerelease", False),
            at,
            None if each.get("draft") else at,
            is_immutable=each.get("immutable", False),
        )
        repository.releases[release.id] = release
        if release.is_immutable:
            repository.immutable_tags[release.tag] = None


def _pack(files: Mapping[str, str]) -> bytes:
    """A ZIP archive of the files, the same each time."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return written.getvalue()


def _load_settings(store: Store, repository: Repository, seed: Mapping[str, Any]) -> None:
    for each in seed.get("environments", []):
        _know(each, "environment", "name reviewers")
        environment = Environment(store.next_id(), each["name"], list(each.get("reviewers", [])))
        repository.environments[environment.name] = environment
    for each in seed.get("runners", []):
        _know(each, "runner", "name labels version")
        runner = Runner(store.next_id(), each["name"], list(each.get("labels", [])), each.get("version"))
        repository.runners[runner.id] = runner


def _label(store: Store, repository: Repository, name: str) -> int:
    """The label's id; a label that only an issue names comes into being with it."""
    found = repository.label_named(name)
    if found is None:
        found = Label(store.next_id(), name, "ededed")
        repository.labels[found.id] = found
    return found.id


def _time(text: str | None, otherwise: datetime) -> datetime:
    return read_time(text).astimezone(timezone.utc) if text else otherwise


def _know(value: Mapping[str, Any], what: str, names: str | Sequence[str]) -> None:
    known = names.split() if isinstance(names, str) else list(names)
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise ValueError(f"a {what} of a seed has no {', '.join(unknown)}; it has {', '.join(known)}")
