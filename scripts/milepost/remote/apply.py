"""Carries a plan out: one function per noun and verb, in the order of the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from milepost.core.change import Change, Note, Noun, Plan, Verb
from milepost.core.model import Snapshot
from milepost.core.release import Release
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import Refused
from milepost.remote import issues, labels, milestones, repository
from milepost.remote.client import Client
from milepost.remote.errors import OutOfTime

NOT_REACHED = Rule("not-reached", Severity.WARNING, "A change waits for another one that GitHub refused.")
RULES = (NOT_REACHED,)

# Statuses that speak of one object; every other refusal would meet the next change as well.
OF_ONE_OBJECT = (404, 410, 422)


@dataclass(kw_only=True)
class Applied:
    """How far a plan was carried out; `stopped` is what ended it before the last change."""

    done: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    stopped: Refused | None = None

    @property
    def is_out_of_time(self) -> bool:
        return isinstance(self.stopped, OutOfTime)


class Run:
    """One application: the numbers that titles and keys have by now, releases by tag, and how often each workflow was
    dispatched."""

    def __init__(self, client: Client, snapshot: Snapshot, plan: Plan) -> None:
        self.client = client
        self.login = snapshot.login
        self.default_branch = snapshot.default_branch
        self.applied = Applied()
        self.milestones = {each.title: each.number for each in snapshot.milestones}
        # A milestone about to be renamed is known by its planned title already.
        self.milestones |= {
            each.name: each.number for each in plan.changes if each.noun is Noun.MILESTONE and each.number
        }
        self.numbers: dict[str, int] = {}
        self.ids: dict[int, int] = {}
        self.dispatched: Counter[str] = Counter()
        self.releases: dict[str, Release] = {}

    def milestone_of(self, change: Change) -> int | None:
        title = change.after("milestone")
        if title is None:
            return None
        number = self.milestones.get(str(title))
        if number is None:
            raise Refused(NOT_REACHED.found(f'issue "{change.name}": milestone "{title}" was not created'), status=404)
        return number

    def left_alone(self, change: Change, text: str) -> None:
        self.applied.notes.append(Note(address=change.address, text=text))


Steps = Mapping[tuple[Noun, Verb], Callable[[Run, Change], None]]


def apply_plan(
    plan: Plan, client: Client, snapshot: Snapshot, *, log: Callable[[str], None], steps: Steps | None = None
) -> Applied:
    """Every change is made, or the value says which were not and why; nothing is made twice."""
    steps = STEPS if steps is None else steps
    run = Run(client, snapshot, plan)
    for turn, change in enumerate(plan.changes, start=1):
        log(f"  {turn}/{len(plan.changes)} {change.verb.value} {change.address}")
        try:
            steps[change.noun, change.verb](run, change)
        except Refused as refusal:
            if refusal.status not in OF_ONE_OBJECT:
                run.applied.stopped = refusal
                return run.applied
            run.applied.refusals.append(refusal)
        else:
            run.applied.done.append(change)
    return run.applied


def _create_label(run: Run, change: Change) -> None:
    labels.create_label(run.client, change)


def _update_label(run: Run, change: Change) -> None:
    labels.update_label(run.client, change)


def _delete_label(run: Run, change: Change) -> None:
    labels.delete_label(run.client, change)


def _create_branch(run: Run, change: Change) -> None:
    repository.create_branch(run.client, change)


def _create_milestone(run: Run, change: Change) -> None:
    number, problems = milestones.create_milestone(run.client, change)
    run.milestones[change.name] = number
    run.applied.problems += problems


def _update_milestone(run: Run, change: Change) -> None:
    assert change.number is not None
    run.applied.problems += milestones.update_milestone(run.client, change, change.number)


def _delete_milestone(run: Run, change: Change) -> None:
    assert change.number is not None
    if not milestones.delete_milestone(run.client, change.number):
        run.left_alone(change, "holds something by now; left alone")


def _create_issue(run: Run, change: Change) -> None:
    milestone = run.milestone_of(change)
    answer, problems = issues.create_issue(run.client, change, milestone=milestone, login=run.login)
    number = int(answer["number"])
    run.applied.problems += problems
    run.numbers[change.key or ""] = number
    run.ids[number] = int(answer["id"])
    _nest(run, change, number)


def _update_issue(run: Run, change: Change) -> None:
    assert change.number is not None
    if {field.name for field in change.fields} - {"parent"}:
        is_done, problems = issues.update_issue(run.client, change, milestone=run.milestone_of(change))
        run.applied.problems += problems
        if not is_done:
            run.left_alone(change, "moved on GitHub since it was read; left alone")
            return
    _nest(run, change, change.number)


def _close_issue(run: Run, change: Change) -> None:
    if change.touches("duplicate-of"):
        issues.close_twin(run.client, change)
    elif change.touches("pruned"):
        issues.close_issue(run.client, change)
    else:
        _update_issue(run, change)


def _nest(run: Run, change: Change, number: int) -> None:
    parent = change.after("parent")
    if isinstance(parent, str):
        parent = run.numbers.get(parent)
        if parent is None:
            raise Refused(NOT_REACHED.found(f'issue "{change.name}": its parent was not created'), status=404)
    if isinstance(parent, int):
        issues.set_parent(run.client, number=number, issue_id=run.ids.get(number), parent=parent)


MILESTONE_STEPS: Steps = {
    (Noun.MILESTONE, Verb.CREATE): _create_milestone,
    (Noun.MILESTONE, Verb.REOPEN): _update_milestone,
    (Noun.MILESTONE, Verb.UPDATE): _update_milestone,
    (Noun.MILESTONE, Verb.CLOSE): _update_milestone,
    (Noun.MILESTONE, Verb.DELETE): _delete_milestone,
}
STEPS: Steps = {
    **MILESTONE_STEPS,
    (Noun.LABEL, Verb.CREATE): _create_label,
    (Noun.LABEL, Verb.UPDATE): _update_label,
    (Noun.LABEL, Verb.DELETE): _delete_label,
    (Noun.BRANCH, Verb.CREATE): _create_branch,
    (Noun.ISSUE, Verb.CREATE): _create_issue,
    (Noun.ISSUE, Verb.REOPEN): _update_issue,
    (Noun.ISSUE, Verb.UPDATE): _update_issue,
    (Noun.ISSUE, Verb.MOVE): _update_issue,
    (Noun.ISSUE, Verb.CLOSE): _close_issue,
}
