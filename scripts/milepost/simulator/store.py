"""What the simulated GitHub holds: plain records, one clock, one counter. Nothing here knows HTTP."""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import sha1
from typing import Any

from milepost.simulator.triggers import name_of, read_dispatch_inputs

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
LEVELS = ("none", "read", "write")
WORKFLOWS = ".github/workflows/"
MENTION = re.compile(r"(?<![\w/#])#([0-9]{1,9})\b")


@dataclass
class User:
    login: str
    id: int
    type: str = "User"


@dataclass
class Token:
    """A user's token, or with `permissions` that of a workflow run in one repository.

    `scopes` are those of a classic token of a user.
    """

    login: str
    permissions: dict[str, str] | None = None
    repository: str | None = None
    scopes: list[str] | None = None


@dataclass
class Label:
    id: int
    name: str
    color: str
    description: str | None = None


@dataclass
class Milestone:
    id: int
    number: int
    title: str
    description: str | None
    state: str
    due_on: datetime | None
    creator: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None


@dataclass
class Comment:
    id: int
    issue: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime
    minimized: str | None = None
    editor: str | None = None
    edited_at: datetime | None = None


@dataclass
class Event:
    """One entry of an issue's timeline."""

    id: int
    kind: str
    actor: str
    at: datetime
    details: dict[str, Any] = field(default_factory=dict)


@dataclass
class Pull:
    """What a pull request has beyond being an issue."""

    head: str
    base: str
    head_sha: str
    head_repository: str
    is_draft: bool = False
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_sha: str | None = None
    sidebar_links: list[int] = field(default_factory=list)


@dataclass
class Issue:
    """An issue, or a pull request when `pull` is set."""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    editor: str | None = None
    edited_at: datetime | None = None
    is_locked: bool = False
    lock_reason: str | None = None
    labels: list[int] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    milestone: int | None = None
    type: str | None = None
    parent: int | None = None
    association: str | None = None
    blocked_by: list[int] = field(default_factory=list)
    blocking: list[int] = field(default_factory=list)
    comments: list[int] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)
    pull: Pull | None = None


@dataclass
class Commit:
    sha: str
    message: str
    parents: list[str]
    files: dict[str, str]
    at: datetime
    author: str


@dataclass
class TagObject:
    sha: str
    tag: str
    message: str
    target: str
    tagger: str
    email: str
    at: datetime


@dataclass
class Asset:
    id: int
    name: str
    label: str | None
    content_type: str
    content: bytes
    at: datetime
    uploader: str
    state: str = "uploaded"


@dataclass
class Release:
    id: int
    tag: str
    target: str
    name: str | None
    body: str | None
    author: str
    is_draft: bool
    is_prerelease: bool
    created_at: datetime
    published_at: datetime | None = None
    make_latest: str = "true"
    is_immutable: bool = False
    assets: list[Asset] = field(default_factory=list)


@dataclass
class Status:
    id: int
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: str
    at: datetime


@dataclass
class Check:
    """A check run on a commit; `workflow` is the name of the one whose job it is, None for another app's."""

    id: int
    name: str
    status: str
    conclusion: str | None
    at: datetime | None
    workflow: str | None = None


@dataclass
class Run:
    """A run of a workflow; `head_repository` is that of its head, when it is another one."""

    id: int
    workflow: str
    event: str
    branch: str
    head_sha: str
    actor: str
    created_at: datetime
    status: str = "completed"
    conclusion: str | None = "success"
    inputs: dict[str, Any] = field(default_factory=dict)
    head_repository: str | None = None


@dataclass
class Dispatch:
    """A repository dispatch event."""

    kind: str
    payload: dict[str, Any]
    actor: str
    at: datetime


@dataclass
class Artifact:
    id: int
    run: int
    name: str
    size: int
    created_at: datetime
    is_expired: bool = False
    content: bytes = b""


@dataclass
class Workflow:
    id: int
    path: str
    name: str
    state: str = "active"
    dispatch_inputs: list[str] | None = None


@dataclass
class Environment:
    """A deployment environment; `reviewers` must agree before a job in it starts."""

    id: int
    name: str
    reviewers: list[str] = field(default_factory=list)


@dataclass
class Runner:
    """A self-hosted runner of the repository."""

    id: int
    name: str
    labels: list[str]
    version: str | None = None


@dataclass
class Repository:
    id: int
    owner: str
    name: str
    default_branch: str
    created_at: datetime
    is_private: bool = False
    is_fork: bool = False
    is_archived: bool = False
    collaborators: dict[str, str] = field(default_factory=dict)
    labels: dict[int, Label] = field(default_factory=dict)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, TagObject] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    workflows: dict[int, Workflow] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    dispatches: list[Dispatch] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    runners: dict[int, Runner] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    pushed_at: datetime | None = None
    issue_types: list[str] = field(default_factory=list)
    last_number: int = 0
    last_milestone: int = 0
    held: dict[int, dict[int, None]] = field(default_factory=dict)
    children: dict[int, dict[int, None]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    contributors: dict[str, None] = field(default_factory=dict)

    checks: dict[str, list[Check]] = field(default_factory=dict)
    has_immutable_releases: bool = False
    immutable_tags: dict[str, None] = field(default_factory=dict)
    custom_roles: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    def label_named(self, name: str) -> Label | None:
        """The label; GitHub tells labels apart without case."""
        return next((each for each in self.labels.values() if each.name.casefold() == name.casefold()), None)

    def add(self, issue: Issue) -> None:
        """The issue or pull request is there, by number and by id."""
        self.issues[issue.number] = issue
        self.numbers[issue.id] = issue.number
        self.last_number = max(self.last_number, issue.number)

    def issue_with_id(self, id: object) -> Issue | None:
        return self.issues.get(self.numbers.get(id, 0)) if isinstance(id, int) else None

    def members(self, milestone: int) -> list[Issue]:
        """The issues and pull requests that the milestone holds, in the order they came."""
        return [self.issues[number] for number in self.held.get(milestone, ())]

    def place(self, issue: Issue, milestone: int | None) -> None:
        """The issue is in that milestone, and in no other."""
        if issue.milestone is not None:
            self.held[issue.milestone].pop(issue.number, None)
        if milestone is not None:
            self.held.setdefault(milestone, {})[issue.number] = None
        issue.milestone = milestone

    def nested(self, parent: int) -> list[Issue]:
        """The sub-issues of the issue."""
        return [self.issues[number] for number in self.children.get(parent, ())]

    def nest(self, issue: Issue, parent: int | None) -> None:
        """The issue is a sub-issue of that parent, and of no other."""
        if issue.parent is not None:
            self.children[issue.parent].pop(issue.number, None)
        if parent is not None:
            self.children.setdefault(parent, {})[issue.number] = None
        issue.parent = parent


@dataclass
class Store:
    """Everything; two stores that saw the same seed and requests are equal to the byte."""

    now: datetime
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    requests: dict[str, list[datetime]] = field(default_factory=dict)
    content: dict[str, list[datetime]] = field(default_factory=dict)
    last_id: int = 1000

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def next_sha(self, text: str) -> str:
        return sha1(f"{self.next_id()} {text}".encode()).hexdigest()

    def user(self, login: str) -> User:
        """The user, who exists from the first time that anybody names them."""
        if login not in self.users:
            kind = "Bot" if login.endswith("[bot]") else "User"
            self.users[login] = User(login=login, id=self.next_id(), type=kind)
        return self.users[login]

    def find(self, full_name: str) -> Repository | None:
        return self.repositories.get(full_name.casefold())

    def role(self, login: str, repository: Repository) -> str:
        """The user's role; everybody reads a public repository."""
        if login == repository.owner:
            return "admin"
        role = repository.collaborators.get(login, "none" if repository.is_private else "read")
        return repository.custom_roles.get(role, role)

    def association(self, login: str, repository: Repository) -> str:
        """The author association that GitHub computes; the one of `github-actions[bot]` is NONE."""
        if login == repository.owner:
            return "OWNER"
        if login in repository.collaborators:
            return "COLLABORATOR"
        return "CONTRIBUTOR" if login in repository.contributors else "NONE"

    def commit(self, repository: Repository, branch: str, files: dict[str, str], message: str, login: str) -> Commit:
        """The branch has one commit more, by that user, and holds these files."""
        name = f"refs/heads/{branch}"
        sha = self.next_sha(message)
        commit = Commit(sha, message, [repository.refs[name]], files, self.now, login)
        repository.commits[sha] = commit
        repository.refs[name] = sha
        if branch == repository.default_branch:
            repository.contributors[login] = None
            self.register_workflows(repository)
        return commit

    def register_workflows(self, repository: Repository) -> None:
        """Every workflow file of the default branch is a workflow; its file says which inputs a dispatch may give."""
        head = repository.commits[repository.refs[f"refs/heads/{repository.default_branch}"]]
        known = {each.path for each in repository.workflows.values()}
        for path, text in sorted(head.files.items()):
            if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path) and path not in known:
                workflow = Workflow(self.next_id(), path, name_of(text, path))
                repository.workflows[workflow.id] = workflow

    def mention(self, repository: Repository, source: Issue, text: str | None, actor: str) -> None:
        """Every issue that the text names by number knows of its source, once."""
        for number in dict.fromkeys(int(each) for each in MENTION.findall(text or "")):
            target = repository.issues.get(number)
            if target is None or target is source:
                continue
            if not any(each.details.get("source") == source.number for each in target.timeline):
                details = {"source": source.number}
                target.timeline.append(Event(self.next_id(), "cross-referenced", actor, self.now, details))

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def copy(self) -> Store:
        """An independent copy."""
        copied = pickle.loads(pickle.dumps(self))
        assert isinstance(copied, Store)
        return copied


def commit_of(repository: Repository, ref: str) -> str:
    """The commit that the reference stands for, through an annotated tag too."""
    return peel(repository, repository.refs[ref])


def peel(repository: Repository, sha: str) -> str:
    """The commit that the object leads to, through tags and tags of tags."""
    while sha in repository.tags:
        sha = repository.tags[sha].target
    return sha


def changes_workflows(repository: Repository, sha: str) -> bool:
    """True when the commit adds or modifies workflow files against the default branch."""
    base = repository.commits[repository.refs[f"refs/heads/{repository.default_branch}"]].files
    files = repository.commits[peel(repository, sha)].files
    return any(path.startswith(WORKFLOWS) and base.get(path) != text for path, text in files.items())


def dispatch_inputs(repository: Repository, workflow: Workflow, ref: str) -> list[str] | None:
    """What the seed says, else what the file says at that reference; None when there is no such trigger."""
    text = repository.commits[commit_of(repository, ref)].files.get(workflow.path)
    if workflow.dispatch_inputs is not None or text is None:
        return workflow.dispatch_inputs
    return read_dispatch_inputs(text)


def to_bytes(text: str) -> bytes:
    """The file as it is; bytes that are no UTF-8 stand in the text as lone surrogates."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """The file as the store keeps it: text, whatever its bytes are."""
    return data.decode("utf-8", "surrogateescape")


def is_binary(text: str) -> bool:
    """True for a file that is not text in UTF-8."""
    return "\0" in text or any("\ud800" <= each <= "\udfff" for each in text)


def blob_sha(text: str) -> str:
    """The id that git gives the file."""
    data = to_bytes(text)
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


def tag_sha(tag: TagObject) -> str:
    """The id that git gives the tag object, which leads to a commit: the same object has the same."""
    tagger = f"{tag.tagger} <{tag.email}> {int(tag.at.timestamp())} +0000"
    data = f"object {tag.target}\ntype commit\ntag {tag.tag}\ntagger {tagger}\n\n{tag.message}\n".encode()
    return sha1(b"tag %d\0" % len(data) + data).hexdigest()


def read_time(text: str) -> datetime:
    """The moment; raises ValueError for anything but a whole ISO 8601 date-time with an offset."""
    if "T" not in text:
        raise ValueError(text)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(timezone.utc).replace(microsecond=0)


def write_time(moment: datetime | None) -> str | None:
    """The moment as GitHub writes it: whole seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
