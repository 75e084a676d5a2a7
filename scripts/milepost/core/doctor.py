"""Whether the workflow files of a repository use the suite as it must be used: files in, diagnostics out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from milepost.core.flows import FLOWS, Flow, Trigger, find_flow, is_enough
from milepost.core.workflow_file import Event, Job, Permissions, Use, WorkflowFile
from milepost.diagnostics import Diagnostic, Rule, Severity

CALLER_PERMISSIONS = Rule(
    "caller-permissions", Severity.ERROR, "A caller grants less than the workflow asks for; GitHub would not start it."
)
JOB_PERMISSIONS = Rule("job-permissions", Severity.WARNING, "A job grants less than the action that it runs may need.")
DEFAULT_PERMISSIONS = Rule(
    "default-permissions", Severity.WARNING, "A job has no `permissions:`, so that a setting decides what it may do."
)
UNKNOWN_FLOW = Rule("unknown-flow", Severity.ERROR, "A caller names a workflow that the suite does not have.")
MISSING_TRIGGER = Rule("missing-trigger", Severity.ERROR, "No caller of the workflow has the event that it lives by.")
MISSING_EVENT = Rule("missing-event", Severity.WARNING, "A caller lacks an event, so that something is not seen.")
UNREADY_FOLLOWER = Rule(
    "unready-follower", Severity.ERROR, "A workflow that is to follow a sprint or a release cannot be dispatched."
)
UNPLANNED = Rule(
    "unplanned-workflow", Severity.WARNING, "A caller's workflow has no section in the plan file, and ends in an error."
)
FULL_HOUR = Rule("full-hour", Severity.WARNING, "A schedule begins on the hour, when GitHub is busiest and drops runs.")
UNPINNED = Rule("unpinned-use", Severity.WARNING, "An action or workflow is used by a name that can be moved.")
HEAD_CHECKOUT = Rule("head-checkout", Severity.ERROR, "A pull request's own code is fetched where the token may write.")
RULES = (
    CALLER_PERMISSIONS,
    JOB_PERMISSIONS,
    DEFAULT_PERMISSIONS,
    UNKNOWN_FLOW,
    MISSING_TRIGGER,
    MISSING_EVENT,
    UNREADY_FOLLOWER,
    UNPLANNED,
    FULL_HOUR,
    UNPINNED,
    HEAD_CHECKOUT,
)

# With the first, nothing can be written for forks; the second is what the gate wants.
ALIKE = {"pull_request_target": ("pull_request_target", "pull_request")}
HEAD = re.compile(r"github\.head_ref|pull_request\.head\b|pull_request\.merge_commit_sha|refs/pull/")
CHECKOUT = re.compile(r"actions/checkout@", re.IGNORECASE)
PINNED = re.compile(r"\.{1,2}/.*|\$/.*|docker://.+@sha256:[0-9a-f]{64}|[^@]+@[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A job that uses a workflow of the suite, or an action of it in a step."""

    flow: Flow
    file: WorkflowFile
    job: Job
    use: Use

    @property
    def is_reusable(self) -> bool:
        return self.use is self.job.calls

    @property
    def permissions(self) -> Permissions | None:
        """What counts for the job: its own, else those of the whole file."""
        return self.job.permissions or self.file.permissions


def find_callers(files: Iterable[WorkflowFile], home: str, *, is_home: bool) -> tuple[Caller, ...]:
    """Every use of the suite, which is at `home`.

    The suite's own repository also uses it by path, and holds the workflows that are called, which are no callers.
    """
    here = r"|\.|\$" if is_home else ""
    place = rf"(?:{re.escape(home)}{here})"
    called = re.compile(rf"{place}/\.github/workflows/([\w-]+)\.ya?ml(?:@.*)?", re.IGNORECASE)
    used = re.compile(rf"{place}(?:/actions/([\w-]+))?/?(?:@.*)?", re.IGNORECASE)
    return tuple(
        Caller(flow=flow, file=file, job=job, use=use)
        for file in files
        if not (is_home and set(file.events) == {"workflow_call"})
        for job in file.jobs
        for use in job.uses
        if (flow := _called(use, called) if use is job.calls else _run(use, used, file)) is not None
    )


def find_unknown_flows(files: Iterable[WorkflowFile], home: str) -> Iterator[Diagnostic]:
    """An error for each workflow below `home` that is none of the suite's."""
    called = re.compile(rf"{re.escape(home)}/\.github/workflows/([^@]*)@.*", re.IGNORECASE)
    known = ", ".join(f"{each.name}.yml" for each in FLOWS)
    for use in (job.calls for file in files for job in file.jobs if job.calls):
        found = called.fullmatch(use.text)
        if found and find_flow(re.sub(r"\.ya?ml$", "", found[1])) is None:
            summary = f"{home} has no workflow {found[1]!r}"
            yield UNKNOWN_FLOW.found(summary, at=use.at, help=f"it has {known}")


def judge_permissions(callers: Iterable[Caller]) -> Iterator[Diagnostic]:
    """What each caller must grant and does not, a line to add for each permission."""
    for caller in callers:
        granted, rule = caller.permissions, CALLER_PERMISSIONS if caller.is_reusable else JOB_PERMISSIONS
        if granted is None:
            lines = ", ".join(f"{scope}: {level}" for scope, level in _list_needs(caller).items())
            summary = f"the job {caller.job.name!r} has no `permissions:`"
            why = "What it may do depends on a setting of the repository, which grants reading only where it is new."
            yield DEFAULT_PERMISSIONS.found(summary, at=caller.job.at, why=why, help=f"add `permissions: {{{lines}}}`")
            continue
        for scope, level in _list_needs(caller).items():
            if not is_enough(granted.level(scope), level):
                yield _lack(rule, caller, granted, scope, level)


def judge_triggers(callers: Sequence[Caller]) -> Iterator[Diagnostic]:
    """The events that no caller of a workflow has."""
    for flow in FLOWS:
        of_flow = [each for each in callers if each.flow is flow]
        events = [event for each in of_flow for event in each.file.events.values()]
        for trigger in flow.triggers if of_flow and not _is_called(events) else ():
            yield from _judge_trigger(trigger, flow, of_flow[0], events)


def judge_followers(names: Iterable[str], files: Iterable[WorkflowFile], needed: str = "") -> Iterator[Diagnostic]:
    """The workflows that are dispatched by a sprint, with the input that is `needed`, or a release, and cannot be."""
    known = {each.name: each for each in files}
    declared = f"`workflow_dispatch: {{inputs: {{{needed}: {{}}}}}}`" if needed else "`workflow_dispatch:`"
    for name in dict.fromkeys(names):
        event = known[name].events.get("workflow_dispatch") if name in known else None
        if event is None or (needed and needed not in event.inputs):
            lacks = f"it does not declare {declared}" if name in known else "there is no such file"
            summary = f"`then:` names {name!r}, which cannot be dispatched: {lacks}"
            yield UNREADY_FOLLOWER.found(summary, at=event.at if event else None, help=f"declare {declared} in it")


def judge_sections(callers: Iterable[Caller], sections: Mapping[str, bool]) -> Iterator[Diagnostic]:
    """The workflows that look for a section of the plan file, by the workflow's name, that is not there."""
    for caller in {each.flow.name: each for each in callers if not sections.get(each.flow.name, True)}.values():
        name = caller.flow.name
        summary = f"{name} is called, and the plan file has no section for it"
        help = "write the section, or delete the caller"
        yield UNPLANNED.found(summary, at=caller.use.at, why="Each of its runs ends in an error.", help=help)


def judge_hours(callers: Iterable[Caller]) -> Iterator[Diagnostic]:
    """The schedules that begin on the hour."""
    for event in _list_schedules(callers):
        for cron, at in event.crons:
            minutes = cron.split()[0] if cron.split() else ""
            if any(re.fullmatch(r"0+|\*(/\d+)?|0+[-/].*", each) for each in minutes.split(",")):
                way_out = "choose another minute, such as 23"
                yield FULL_HOUR.found(f"the schedule {cron!r} begins on the hour", at=at, help=way_out)


def judge_pins(callers: Iterable[Caller]) -> Iterator[Diagnostic]:
    """What the callers' files use by a tag or a branch."""
    for file in {each.file.path: each.file for each in callers}.values():
        for use in (use for job in file.jobs for use in job.uses):
            if not PINNED.fullmatch(use.text):
                yield UNPINNED.found(
                    f"{use.text!r} is not pinned to a commit",
                    at=use.at,
                    why="Who can move the tag can run code with this job's token.",
                    help="write the full commit, and the version in a comment",
                )


def judge_checkouts(files: Iterable[WorkflowFile]) -> Iterator[Diagnostic]:
    """Checkouts of a pull request's head in workflows that run with the base's rights."""
    for file in files:
        for use in (use for job in file.jobs for use in job.steps if "pull_request_target" in file.events):
            if CHECKOUT.match(use.text) and HEAD.search(" ".join(use.inputs.values())):
                yield HEAD_CHECKOUT.found(
                    "the code of the pull request is fetched in a `pull_request_target` workflow",
                    at=use.at,
                    why="Whoever opens a pull request can then use this job's token and secrets.",
                    help="take `ref:` and `repository:` out, or use `pull_request`",
                )


def _called(use: Use, pattern: re.Pattern[str]) -> Flow | None:
    found = pattern.fullmatch(use.text)
    return find_flow(found[1].lower()) if found else None


def _run(use: Use, pattern: re.Pattern[str], file: WorkflowFile) -> Flow | None:
    """The workflow that would run the step: that of its action, of `sync` the one of its mode."""
    found = pattern.fullmatch(use.text)
    action = (found[1] or use.inputs.get("action", "")).lower() if found else ""
    if action != "sync":
        return next((each for each in FLOWS if action and each.action == action), None)
    mode = use.inputs.get("mode", "")
    if mode in ("plan", "drift"):
        return find_flow(mode)
    if mode == "apply" or not {"push", "schedule", "milestone"}.isdisjoint(file.events):
        return find_flow("apply")
    return find_flow("plan") if "pull_request" in file.events else None


def _list_needs(caller: Caller) -> dict[str, str]:
    needs = caller.flow.needs
    if not caller.is_reusable and "environment" in caller.use.inputs:
        needs.pop("issues", None)  # a milestone is looked for only where no environment is named
    return needs


def _lack(rule: Rule, caller: Caller, granted: Permissions, scope: str, level: str) -> Diagnostic:
    what = f"{caller.flow.name}.yml" if caller.is_reusable else f"the action {caller.flow.action}"
    where = "of the job" if caller.job.permissions else "at the top"
    return rule.found(
        f"{caller.job.name!r} grants `{scope}: {granted.level(scope)}`, and {what} asks for `{level}`",
        at=granted.at,
        why=next(f"It is for: {each.reason}." for each in caller.flow.grants if each.scope == scope),
        help=f"add `{scope}: {level}` to `permissions:` {where}",
    )


def _is_called(events: Iterable[Event]) -> bool:
    """True where somebody else's workflow decides about the events."""
    return any(each.name == "workflow_call" for each in events)


def _judge_trigger(trigger: Trigger, flow: Flow, first: Caller, events: Sequence[Event]) -> Iterator[Diagnostic]:
    standing = [each for each in events if each.name in ALIKE.get(trigger.event, (trigger.event,))]
    rule = MISSING_TRIGGER if trigger.is_vital else MISSING_EVENT
    if not standing:
        summary = f"no caller of {flow.name} has the event `{trigger.event}`: {trigger.loss}"
        yield rule.found(summary, at=first.use.at, help=f"add `{trigger.event}:` below `on:`")
        return
    types = {kind for each in standing for kind in each.types}
    lacking = [each for each in trigger.types if each not in types] if types else []
    if lacking:
        is_all = len(lacking) == len(trigger.types)
        summary = f"`{standing[0].name}` of {flow.name} lacks {', '.join(lacking)}"
        help = f"add to `types:` of `{standing[0].name}`: {', '.join(lacking)}"
        yield (rule if is_all else MISSING_EVENT).found(f"{summary}: {trigger.loss}", at=standing[0].at, help=help)
    given = {name for each in standing for name in each.inputs}
    for name in (name for name in trigger.inputs if name not in given):
        summary = f"`{trigger.event}` of {flow.name} has no input {name!r}: {trigger.loss}"
        yield MISSING_EVENT.found(summary, at=standing[0].at, help=f"declare the input `{name}`, and pass it on")


def _list_schedules(callers: Iterable[Caller]) -> Iterator[Event]:
    files = {each.file.path: each.file for each in callers}
    yield from (file.events["schedule"] for file in files.values() if "schedule" in file.events)
