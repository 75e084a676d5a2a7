"""Judges a pull request: linked to a real issue, which is open, planned, assigned, and nobody else's claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase

from milepost.core.links import Address, Hint, Links, Reason
from milepost.core.model import State
from milepost.core.policy import Assignment, Exemptions, Invisible, Level, Policy
from milepost.core.pulls import Absence, Link, LinkedIssue, PullRequest, Source
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors

LINKED = Rule("linked", Severity.ERROR, "A pull request names no issue that it closes.")
OPEN = Rule("open", Severity.ERROR, "No issue that a pull request names is open.")
MILESTONE = Rule(
    "milestone", Severity.WARNING, "A linked issue is in no open milestone, or in one that is not allowed."
)
ASSIGNED = Rule("assigned", Severity.ERROR, "A linked issue is nobody's, or not the author's, as the team asks.")
LABELS = Rule("labels", Severity.ERROR, "A linked issue lacks a label that the team asks for.")
DUPLICATE_CLAIM = Rule("duplicate-claim", Severity.WARNING, "Another open pull request claims a linked issue, too.")
INVISIBLE = Rule("invisible", Severity.WARNING, "The token cannot see a linked issue.")
UNCOUNTED_LINK = Rule("uncounted-link", Severity.WARNING, "GitHub does not count a text as a link to an issue.")
NEGATED_LINK = Rule("negated-link", Severity.WARNING, "GitHub counts a link against what its sentence says.")
SHARED_HEAD = Rule("shared-head", Severity.ERROR, "Another open pull request has the same head, and fails.")
NOT_CLOSED_ON_MERGE = Rule("not-closed-on-merge", Severity.NOTICE, "Merging will not close a linked issue by itself.")
RULES = (
    LINKED,
    OPEN,
    MILESTONE,
    ASSIGNED,
    LABELS,
    DUPLICATE_CLAIM,
    INVISIBLE,
    UNCOUNTED_LINK,
    NEGATED_LINK,
    SHARED_HEAD,
    NOT_CLOSED_ON_MERGE,
)

FORMS = "write `Closes #123` in the description, or link the issue in the sidebar under Development"
AUTHOR = "the author"
TRIAGE = "whoever may triage issues"
OWNER = "whoever may edit the workflow"
MOST_HINTS = 8
# What one query asks for; nobody names more issues in good faith.
MOST_LOOKED_UP = 100


class Verdict(str, Enum):
    """The state of the commit status."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    ERROR = "error"


# Of several verdicts the first of these counts.
WORST = (Verdict.ERROR, Verdict.FAILURE, Verdict.PENDING, Verdict.SUCCESS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A broken rule, and the issue that it is about."""

    diagnostic: Diagnostic
    address: Address | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict on one pull request with everything that led to it."""

    pull: PullRequest
    verdict: Verdict
    reason: str
    links: tuple[Link, ...] = ()
    findings: tuple[Finding, ...] = ()
    exemption: str = ""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(each.diagnostic for each in self.findings)


def list_unknown(pull: PullRequest, links: Links, policy: Policy) -> tuple[Address, ...]:
    """The addresses to look up: those that the description names and GitHub's graph does not hold, at most 100."""
    known = {each.address.key for each in pull.closing}
    named = {each.address.key: each.address for each in links.references}
    own = pull.address.repository
    wanted = [each for key, each in named.items() if key not in known and policy.takes(each.repository, own)]
    return tuple(wanted[:MOST_LOOKED_UP])


def link(
    pull: PullRequest,
    links: Links,
    policy: Policy,
    found: Mapping[tuple[str, int], LinkedIssue | Absence],
) -> tuple[Link, ...]:
    """Every issue that the pull request is linked to: GitHub's own links, then those of the description."""
    sidebar = {each.key for each in pull.sidebar}
    named = {each.address.key: each for each in reversed(links.references)}
    made = {}
    for issue in pull.closing:
        key = issue.address.key
        source = Source.SIDEBAR if key in sidebar else Source.KEYWORD
        made[key] = Link(address=issue.address, source=source, line=named[key].line if key in named else 0, issue=issue)
    for each in links.references:
        key = each.address.key
        if key not in made and (key in found or not policy.takes(each.address.repository, pull.address.repository)):
            held = found.get(key)
            made[key] = Link(
                address=each.address,
                source=Source.PARSER,
                line=each.line,
                is_closing=each.is_closing,
                issue=held if isinstance(held, LinkedIssue) else None,
                absence=held if isinstance(held, Absence) else None,
            )
    return tuple(_without_foreign(pull, each, policy) for each in made.values())


def _without_foreign(pull: PullRequest, made: Link, policy: Policy) -> Link:
    """Anybody may plan and assign the issues of a repository of their own."""
    if policy.takes(made.address.repository, pull.address.repository):
        return made
    return replace(made, issue=None, absence=Absence.FOREIGN)


def find_exemption(pull: PullRequest, exempt: Exemptions) -> str:
    """Why the pull request is not judged; empty when it is."""
    for login in exempt.authors:
        if login.casefold() == pull.author.casefold():
            return f"its author {login} is exempt"
    labels = {each.casefold() for each in pull.labels}
    for label in exempt.labels:
        if label.casefold() in labels:
            return f"its label {label} exempts it"
    for pattern in exempt.branches:
        # In a fork anybody may name a branch as they like.
        if not pull.is_from_fork and fnmatchcase(pull.head, pattern):
            return f"its branch matches {pattern}, which is exempt"
    return ""


def judge(pull: PullRequest, links: Links, made: tuple[Link, ...], policy: Policy) -> Judgement:
    """The verdict on the pull request with its links, most severe finding first."""
    exemption = find_exemption(pull, policy.exempt)
    if exemption:
        return Judgement(
            pull=pull, verdict=Verdict.SUCCESS, reason=f"exempt: {exemption}", exemption=exemption, links=made
        )
    findings = [*_judge_linked(pull, made, policy), *_judge_open(pull, made, policy)]
    for each in made:
        findings += _judge_issue(pull, each, policy)
    findings += _judge_texts(pull, links, made)
    findings.sort(key=lambda each: each.diagnostic.severity.rank)
    return _conclude(pull, made, tuple(findings))


def with_siblings(judged: Judgement, siblings: Iterable[Judgement]) -> Judgement:
    """The verdict that the common head can bear: the worst of all whose head it is."""
    worst = min([judged, *siblings], key=lambda each: WORST.index(each.verdict))
    if worst is judged:
        return judged
    reason = f"{_name(worst.pull.address, judged.pull)} has the same head: {worst.reason}"
    problem = SHARED_HEAD.found(reason, help="mend that one, or give one of the two a commit of its own")
    return replace(
        judged, verdict=worst.verdict, reason=reason, findings=(Finding(diagnostic=problem), *judged.findings)
    )


def _conclude(pull: PullRequest, made: tuple[Link, ...], findings: tuple[Finding, ...]) -> Judgement:
    judged = Judgement(pull=pull, verdict=Verdict.SUCCESS, reason="", links=made, findings=findings)
    errors = [each for each in findings if each.diagnostic.severity is Severity.ERROR]
    if pull.is_draft:
        return replace(judged, verdict=Verdict.PENDING, reason="a draft; it is judged when it is ready for review")
    if has_errors(judged.diagnostics):
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return replace(judged, verdict=Verdict.FAILURE, reason=errors[0].diagnostic.summary + more)
    names = [_name(each.address, pull) for each in made if each.issue or each.absence is Absence.INVISIBLE]
    reason = f"linked to {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return replace(judged, reason=reason if names else "linked to no issue, which the rules allow")


def _judge_linked(pull: PullRequest, made: tuple[Link, ...], policy: Policy) -> Iterator[Finding]:
    """At least one link leads to an issue; those that do not are told."""
    counted = [each for each in made if each.issue or each.absence is Absence.INVISIBLE]
    for each in made:
        if each.absence in ABSENCES:
            yield _absent(pull, each, policy.linked if not counted else Level.WARN)
        elif each.absence is Absence.INVISIBLE:
            yield from _invisible(each, policy)
    if not made:
        yield from _find(LINKED, policy.linked, f"{_name(pull.address, pull)} is linked to no issue", FORMS, AUTHOR)


ABSENCES = {
    Absence.MISSING: ("does not exist", f"{AUTHOR} can correct the number"),
    Absence.PULL_REQUEST: ("is a pull request", f"{AUTHOR} can name the issue that the pull request resolves"),
    Absence.FOREIGN: (
        "is in a repository whose issues do not count here",
        "whoever may edit the plan file can add the repository to `repositories:`",
    ),
}


def _absent(pull: PullRequest, made: Link, level: Level) -> Finding:
    assert made.absence is not None
    what, way_out = ABSENCES[made.absence]
    where = f" on line {made.line} of the description" if made.line else ""
    severity = Severity.ERROR if level is Level.FAIL else Severity.WARNING
    problem = replace(LINKED.found(f"{_name(made.address, pull)}{where} {what}", help=way_out), severity=severity)
    return Finding(diagnostic=problem, address=made.address)


def _invisible(made: Link, policy: Policy) -> Iterator[Finding]:
    level = {Invisible.PASS: Level.OFF, Invisible.WARN: Level.WARN, Invisible.FAIL: Level.FAIL}[policy.invisible]
    summary = f"{made.address} cannot be seen with this token, so nobody knows whether it is open"
    way_out = "give the input `token` a token that may read that repository's issues, or set `invisible: pass`"
    yield from _find(INVISIBLE, level, summary, way_out, OWNER, made.address)


def _judge_open(pull: PullRequest, made: tuple[Link, ...], policy: Policy) -> Iterator[Finding]:
    """One open issue is enough; further ones that are closed are told."""
    issues = [each.issue for each in made if each.issue]
    is_any_open = any(each.state is State.OPEN for each in issues)
    for each in issues:
        if each.state is State.CLOSED:
            how = f" ({each.state_reason})" if each.state_reason else ""
            way_out = "reopen it if it is not done, or link the open issue that this resolves"
            level = Level.WARN if is_any_open and policy.open is Level.FAIL else policy.open
            yield from _find(OPEN, level, f"{_name(each.address, pull)} is closed{how}", way_out, TRIAGE, each.address)


def _judge_issue(pull: PullRequest, made: Link, policy: Policy) -> Iterator[Finding]:
    issue = made.issue
    # A closed issue's milestone, assignees and labels are history.
    if issue is None or issue.state is State.CLOSED:
        return
    yield from _judge_milestone(pull, issue, policy)
    yield from _judge_assigned(pull, issue, policy)
    yield from _judge_labels(pull, issue, policy)
    if made.is_closing:
        yield from _judge_claims(pull, issue, policy)


def _judge_milestone(pull: PullRequest, issue: LinkedIssue, policy: Policy) -> Iterator[Finding]:
    title, problem = issue.milestone, ""
    way_out = "put it into an open milestone"
    if title is None:
        problem = f"{_name(issue.address, pull)} is in no milestone"
    elif issue.milestone_state is State.CLOSED:
        problem = f"{_name(issue.address, pull)} is in the milestone {title}, which is closed"
    elif _matches(title, policy.denied_milestones):
        problem = f"{_name(issue.address, pull)} is in the milestone {title}, which the rules deny"
    elif policy.allowed_milestones and not _matches(title, policy.allowed_milestones):
        problem = f"{_name(issue.address, pull)} is in the milestone {title}, which the rules do not allow"
        way_out = f"put it into one that matches: {', '.join(policy.allowed_milestones)}"
    if problem:
        yield from _find(MILESTONE, policy.milestone, problem, way_out, TRIAGE, issue.address)


def _judge_assigned(pull: PullRequest, issue: LinkedIssue, policy: Policy) -> Iterator[Finding]:
    if policy.assigned is Assignment.OFF:
        return
    who = {each.casefold() for each in issue.assignees}
    if not who:
        yield from _find(
            ASSIGNED,
            Level.FAIL,
            f"{_name(issue.address, pull)} is assigned to nobody",
            "assign it",
            TRIAGE,
            issue.address,
        )
    elif policy.assigned is Assignment.AUTHOR and pull.author.casefold() not in who:
        holders = ", ".join(issue.assignees)
        summary = f"{_name(issue.address, pull)} is assigned to {holders}, not to the author {pull.author}"
        way_out = f"assign it to {pull.author}, or agree with {holders} who does it"
        yield from _find(ASSIGNED, Level.FAIL, summary, way_out, TRIAGE, issue.address)


def _judge_labels(pull: PullRequest, issue: LinkedIssue, policy: Policy) -> Iterator[Finding]:
    held = {each.casefold() for each in issue.labels}
    missing = [each for each in policy.required_labels if each.casefold() not in held]
    if missing:
        summary = f"{_name(issue.address, pull)} lacks the label{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        yield from _find(LABELS, policy.labels, summary, "add what it lacks", TRIAGE, issue.address)


def _judge_claims(pull: PullRequest, issue: LinkedIssue, policy: Policy) -> Iterator[Finding]:
    rivals = [each for each in issue.claims if each.address.key != pull.address.key]
    if rivals:
        names = ", ".join(
            f"{_name(each.address, pull)}{' (a draft)' if each.is_draft else ''} by {each.author}" for each in rivals
        )
        summary = f"{_name(issue.address, pull)} is claimed by {_name(pull.address, pull)} and by {names}"
        way_out = "agree with the others on one of them, and close or unlink the rest"
        yield from _find(DUPLICATE_CLAIM, policy.duplicate_claim, summary, way_out, AUTHOR, issue.address)
    elif not issue.has_all_claims and policy.duplicate_claim is not Level.OFF:
        summary = f"nobody knows whether another pull request claims {_name(issue.address, pull)}: not all of them could be seen"
        yield from _find(
            DUPLICATE_CLAIM, Level.WARN, summary, "look at the issue's page for others", AUTHOR, issue.address
        )


def _judge_texts(pull: PullRequest, links: Links, made: tuple[Link, ...]) -> Iterator[Finding]:
    """What the description says in vain, or against its author's mind."""
    held = {each.address.key for each in made}
    is_linked = any(each.issue for each in made)
    shown = [each for each in links.hints if _is_worth_telling(each, held, is_linked=is_linked)]
    for hint in shown[:MOST_HINTS]:
        yield _tell_hint(pull, hint)
    if len(shown) > MOST_HINTS:
        summary = f"{len(shown) - MOST_HINTS} more texts are not counted as links"
        yield Finding(diagnostic=UNCOUNTED_LINK.found(summary))
    if len(links.references) > MOST_LOOKED_UP:
        summary = f"the description of {_name(pull.address, pull)} names more issues than the {MOST_LOOKED_UP} that are looked up"
        yield Finding(diagnostic=UNCOUNTED_LINK.found(summary, help=f"{AUTHOR} can split the pull request"))
    if not pull.is_into_default:
        for each in made:
            if each.issue and each.is_closing and each.source is not Source.SIDEBAR:
                summary = f"merging into {pull.base} will not close {_name(each.address, pull)}"
                why = f"GitHub closes issues on merges into the default branch, {pull.default_branch}."
                yield Finding(diagnostic=NOT_CLOSED_ON_MERGE.found(summary, why=why), address=each.address)


def _is_worth_telling(hint: Hint, held: set[tuple[str, int]], *, is_linked: bool) -> bool:
    if hint.reason is Reason.NEGATED:
        return True
    # What stands in code or in a template's comment was hardly meant, unless nothing else is there.
    if hint.reason in (Reason.CODE, Reason.COMMENT, Reason.NO_KEYWORD) and is_linked:
        return False
    return hint.address.key not in held


WHY = {
    Reason.CODE: ("it stands in code", "write it as plain text"),
    Reason.COMMENT: ("it stands in an HTML comment", "write it outside of the comment"),
    Reason.EMPHASIS: ("bold or italic type ends between the keyword and the number", "write `Closes #123`"),
    Reason.NEXT_LINE: ("keyword and number are on two lines", "write them on one line"),
    Reason.MEMBER: ("it has no keyword of its own", "write `closes #1, closes #2`"),
    Reason.TITLE: ("keywords in a title link nothing", "write it in the description"),
    Reason.NO_KEYWORD: ("it has no keyword", "write `Closes` before it if merging resolves it"),
}


def _tell_hint(pull: PullRequest, hint: Hint) -> Finding:
    place = f"on line {hint.line} of the description of" if hint.line else "in the title of"
    where = f"{place} {_name(pull.address, pull)}"
    if hint.reason is Reason.NEGATED:
        summary = f"“{hint.text}” {where} will close the issue, whatever the sentence says"
        problem = NEGATED_LINK.found(
            summary, help=f"GitHub reads no negations; {AUTHOR} can write the number without a keyword"
        )
    else:
        why, way_out = WHY[hint.reason]
        problem = UNCOUNTED_LINK.found(f"“{hint.text}” {where} does not count: {why}", help=f"{AUTHOR} can {way_out}")
    return Finding(diagnostic=problem, address=hint.address)


def _find(
    rule: Rule, level: Level, summary: str, way_out: str, fixer: str, address: Address | None = None
) -> Iterator[Finding]:
    if level is not Level.OFF:
        severity = Severity.ERROR if level is Level.FAIL else Severity.WARNING
        problem = replace(rule.found(summary, help=f"{fixer} can {way_out}"), severity=severity)
        yield Finding(diagnostic=problem, address=address)


def _matches(title: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(title, each) for each in patterns)


def _name(address: Address, pull: PullRequest) -> str:
    is_own = address.repository.casefold() == pull.address.repository.casefold()
    return f"#{address.number}" if is_own else str(address)
