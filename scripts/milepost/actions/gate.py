"""Judge a pull request by the issue that it is linked to, and say so in one commit status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from milepost.core.gate import WORST, Judgement, Verdict, find_exemption, judge, link, list_unknown, with_siblings
from milepost.core.links import Address, Grammar
from milepost.core.model import State
from milepost.core.policy import Policy
from milepost.core.pulls import Claim, Link, LinkedIssue, PullRequest
from milepost.declare import GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import ExitCode, Refused, Unusable
from milepost.planfile.pull_requests import load_policy_text
from milepost.remote.comments import Comment, delete_comment, find_comment, write_comment
from milepost.remote.pulls import (
    Claimants,
    OpenPull,
    ReadPull,
    find_claimants_of_issue,
    find_claimants_of_milestone,
    list_open_pulls,
    read_issues,
    read_pull,
)
from milepost.remote.statuses import create_status
from milepost.runner.context import read_member
from milepost.views.gate import (
    render_comment,
    render_description,
    render_judgement_markdown,
    render_judgement_text,
)
from milepost.views.markdown import cut, prose
from milepost.views.plain import counted, one_line
from milepost.world import MOST_OUTPUT_BYTES, Outcome, World

NO_PULL_REQUEST = Rule("no-pull-request", Severity.ERROR, "The event does not say which pull request is to be judged.")
NOT_TOLD = Rule("not-told", Severity.NOTICE, "A verdict or comment could not be written with this token.")
TOO_MANY_CLAIMS = Rule("too-many-claims", Severity.WARNING, "More pull requests are touched than are judged at once.")
RULES = (NO_PULL_REQUEST, NOT_TOLD, TOO_MANY_CLAIMS)

CONTEXT = "milepost/gate"
COMMENT = "<!-- milepost:gate -->"
MOST_PULLS = 50
# Nobody waits longer for a verdict; then nobody knows.
MOST_SECONDS = 600
LAST_SECONDS = 60
MOST_COMMENT_BYTES = 60_000
QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]+)-[0-9a-f]+")
MENTION = re.compile(r"(?:#|\bGH-|/issues/)([0-9]{1,10})\b", re.IGNORECASE)


class OnError(str, Enum):
    """What the verdict is when nobody knows."""

    FAIL = "fail"
    PASS = "pass"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given("Token that reads issues and writes the commit status.", default=GITHUB_TOKEN, secret=True)
    plan: Path = given(
        "Path of the plan file on the default branch; its `pull-requests:` section has the rules.",
        default=Path(".github/milepost.yml"),
    )
    pull_request: int | None = given("Number of the pull request; when empty, the event says which.", default=None)
    comment: bool = given("Tell the author in one comment what is missing; it goes when all is well.", default=True)
    on_error: OnError = given(
        "`fail` or `pass`: the verdict when GitHub cannot be asked, or the rules cannot be read.",
        default=OnError.FAIL,
    )


@dataclass(frozen=True, kw_only=True)
class Task:
    """The pull requests to judge; `group` is the commit of a merge queue's group, `sha` a head that is known.

    `open` are all open pull requests, where the search for claims has read them.
    """

    numbers: tuple[int, ...]
    group: str = ""
    sha: str = ""
    reason: str = ""
    open: tuple[OpenPull, ...] | None = None
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one pull request; `is_told` when its commit status says the verdict."""

    number: int
    verdict: Verdict
    reason: str
    judgement: Judgement | None = None
    is_told: bool = False
    exit_code: ExitCode = ExitCode.DONE
    problems: tuple[Diagnostic, ...] = ()


def run(inputs: Inputs, world: World) -> Outcome:
    """Each pull request that the event touches has a commit status with the verdict on it."""
    world.github.deadline = world.github.clock.now() + MOST_SECONDS
    try:
        task = _find_task(inputs, world)
    except Refused as refusal:
        problem, code = refusal.diagnostic, ExitCode.REFUSED
        if inputs.on_error is OnError.PASS:
            problem, code = replace(problem, severity=Severity.WARNING), ExitCode.DONE
        return Outcome(exit_code=code, text=f"{CONTEXT}: not judged", diagnostics=(problem,))
    results = [_gate(number, task, inputs, world) for number in task.numbers]
    return _outcome(task, results, world)


def _find_task(inputs: Inputs, world: World) -> Task:
    """Which pull requests the event is about; raises Unusable when it says none."""
    context = world.context
    payload = context.payload
    if inputs.pull_request is not None:
        return Task(numbers=(inputs.pull_request,))
    if context.event == "merge_group":
        return _task_of_queue(read_member(payload, "merge_group"), payload.get("action"))
    if context.pull_request is not None:
        head = read_member(read_member(payload, "pull_request"), "head")
        return Task(numbers=(context.pull_request,), sha=str(head.get("sha") or ""))
    number = read_member(payload, "issue").get("number")
    if context.event == "issues" and isinstance(number, int):
        return _task_of(find_claimants_of_issue(world.github, number), f"issue #{number}")
    number = read_member(payload, "milestone").get("number")
    if context.event == "milestone" and isinstance(number, int):
        return _task_of(find_claimants_of_milestone(world.github, number), f"an open issue of milestone {number}")
    event = context.event or "the command line"
    raise Unusable([NO_PULL_REQUEST.found(f"{event} names no pull request", help="give the input `pull-request`")])


def _task_of_queue(group: Mapping[str, Any], action: object) -> Task:
    found = QUEUE.fullmatch(str(group.get("head_ref") or ""))
    sha = str(group.get("head_sha") or "")
    if action == "destroyed":
        return Task(numbers=(), reason="the merge queue's group is gone")
    if not found or not sha:
        summary = f"the merge queue's branch {group.get('head_ref')!r} names no pull request"
        raise Unusable([NO_PULL_REQUEST.found(summary, help="run on `merge_group` events of GitHub's merge queue")])
    return Task(numbers=(int(found[1]),), group=sha, sha=sha)


def _task_of(claimants: Claimants, subject: str) -> Task:
    """Those that GitHub links, then those that mention one of the issues: judging one too many changes nothing."""
    issues = set(claimants.issues)
    mentioning = [
        each.claim.address.number
        for each in claimants.open
        if claimants.is_gone or any(int(number) in issues for number in MENTION.findall(each.body))
    ]
    numbers = list(dict.fromkeys([*sorted(claimants.linked), *sorted(mentioning)]))
    if not numbers:
        return Task(numbers=(), reason=f"no open pull request claims {subject}")
    rest = numbers[MOST_PULLS:]
    problems: tuple[Diagnostic, ...] = ()
    if rest:
        names = ", ".join(f"#{number}" for number in rest)
        summary = f"{counted(len(rest), 'pull request')} not judged now: {names}"
        problems = (TOO_MANY_CLAIMS.found(summary, help="run the workflow by hand with their numbers"),)
    return Task(numbers=tuple(numbers[:MOST_PULLS]), problems=problems, open=claimants.open)


def _gate(number: int, task: Task, inputs: Inputs, world: World) -> Result:
    sha = task.sha
    try:
        read = read_pull(world.github, number, plan=inputs.plan.as_posix(), context=CONTEXT, group=task.group)
        sha = read.sha
        if read.pull.state is State.CLOSED and not task.group:
            if read.pull.siblings:  # the status at their common head may have been its verdict
                return _gate(read.pull.siblings[0], task, inputs, world)
            return Result(number=number, verdict=Verdict.SUCCESS, reason="not open any more; nothing to judge")
        policy, problems = load_policy_text(read.plan or b"version: 1\n", file=str(inputs.plan))
        if policy is None:
            raise Unusable(problems)
        judgement = _judge(read.pull, policy, task, world)
        if read.pull.siblings and not task.group:
            judgement = with_siblings(judgement, _judge_siblings(read.pull, policy, task, world))
        return _tell(read, judgement, task, inputs, world)
    except Unusable as trouble:
        reason, code, problems = "the rules in the plan file cannot be read", ExitCode.UNUSABLE, trouble.diagnostics
    except Refused as refusal:
        reason, problems = f"could not be judged: {refusal.diagnostic.summary}", (refusal.diagnostic,)
        code = ExitCode.REFUSED
    unknown = Result(number=number, verdict=Verdict.ERROR, reason=reason, exit_code=code, problems=problems)
    return _tell_unknown(unknown, sha, inputs.on_error, world)


def _judge(pull: PullRequest, policy: Policy, task: Task, world: World) -> Judgement:
    client = world.github
    host = urlsplit(world.context.server_url).netloc
    grammar = Grammar(pull.address.repository, host, policy.keywords)
    links = grammar.read(pull.body, pull.title)
    is_exempt = bool(find_exemption(pull, policy.exempt))
    unknown = () if is_exempt else list_unknown(pull, links, policy)
    made = link(pull, links, policy, read_issues(client, unknown) if unknown else {})
    if not pull.is_into_default and not is_exempt and any(each.issue for each in made):
        # GitHub's graph holds no claims of pull requests into other branches.
        made = _with_claims(made, grammar, task.open if task.open is not None else list_open_pulls(client))
    return judge(pull, links, made, policy)


def _judge_siblings(pull: PullRequest, policy: Policy, task: Task, world: World) -> list[Judgement]:
    """A commit has one status of ours, and that stands for each pull request whose head it is."""
    found = (read_pull(world.github, number, plan="", context=CONTEXT) for number in pull.siblings)
    return [_judge(each.pull, policy, task, world) for each in found]


def _with_claims(made: tuple[Link, ...], grammar: Grammar, pulls: Iterable[OpenPull]) -> tuple[Link, ...]:
    claims: dict[tuple[str, int], list[Claim]] = {}
    for each in pulls:
        for key in {one.address.key for one in grammar.read(each.body).references if one.is_closing}:
            claims.setdefault(key, []).append(each.claim)
    return tuple(replace(each, issue=_joined(each.issue, claims.get(each.address.key, []))) for each in made)


def _joined(issue: LinkedIssue | None, more: Iterable[Claim]) -> LinkedIssue | None:
    if issue is None:
        return None
    known = {each.address.key: each for each in (*issue.claims, *more)}
    return replace(issue, claims=tuple(known[key] for key in sorted(known)))


def _tell_unknown(result: Result, sha: str, on_error: OnError, world: World) -> Result:
    """Nobody knows: the verdict is what `on-error` says, and the status says why when it can be written."""
    if on_error is OnError.PASS:
        shown = tuple(replace(each, severity=Severity.WARNING) for each in result.problems)
        reason = f"passed by `on-error`: {result.reason}"  # first, since a status has little room
        result = replace(result, verdict=Verdict.SUCCESS, reason=reason, exit_code=ExitCode.DONE, problems=shown)
    world.github.deadline = world.github.clock.now() + LAST_SECONDS
    try:
        if sha:
            _write_status(sha, result.verdict, result.reason, world)
            return replace(result, is_told=True)
    except Refused:
        pass  # for the reason that is told already
    return result


def _tell(read: ReadPull, judgement: Judgement, task: Task, inputs: Inputs, world: World) -> Result:
    """The status and the comment say the verdict, as far as the token may write them."""
    problems: list[Diagnostic] = []
    is_told = True
    has_comment = inputs.comment and not task.group
    # A comment goes before the good news, so that a run that ends in between leaves nothing behind.
    if has_comment and judgement.verdict is Verdict.SUCCESS:
        problems += _remove_comment(read, world)
    description = render_description(judgement.reason)
    if read.status is None or (read.status.state, read.status.description) != (judgement.verdict.value, description):
        try:
            _write_status(read.sha, judgement.verdict, judgement.reason, world)
        except Refused as refusal:
            if refusal.status not in (403, 404):
                raise
            is_told = False
            problems.append(_not_told("the status could not be written, so the job itself says the verdict", refusal))
    if has_comment and judgement.verdict is Verdict.FAILURE:
        problems += _write_comment(read, judgement, world)
    is_red = not is_told and judgement.verdict is Verdict.FAILURE
    return Result(
        number=judgement.pull.address.number,
        verdict=judgement.verdict,
        reason=judgement.reason,
        judgement=judgement,
        is_told=is_told,
        exit_code=ExitCode.NO if is_red else ExitCode.DONE,
        problems=tuple(problems),
    )


def _write_status(sha: str, verdict: Verdict, reason: str, world: World) -> None:
    url, description = world.context.run_url, render_description(reason)
    create_status(world.github, sha, context=CONTEXT, state=verdict.value, description=description, url=url)


def _write_comment(read: ReadPull, judgement: Judgement, world: World) -> list[Diagnostic]:
    client, number = world.github, judgement.pull.address.number
    text = cut(render_comment(judgement), MOST_COMMENT_BYTES)
    try:
        own = _own_comments(read, world, is_looked_for=read.has_more_comments)
        write_comment(client, number, COMMENT, text, login=read.login, present=own[0] if own else None)
        _delete_comments(own[1:], world)
    except Refused as refusal:
        return [_not_told("the comment could not be written; the job summary has it", refusal)]
    return []


def _remove_comment(read: ReadPull, world: World) -> list[Diagnostic]:
    # While the status says that all is well, there is no comment to look for; a new head has none yet.
    may_be_further = read.has_more_comments and (read.status is None or read.status.state != "success")
    try:
        _delete_comments(_own_comments(read, world, is_looked_for=may_be_further), world)
    except Refused as refusal:
        return [_not_told("the comment of an earlier run could not be looked for or deleted", refusal)]
    return []


def _own_comments(read: ReadPull, world: World, *, is_looked_for: bool) -> list[Comment]:
    """Ours, the oldest first: more than one where two runs met, or a run read what was old already."""
    found = [each for each in read.comments if each.body.startswith(COMMENT)]
    if found or not is_looked_for:
        return found
    further = find_comment(world.github, read.pull.address.number, COMMENT, login=read.login, page=2)
    return [further] if further else []


def _delete_comments(comments: Iterable[Comment], world: World) -> None:
    for each in comments:
        delete_comment(world.github, each)


def _not_told(what: str, refusal: Refused) -> Diagnostic:
    """What could not be written, where it stands instead, and why."""
    problem = refusal.diagnostic
    return NOT_TOLD.found(f"{what}: {problem.summary}", help=problem.help)


def _outcome(task: Task, results: list[Result], world: World) -> Outcome:
    if not results:
        return Outcome(
            text=f"{CONTEXT}: {one_line(task.reason)}", summary=f"{prose(task.reason)}\n", outputs=_outputs([])
        )
    diagnostics = [*task.problems]
    for each in results:
        diagnostics += [*each.problems, *(each.judgement.diagnostics if each.judgement else ())]
    return Outcome(
        exit_code=max(each.exit_code for each in results),
        outputs=_outputs(results),
        text="\n".join(_text(each) for each in results),
        summary="\n\n".join(_summary(each) for each in results),
        data={"results": [_json(each, world) for each in results]},
        diagnostics=tuple(diagnostics),
    )


def _text(result: Result) -> str:
    if result.judgement:
        return render_judgement_text(result.judgement)
    return f"pull request {result.number}: {result.verdict.value}, {one_line(result.reason)}"


def _summary(result: Result) -> str:
    if result.judgement:
        return render_judgement_markdown(result.judgement)
    return f"**{result.verdict.value}**: pull request {result.number}: {prose(result.reason)}"


def _outputs(results: list[Result]) -> dict[str, str]:
    verdicts = [each.verdict for each in results]
    judged = [each.judgement for each in results if each.judgement]
    issues = [made.issue for each in judged for made in each.links if made.issue]
    titles = list(dict.fromkeys(each.milestone for each in issues if each.milestone and each.state is State.OPEN))
    findings = json.dumps([finding for each in results for finding in _findings(each)], ensure_ascii=False)
    return {
        "verdict": next((each.value for each in WORST if each in verdicts), ""),
        "issues": json.dumps(sorted({str(each.address) for each in issues})),
        "findings": findings if len(findings.encode()) <= MOST_OUTPUT_BYTES else "[]",
        "milestone": titles[0] if len(titles) == 1 else "",
    }


def _findings(result: Result) -> list[dict[str, object]]:
    judged: list[tuple[Address | None, Diagnostic]] = [(None, each) for each in result.problems]
    judged += [(each.address, each.diagnostic) for each in (result.judgement.findings if result.judgement else ())]
    return [
        {
            "pull-request": result.number,
            "rule": each.rule,
            "severity": each.severity.value,
            "issue": str(address) if address else None,
            "summary": each.summary,
            "help": each.help,
        }
        for address, each in judged
    ]


def _json(result: Result, world: World) -> dict[str, object]:
    links = result.judgement.links if result.judgement else ()
    return {
        "pull-request": f"{world.context.repository}#{result.number}",
        "verdict": result.verdict.value,
        "reason": result.reason,
        "status-written": result.is_told,
        "exemption": result.judgement.exemption if result.judgement else "",
        "links": [
            {
                "issue": str(each.address),
                "source": each.source.value,
                "line": each.line or None,
                "absence": each.absence.value if each.absence else None,
            }
            for each in links
        ],
        "findings": _findings(result),
    }


GATE = Action(
    name="gate",
    summary="Judge a pull request by the issue that it is linked to, in one commit status.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("verdict", "`success`, `failure`, `pending` or `error`; of several pull requests the worst."),
        Output("issues", "The linked issues as a JSON list of `owner/name#number`."),
        Output("findings", "What was found as a JSON list: pull-request, rule, severity, issue, summary, help."),
        Output("milestone", "Title of the milestone of the linked open issues, when it is one."),
    ),
    permissions={"contents": "read", "issues": "read", "pull-requests": "write", "statuses": "write"},
    packages=("PyGithub", "PyYAML", "jsonschema", "actions-toolkit"),
    icon="check-circle",
)
