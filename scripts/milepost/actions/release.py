"""Make a tag and a GitHub Release, which can be reproduced, of a closed milestone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from milepost.core.change import Noun, Verb
from milepost.core.gpu.requirements import fingerprint
from milepost.core.mode import Mode, choose_mode
from milepost.core.model import DesiredState
from milepost.core.next_title import next_title
from milepost.core.proof import Proof, Wanted, tell_absence
from milepost.core.ref_name import judge_tag
from milepost.core.release import ClosedMilestone
from milepost.core.release_checks import (
    is_of_this_closing,
    judge_creator,
    judge_name,
    judge_open,
    judge_place,
    judge_sender,
    judge_statuses,
)
from milepost.core.release_plan import MARKER, Case, Successor, is_complete, judge_release, plan_release, plan_reopening
from milepost.core.releasing import OpenIssues
from milepost.core.versions import read_version
from milepost.declare import Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors
from milepost.drafting import PLAN_NOT_THERE, Subject, arrange_items, draft, make_heading
from milepost.errors import ExitCode, Refused, Unusable
from milepost.planfile.load import load_plan_text
from milepost.remote.collaborators import read_permission
from milepost.remote.proof import find_proof
from milepost.remote.release import Board, Standing, read_commit, read_items, read_milestone
from milepost.remote.release_steps import make_steps
from milepost.remote.workflows import count_dispatches
from milepost.report import (
    OUTPUTS,
    Report,
    json_of,
    judge_fork,
    list_outputs,
    render_report_head,
    render_report_markdown,
    render_report_text,
)
from milepost.runner.context import read_member
from milepost.views.markdown import cut, prose
from milepost.views.notes import render_homeless
from milepost.views.plain import one_line
from milepost.views.release import Sheet, render_release_markdown, render_release_text
from milepost.views.verdict import read_verdict
from milepost.world import Outcome, World
from milepost.writing import WritingInputs, carry_out, load_desired

NO_RELEASES = Rule("no-releases", Severity.ERROR, "The plan file does not say which milestones are released.")
NO_MILESTONE = Rule("no-milestone", Severity.ERROR, "There is no such milestone to release, or none is named.")
MILESTONE_OPEN = Rule("milestone-open", Severity.ERROR, "A milestone that is open is not released.")
NO_BRANCH = Rule("no-branch", Severity.ERROR, "The branch that would be released has no commit.")
NO_SUCCESSOR = Rule("no-successor", Severity.ERROR, "There is no open milestone that open items could move to.")
ENVIRONMENT_UNPROVEN = Rule(
    "environment-unproven", Severity.NOTICE, "The milestone's environment was not verified, and need not be."
)
RULES = (
    NO_RELEASES,
    NO_MILESTONE,
    MILESTONE_OPEN,
    NO_BRANCH,
    NO_SUCCESSOR,
    ENVIRONMENT_UNPROVEN,
)

MOST_SHOWN = 60_000
# Everything else, a comment for one, may be anybody's; the empty one is a command line.
BY_WRITERS = ("", "push", "schedule", "workflow_dispatch", "repository_dispatch")


@dataclass(frozen=True, kw_only=True)
class Inputs(WritingInputs):
    milestone: str = given(
        "Number or title of the closed milestone; when empty, the one of the event `milestone`.", default=""
    )


def run(inputs: Inputs, world: World) -> Outcome:
    """The milestone has its tag and its release, or it is told what that would take, or what is in the way."""
    desired = load_desired(inputs, world, _judge_section)
    number, title = _find_asked(inputs, world)
    if number is None and not title:
        return _nothing(f"the event `milestone` is `{world.context.payload.get('action')}`, not `closed`")
    board = read_milestone(world.github, number=number, title=title)
    if board.milestone is None and inputs.milestone and number is not None:
        board = read_milestone(world.github, title=inputs.milestone)  # a title may be a year
    if board.milestone is None:
        raise Unusable([_no_milestone(title or str(number))])
    subject = _introduce(desired, board, board.milestone)
    if not subject.releasing.takes(subject.milestone.title):
        return _nothing(f'milestone "{subject.milestone.title}" is not among those that `release:` takes')
    overtaken = "" if inputs.milestone else _find_overtaking(subject.milestone, world)
    if overtaken:
        return _nothing(overtaken)
    mode, reason = choose_mode(
        inputs.mode, event=world.context.event, ref=world.context.ref, default_branch=board.default_branch
    )
    report = Report(mode=mode, reason=reason, plan=plan_reopening(replace(subject.milestone, is_open=True)))
    report = replace(report, problems=judge_fork(board.snapshot, mode, allow_fork=inputs.allow_fork))
    return _release(report, subject, inputs, world)


def _find_overtaking(milestone: ClosedMilestone, world: World) -> str:
    """What has happened to the milestone since the event, whose sender may be another one than who did that."""
    event = read_member(world.context.payload, "milestone")
    if event.get("title") != milestone.title:
        return f'milestone "{event.get("title")}" was renamed to "{milestone.title}" since it was closed'
    if milestone.is_open:
        return f'milestone "{milestone.title}" is open again'
    if event.get("closed_at") not in (None, milestone.closed_at):
        return f'milestone "{milestone.title}" was closed once more since; that closing has a run of its own'
    return ""


def _judge_section(desired: DesiredState) -> tuple[Diagnostic, ...]:
    way_out = "add `release:`; an empty one, `release: {}`, takes the titles that begin with v"
    return () if desired.releasing else (NO_RELEASES.found("the plan file has no `release:`", help=way_out),)


def _find_asked(inputs: Inputs, world: World) -> tuple[int | None, str]:
    """The number or title that is asked for; neither for an event that closes nothing."""
    text, payload = inputs.milestone, world.context.payload
    if text:
        return (int(text), "") if text.isascii() and text.isdigit() and len(text) < 10 else (None, text)
    number = read_member(payload, "milestone").get("number")
    if world.context.event != "milestone" or not isinstance(number, int):
        raise Unusable([_no_milestone("")])
    return (number, "") if payload.get("action") == "closed" else (None, "")


def _no_milestone(name: str) -> Diagnostic:
    summary = f"there is no milestone {name!r}" if name else "no milestone is named, and the event closes none"
    return NO_MILESTONE.found(summary, help="give the input `milestone`, a number or a title, or run on `milestone`")


def _introduce(desired: DesiredState, board: Board, milestone: ClosedMilestone) -> Subject:
    assert desired.releasing is not None
    return Subject(
        desired=desired,
        releasing=desired.releasing,
        board=board,
        milestone=milestone,
        planned=next((each for each in desired.milestones if each.title == milestone.title), None),
        tag=desired.releasing.name_tag(milestone.title),
        version=read_version(milestone.title),
    )


def _release(report: Report, subject: Subject, inputs: Inputs, world: World) -> Outcome:
    """Judged in the order of what it costs to know; what stops the release is told, and nothing else is done."""
    blockers = _judge_right(subject, world)
    if not blockers:
        subject = replace(subject, standing=_read_standing(subject, inputs, world))
        blockers = judge_place(subject.standing.tag if subject.standing else None, subject.commit, subject.milestone)
    if blockers or subject.standing is None:
        return _outcome(report, subject, world, blockers=blockers)
    since, is_whole = subject.standing.previous_at, is_complete(subject.standing.release)
    if is_whole:
        subject = replace(subject, dispatched=_read_dispatched(subject, world))
    else:
        items, homeless = read_items(world.github, subject.milestone.number, since=since)
        subject = replace(subject, items=items, homeless=homeless)
        subject, blockers, notices = _prove(subject, world)
        report = replace(report, problems=report.problems + notices)
    subject, more = _find_successor(subject, world)
    blockers = (*blockers, *more)
    if blockers:
        return _refuse(report, subject, world, blockers)
    if not is_whole:
        subject = draft(subject, world, plan=inputs.plan)
    case = _case(subject)
    if blockers := judge_release(case):
        return _refuse(report, subject, world, blockers)
    report = replace(report, plan=plan_release(case))
    if report.mode is Mode.APPLY and not has_errors(report.problems):
        report = _apply(report, subject, world)
    return _outcome(report, subject, world)


def _judge_right(subject: Subject, world: World) -> tuple[Diagnostic, ...]:
    """Who closed the milestone, who made it, and what its title makes; nothing is read for what is not asked."""
    client, milestone, releasing = world.github, subject.milestone, subject.releasing
    if milestone.is_open:
        summary = f'milestone "{milestone.title}" is open'
        return (MILESTONE_OPEN.found(summary, help="close it; a release is made of what is done"),)
    problems = judge_name(milestone.title, subject.tag)
    if problems:
        return problems
    sender = str(read_member(world.context.payload, "sender").get("login") or world.context.actor)
    # GitHub itself lets nobody without write permission start a workflow by these.
    if world.context.event not in BY_WRITERS:
        permission = read_permission(client, sender) if sender and sender not in releasing.allow else "none"
        problems = judge_sender(sender, permission, releasing)
    is_ours = milestone.creator == subject.board.login
    if not problems and subject.planned is None and not is_ours:
        creator = milestone.creator or ""
        permission = read_permission(client, creator) if creator and creator not in releasing.allow else "none"
        problems = judge_creator(milestone, permission, releasing)
    return problems


def _read_standing(subject: Subject, inputs: Inputs, world: World) -> Standing:
    """What is there at the head of the branch; or at the commit that an earlier run tagged for this very closing."""

    def read(commit: str | None) -> Standing:
        return read_commit(
            world.github,
            branch=subject.branch,
            tag=subject.tag,
            plan_path=inputs.plan.as_posix(),
            template_path=subject.releasing.notes.template,
            login=subject.board.login,
            commit=commit,
            has_statuses=bool(subject.releasing.require.statuses),
        )

    standing = read(None)
    if standing.commit is None:
        summary = f'branch "{subject.branch}" has no commit'
        raise Unusable(
            [NO_BRANCH.found(summary, help="push it, or correct `branch` of the milestone in the plan file")]
        )
    tag = standing.tag
    if tag and tag.commit != standing.commit and is_of_this_closing(tag, subject.milestone):
        return read(tag.commit)
    return standing


def _read_dispatched(subject: Subject, world: World) -> frozenset[str]:
    """The workflows that were dispatched on the tag since the release was published."""
    standing = subject.standing
    assert standing is not None
    assert standing.release is not None
    since = standing.release.published_at or ""
    return frozenset(each for each in subject.releasing.then if _is_dispatched(each, since, subject, world))


def _is_dispatched(workflow: str, since: str, subject: Subject, world: World) -> bool:
    """A workflow that is not there was not; whoever dispatches it tells that."""
    try:
        count = count_dispatches(world.github, workflow, since=since, login=subject.board.login, ref=subject.tag)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        return False
    return count > 0


def _prove(subject: Subject, world: World) -> tuple[Subject, tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """The subject with its proof; what stops the release; and what is only worth saying."""
    standing = subject.standing
    assert standing is not None
    blockers = judge_open(subject.milestone, subject.items, subject.releasing)
    blockers += judge_statuses(subject.releasing.require.statuses, standing.statuses, subject.commit)
    if blockers or subject.environment is None:
        return subject, blockers, ()
    wanted = _wanted(subject, world)
    found = find_proof(world.github, wanted)
    if isinstance(found, Proof) and read_verdict(found.verdict):
        return replace(subject, proof=found), (), ()
    if isinstance(found, Proof):
        found = tell_absence(wanted, [f"run {found.run.id}: the verdict lacks what `reproduce` reads"], ())
    if subject.releasing.require.environment:
        return subject, (found,), ()
    notice = ENVIRONMENT_UNPROVEN.found(found.summary, why=found.why, help="the release has no environment.json")
    return subject, (), (notice,)


def _wanted(subject: Subject, world: World) -> Wanted:
    """The proof that counts: of what the plan file declares at the very commit."""
    assert subject.environment is not None
    standing, name, path = subject.standing, subject.environment, world.context
    assert standing is not None
    desired, problems = load_plan_text(standing.plan or b"", file="the plan file of the commit", workspace=None)
    environment = desired.environments.get(name) if desired else None
    if environment is None:
        summary = f'the plan file at {subject.commit[:12]} declares no environment "{name}"'
        why = problems[0].summary if problems else ""
        raise Unusable(
            [PLAN_NOT_THERE.found(summary, why=why, help="commit the plan file before the milestone is closed")]
        )
    return Wanted(
        environment=name,
        requirements=fingerprint(environment),
        repository=subject.board.repository,
        commit=subject.commit,
        workflow=subject.releasing.require.workflow,
        current_run=int(path.run_id) if path.run_id.isdigit() else None,
    )


def _find_successor(subject: Subject, world: World) -> tuple[Subject, tuple[Diagnostic, ...]]:
    """The milestone that follows: by the pattern, else the open one of the next version; only where it is needed."""
    releasing = subject.releasing
    is_moving = releasing.open_issues is OpenIssues.MOVE and any(each.is_open for each in subject.items)
    if releasing.next is None and not is_moving:
        return subject, ()
    subject, is_open = _next_by_pattern(subject, world) if releasing.next else (_next_by_version(subject), True)
    successor = subject.successor
    if not is_moving or (successor is not None and is_open):
        return subject, ()
    named = f'"{successor.title}" is closed' if successor else "no open milestone has a later version"
    way_out = "open the milestone that open items should move to, or write `next:` into `release:` of the plan file"
    summary = f'what is open in "{subject.milestone.title}" can move nowhere: {named}'
    return subject, (NO_SUCCESSOR.found(summary, help=way_out),)


def _next_by_pattern(subject: Subject, world: World) -> tuple[Subject, bool]:
    """The subject with it, and whether it is open, or will be; the board knows it then, too, however many are open."""
    if subject.version is None or subject.releasing.next is None:
        return subject, False
    title = next_title(subject.releasing.next, subject.version.numbers)
    board, closed = subject.board, None
    if all(each.title != title for each in board.opened):
        board = read_milestone(world.github, title=title)
        closed = board.milestone if board.milestone and not board.milestone.is_open else None
    number = next((each.number for each in board.opened if each.title == title), closed.number if closed else None)
    return replace(subject, board=board, successor=Successor(title=title, number=number)), closed is None


def _next_by_version(subject: Subject) -> Subject:
    if subject.version is None or subject.version.key is None:
        return subject
    versions = [(version, each) for each in subject.board.opened if (version := read_version(each.title))]
    later = [
        (version.key, each)
        for version, each in versions
        if version.key and version.key > subject.version.key and subject.releasing.takes(each.title)
    ]
    if not later:
        return subject
    found = min(later, key=lambda pair: pair[0])[1]
    return replace(subject, successor=Successor(title=found.title, number=found.number))


def _case(subject: Subject) -> Case:
    standing = subject.standing
    assert standing is not None
    return Case(
        milestone=subject.milestone,
        settings=subject.releasing,
        tag_name=subject.tag,
        is_prerelease=subject.is_prerelease,
        commit=subject.commit,
        tag=standing.tag,
        release=standing.release,
        items=subject.items,
        body=subject.body,
        contents=subject.contents,
        successor=subject.successor,
        opens_successor=subject.releasing.next is not None,
        dispatched=subject.dispatched,
    )


def _refuse(report: Report, subject: Subject, world: World, blockers: tuple[Diagnostic, ...]) -> Outcome:
    """A milestone that is not done is open again; whatever else is in the way is only told."""
    if any(each.rule == "still-open" for each in blockers):
        report = replace(report, plan=plan_reopening(subject.milestone))
        if report.mode is Mode.APPLY and not has_errors(report.problems):
            report = _apply(report, subject, world)
    return _outcome(report, subject, world, blockers=blockers)


def _apply(report: Report, subject: Subject, world: World) -> Report:
    again = {"milestone": str(subject.milestone.number)}
    steps = make_steps(subject.contents, commit=subject.commit)
    return carry_out(report, subject.board.snapshot, world, steps=steps, inputs=again)


def _outcome(report: Report, subject: Subject, world: World, *, blockers: tuple[Diagnostic, ...] = ()) -> Outcome:
    """Blockers are an answer, and the answer is no."""
    sheet = _sheet(report, subject, world)
    repository = subject.board.repository
    text = [render_release_text(sheet), render_report_text(report, repository)]
    summary = [render_report_head(report, repository), render_release_markdown(sheet), render_report_markdown(report)]
    outputs = {
        "released": str(sheet.is_released).lower(),
        # What is no tag is text that anybody wrote, and no output that a later step could run.
        "tag": "" if judge_tag(subject.tag) else subject.tag,
        "commit": subject.commit,
        "version": subject.version.text if subject.version else "",
        "prerelease": str(subject.is_prerelease).lower(),
        "url": sheet.url,
        **list_outputs(report),
    }
    return Outcome(
        exit_code=ExitCode.NO if blockers else report.exit_code,
        outputs=outputs,
        text="\n".join(part for part in text if part),
        summary="\n\n".join(part.strip("\n") for part in summary if part) + "\n",
        data={"mode": report.mode.value, "plan": json_of(report), "notes": subject.body},
        diagnostics=(*report.diagnostics, *blockers),
    )


def _sheet(report: Report, subject: Subject, world: World) -> Sheet:
    is_there = is_complete(subject.standing.release if subject.standing else None)
    is_published = any(each.noun is Noun.RELEASE and each.verb is Verb.UPDATE for each in report.shown.changes)
    is_released = is_there or (report.applied is not None and is_published)
    page = f"{world.context.server_url}/{subject.board.repository}/releases/tag/{quote(subject.tag)}"
    return Sheet(
        milestone=subject.milestone.title,
        tag=subject.tag,
        commit=subject.commit,
        branch=subject.branch,
        is_prerelease=subject.is_prerelease,
        is_released=is_released,
        url=page if is_released else "",
        proof=(subject.environment or "", subject.proof.run.url) if subject.proof else None,
        stragglers=tuple(each for each in subject.items if each.is_open),
        items=len(subject.items) if subject.contents else None,
        notes=cut(subject.body.partition(MARKER)[0].rstrip(), MOST_SHOWN),
        homeless=render_homeless(arrange_items(subject), make_heading(subject, world)),
    )


def _nothing(reason: str) -> Outcome:
    text = f"nothing to release: {reason}"
    return Outcome(text=one_line(text), summary=f"{prose(text)}\n", outputs={"released": "false", "tag": "", "url": ""})


RELEASE = Action(
    name="release",
    summary="Make a tag and a release, which can be reproduced, of a closed milestone.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("released", "`true` when the release is public, whoever published it."),
        Output("tag", "The tag of the release."),
        Output("commit", "The commit that is released."),
        Output("version", "The version that the title spells; empty when it spells none."),
        Output("prerelease", "`true` for a pre-release."),
        Output("url", "The page of the release."),
        *OUTPUTS,
    ),
    permissions={
        "contents": "write",
        "issues": "write",
        "pull-requests": "write",
        "actions": "write",
        "checks": "read",
        "statuses": "read",
    },
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata", "Jinja2", "semver"),
    icon="package",
)
