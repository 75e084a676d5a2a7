"""The release as it is to be: its milestone, what is known of it, its notes and the bytes of its assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from milepost import __version__
from milepost.core.checksums import hash_bytes, render_checksums
from milepost.core.model import DesiredState, PlannedMilestone
from milepost.core.notes import Notes, arrange
from milepost.core.proof import Proof
from milepost.core.release import ClosedMilestone, Item
from milepost.core.release_plan import MARKER, Successor
from milepost.core.release_record import CHECKSUMS, NOTES, PLAN, PROOF, RECORD, PlanFile, ReleaseRecord
from milepost.core.releasing import NotesSource, OpenIssues, Releasing
from milepost.core.versions import Version
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import Unusable
from milepost.remote.release import Board, Standing
from milepost.remote.releases import generate_notes
from milepost.views.notes import Heading, describe_notes, fold, render_notes
from milepost.views.notes_template import render_template
from milepost.views.release_record import render_record
from milepost.views.verdict import read_observed
from milepost.world import World

PLAN_NOT_THERE = Rule("plan-not-there", Severity.ERROR, "The plan file is not as it must be at the released commit.")
TEMPLATE_NOT_THERE = Rule(
    "template-not-there", Severity.ERROR, "The template of the notes is not at the released commit."
)
RULES = (PLAN_NOT_THERE, TEMPLATE_NOT_THERE)

# GitHub takes 125,000 characters; our marker stands below the notes.
MOST_BODY = 124_900


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The milestone that is to be released, and all that is known of its release; what is None was not looked at."""

    desired: DesiredState
    releasing: Releasing
    board: Board
    milestone: ClosedMilestone
    planned: PlannedMilestone | None
    tag: str
    version: Version | None
    standing: Standing | None = None
    items: tuple[Item, ...] = ()
    homeless: tuple[Item, ...] = ()
    proof: Proof | None = None
    successor: Successor | None = None
    dispatched: frozenset[str] = frozenset()
    body: str = ""
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def branch(self) -> str:
        return (self.planned.branch if self.planned else None) or self.board.default_branch

    @property
    def commit(self) -> str:
        return (self.standing.commit if self.standing else None) or ""

    @property
    def staying(self) -> tuple[Item, ...]:
        """The items that the release is made of: all but those that move on."""
        is_moving = self.releasing.open_issues is OpenIssues.MOVE
        return tuple(each for each in self.items if not (is_moving and each.is_open))

    @property
    def is_prerelease(self) -> bool:
        return self.version is not None and self.version.is_prerelease

    @property
    def environment(self) -> str | None:
        """The one that the release requires, else the one that the milestone names."""
        return self.releasing.require.environment or (self.planned.environment if self.planned else None)


def draft(subject: Subject, world: World, *, plan: Path) -> Subject:
    """The subject with the notes and the bytes of every asset: the same for the same milestone and commit."""
    standing = subject.standing
    assert standing is not None
    if standing.plan is None:
        summary = f"{plan} is not at {subject.commit[:12]} of {subject.branch}"
        raise Unusable([PLAN_NOT_THERE.found(summary, help="commit it there: it becomes an asset of the release")])
    notes, heading = arrange_items(subject), make_heading(subject, world)
    body, full = fold(_write_notes(subject, notes, heading, world), most=MOST_BODY)
    record = _record(subject, standing.plan, world, path=plan)
    contents = {RECORD: render_record(record).encode()}
    if subject.proof:
        contents[PROOF] = subject.proof.data
    contents[PLAN] = standing.plan
    if full is not None:
        contents[NOTES] = full.encode()
    contents[CHECKSUMS] = render_checksums(contents).encode()
    body = f"{body}\n{MARKER}milestone={subject.milestone.number} -->\n"
    return replace(subject, body=body, contents=contents)


def arrange_items(subject: Subject) -> Notes:
    """What the notes tell."""
    return arrange(subject.staying, subject.homeless, subject.releasing.notes)


def make_heading(subject: Subject, world: World) -> Heading:
    """What the notes tell beside the items; the environment is the one that was verified."""
    milestone, standing = subject.milestone, subject.standing
    observed = read_observed(subject.proof.verdict) if subject.proof else None
    names = {"torch": "torch", "cuda": "CUDA", "cudnn": "cuDNN", "nccl": "NCCL", "driver": "driver"}
    environment = [(shown, str(value)) for name, shown in names.items() if (value := getattr(observed, name, None))]
    gpus = dict.fromkeys(each.name for each in observed.gpus if each.name) if observed else {}
    image = subject.proof.verdict.get("image") if subject.proof else None
    environment += [("GPU", ", ".join(gpus))] if gpus else []
    environment += [("image", image)] if isinstance(image, str) else []
    return Heading(
        title=milestone.title,
        tag=subject.tag,
        repository=subject.board.repository,
        commit=subject.commit,
        date=date.fromisoformat((milestone.closed_at or milestone.created_at)[:10]),
        milestone=milestone,
        server=world.context.server_url,
        version=subject.version.text if subject.version else None,
        previous_tag=standing.previous if standing else None,
        environment=tuple(environment),
        is_prerelease=subject.is_prerelease,
    )


def _write_notes(subject: Subject, notes: Notes, heading: Heading, world: World) -> str:
    settings, standing = subject.releasing.notes, subject.standing
    assert standing is not None
    if settings.template is not None:
        if standing.template is None:
            summary = f"{settings.template} is not at {subject.commit[:12]}"
            way_out = "commit it, or take `template` out of `release.notes` in the plan file"
            raise Unusable([TEMPLATE_NOT_THERE.found(summary, help=way_out)])
        source = standing.template.decode("utf-8", "replace")
        text = render_template(source, describe_notes(notes, heading), file=settings.template)
        if isinstance(text, Diagnostic):
            raise Unusable([text])
        return text
    if settings.source is NotesSource.GITHUB:
        return generate_notes(world.github, tag=subject.tag, previous=standing.previous, commit=subject.commit)
    return render_notes(notes, heading)


def _record(subject: Subject, plan: bytes, world: World, *, path: Path) -> ReleaseRecord:
    return ReleaseRecord(
        repository=subject.board.repository,
        server=world.context.server_url,
        tag=subject.tag,
        version=subject.version.text if subject.version else None,
        is_prerelease=subject.is_prerelease,
        commit=subject.commit,
        branch=subject.branch,
        released_by=f"milepost {__version__}",
        plan_file=PlanFile(path=path.as_posix(), sha256=hash_bytes(plan)),
        environment=subject.environment if subject.proof else None,
        milestone=subject.milestone,
        items=subject.staying,
    )
