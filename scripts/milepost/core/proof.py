"""Whether verify-gpu has proven the environment at the very commit that is released.

Anybody who can open a pull request can upload an artifact of any name.
So one counts only when the run that made it was this repository's own, at that commit, by the workflow that is
configured, and not for a pull request; or when it is the run that we are in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from milepost.core.verdict import SCHEMA, Answer
from milepost.diagnostics import Diagnostic, Rule, Severity

NO_PROOF = Rule("no-proof", Severity.ERROR, "The required environment was not verified at the commit of the release.")
RULES = (NO_PROOF,)

PREFIX = "milepost-environment-"
FILE = "environment.json"
EVENTS = ("push", "schedule", "workflow_dispatch")


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An artifact; the head is that of its run, and `is_own_head` says that it lies in this repository, not in a fork."""

    id: int
    name: str
    run: int
    head_sha: str
    head_branch: str | None
    head_repository_id: int | None
    repository_id: int | None
    is_expired: bool
    created_at: str
    size: int

    @property
    def is_own_head(self) -> bool:
        return self.repository_id is not None and self.head_repository_id == self.repository_id


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """A run of a workflow: `path` is that of its file, without what it was called at; `head_repository` is `owner/name`."""

    id: int
    path: str
    event: str
    head_sha: str
    head_branch: str | None
    head_repository: str | None
    status: str
    conclusion: str | None
    url: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The proof that is wanted; `requirements` fingerprints the declaration, `current_run` is the run we are in."""

    environment: str
    requirements: str
    repository: str
    commit: str
    workflow: str
    current_run: int | None = None

    @property
    def artifacts(self) -> tuple[str, str]:
        """The name that verify-gpu gives it; on several machines each has a number, and a run succeeds when all do."""
        return f"{PREFIX}{self.environment}", f"{PREFIX}{self.environment}-0"


def list_candidates(artifacts: Iterable[Artifact], wanted: Wanted) -> tuple[Artifact, ...]:
    """The artifacts that may prove it, the newest first: of that name, of that commit, of no fork."""
    found = [
        each
        for each in artifacts
        if each.name in wanted.artifacts and each.head_sha == wanted.commit and each.is_own_head
    ]
    return tuple(sorted(found, key=lambda each: (each.created_at, each.id), reverse=True))


def refuse_run(run: WorkflowRun, wanted: Wanted) -> str:
    """Why nothing that the run made proves anything; nothing when it may."""
    if run.head_sha != wanted.commit:
        return f"run {run.id} is of another commit"
    if (run.head_repository or "").lower() != wanted.repository.lower():
        return f"run {run.id} is of a fork"
    if run.id == wanted.current_run:
        return ""
    if run.event not in EVENTS:
        return f"run {run.id} was for the event `{run.event}`"
    if run.path != f".github/workflows/{wanted.workflow}":
        return f"run {run.id} is of another workflow than {wanted.workflow}"
    if run.conclusion != "success":
        return f"run {run.id} did not succeed"
    return ""


def refuse_verdict(value: object, wanted: Wanted) -> str:
    """Why the verdict proves nothing; nothing when it is a pass of what the plan file declares."""
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        return f"{FILE} is no {SCHEMA}"
    if value.get("verdict") != Answer.PASS.value:
        return "the verdict is no pass"
    if value.get("environment") != wanted.environment:
        return "the verdict is on another environment"
    if value.get("requirements") != wanted.requirements:
        return "the verdict is on other requirements than the plan file has now"
    return ""


def tell_absence(wanted: Wanted, refused: Iterable[str], expired: Iterable[Artifact]) -> Diagnostic:
    """That the environment is not proven, why, and what would make the proof."""
    reasons = [*refused, *(f"the artifact of run {each.run} has expired" for each in expired)]
    return NO_PROOF.found(
        f'environment "{wanted.environment}" is not proven at {wanted.commit[:12]}',
        why="; ".join(reasons) or f"no run has an artifact {wanted.artifacts[0]} of that commit",
        help=f"run `gh workflow run {wanted.workflow}` while the branch is at that commit, then run the release again",
    )


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A verdict that counts, as the artifact holds it, and the run that made it."""

    verdict: Mapping[str, Any]
    data: bytes
    run: WorkflowRun
