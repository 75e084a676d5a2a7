"""The verdict as a function of values: what no repository of the stories shows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.core.gate import Judgement, Verdict, find_exemption, judge, link, list_unknown, with_siblings
from milepost.core.links import Address, Grammar
from milepost.core.model import State
from milepost.core.policy import Exemptions, Level, Policy
from milepost.core.pulls import Absence, Claim, LinkedIssue, PullRequest
from milepost.diagnostics import Severity

ISSUE = LinkedIssue(
    address=Address("o/r", 1),
    title="One",
    state=State.OPEN,
    state_reason="",
    milestone="v1",
    milestone_state=State.OPEN,
    assignees=("ann",),
    labels=("ready",),
)
PULL = PullRequest(
    address=Address("o/r", 10),
    title="P",
    body="",
    author="ann",
    state=State.OPEN,
    is_draft=False,
    base="main",
    default_branch="main",
    head="topic",
    head_sha="a" * 40,
    is_from_fork=False,
    closing=(ISSUE,),
)


def decide(pull: PullRequest, policy: Policy = Policy()) -> Judgement:  # noqa: B008 (frozen)
    """The judgement when everything that the description names is missing."""
    links = Grammar("o/r", "github.com", policy.keywords).read(pull.body, pull.title)
    missing = {each.key: Absence.MISSING for each in list_unknown(pull, links, policy)}
    return judge(pull, links, link(pull, links, policy, missing), policy)


def test_claims_that_could_not_be_seen_are_unknown() -> None:
    """A warning, however strict the rule; with the rule off, nothing."""
    blurred = replace(PULL, closing=(replace(ISSUE, has_all_claims=False),))

    strict = decide(blurred, Policy(duplicate_claim=Level.FAIL))
    off = decide(blurred, Policy(duplicate_claim=Level.OFF))

    assert [Severity.WARNING] == [each.severity for each in strict.diagnostics]
    assert "nobody knows whether another pull request claims #1" in strict.diagnostics[0].summary
    assert ((), Verdict.SUCCESS) == (off.diagnostics, strict.verdict)


def test_the_own_claim_is_no_rival_in_whatever_case() -> None:
    """GitHub's names have no case."""
    own = Claim(address=Address("O/R", 10), author="ann", is_draft=False)

    assert () == decide(replace(PULL, closing=(replace(ISSUE, claims=(own,)),))).diagnostics


def test_a_wall_of_texts_that_do_not_count_is_cut() -> None:
    """Eight are told, and how many more there are."""
    body = "closes #1" + "".join(f", #{number}" for number in range(2, 22))

    found = decide(replace(PULL, body=body)).diagnostics

    assert (9, "12 more texts are not counted as links") == (len(found), found[-1].summary)


def test_an_exemption_must_match() -> None:
    """Other labels, authors and branches exempt nobody."""
    exempt = Exemptions(authors=("bob",), labels=("a", "b"), branches=("x*", "y"))

    assert "" == find_exemption(replace(PULL, labels=("c",)), exempt)


def test_a_link_from_the_title_or_code_is_told_when_there_is_no_other() -> None:
    """And nobody is bothered when there is one."""
    bare = replace(PULL, closing=(), title="Fix it: fixes #1", body="`fixes #2`")

    assert ["linked", "uncounted-link", "uncounted-link"] == [each.rule for each in decide(bare).diagnostics]
    assert () == decide(replace(bare, closing=(ISSUE,))).diagnostics


def test_several_errors_are_counted_in_the_reason() -> None:
    """The status has room for one."""
    closed = replace(PULL, closing=(), body="closes #98, closes #99")

    assert "#98 on line 1 of the description does not exist (and 1 more)" == decide(closed).reason


def test_more_names_than_are_looked_up_are_told() -> None:
    """The first hundred are looked up; the rest links nothing."""
    body = " ".join(f"closes #{number}" for number in range(100, 250))

    found = decide(replace(PULL, body=body))

    assert 101 == len(found.links)
    assert "names more issues than the 100 that are looked up" in found.diagnostics[-1].summary


def test_the_worst_of_those_that_share_a_head_counts() -> None:
    """A status cannot tell them apart; one that is no worse changes nothing."""
    good, bad = decide(PULL), decide(replace(PULL, address=Address("o/r", 11), closing=()))

    shared = with_siblings(good, [bad, good])

    assert (Verdict.FAILURE, "#11 has the same head: #11 is linked to no issue") == (shared.verdict, shared.reason)
    assert "shared-head" == shared.diagnostics[0].rule
    assert good is with_siblings(good, [good])
    assert bad is with_siblings(bad, [good])


LEVELS = st.sampled_from(Level)
ISSUES = st.builds(
    LinkedIssue,
    address=st.builds(Address, st.sampled_from(["o/r", "a/b"]), st.integers(1, 4)),
    title=st.text(max_size=5),
    state=st.sampled_from(State),
    state_reason=st.sampled_from(["", "completed"]),
    milestone=st.sampled_from([None, "v1", "Backlog"]),
    milestone_state=st.sampled_from(State),
    assignees=st.sampled_from([(), ("ann",), ("bob", "Ann")]),
    labels=st.sampled_from([(), ("ready",)]),
    claims=st.sampled_from([(), (Claim(address=Address("o/r", 3), author="x", is_draft=True),)]),
    has_all_claims=st.booleans(),
)
POLICIES = st.builds(
    Policy,
    linked=LEVELS,
    open=LEVELS,
    milestone=LEVELS,
    labels=LEVELS,
    duplicate_claim=LEVELS,
    required_labels=st.sampled_from([(), ("ready", "big")]),
    allowed_milestones=st.sampled_from([(), ("v*",)]),
    denied_milestones=st.sampled_from([(), ("Back*",)]),
    repositories=st.sampled_from([(), ("A/*", "o/*")]),
)
BODIES = st.sampled_from(["", "closes #1", "closes #7, closes a/b#2", "not close #2, #3", "`fixes #1`"])


@settings(max_examples=300)
@given(
    issues=st.lists(ISSUES, max_size=3, unique_by=lambda each: each.address.key),
    policy=POLICIES,
    body=BODIES,
    base=st.sampled_from(["main", "dev"]),
    absence=st.sampled_from(Absence),
)
def test_a_verdict_fails_exactly_when_something_is_an_error(
    issues: list[LinkedIssue], policy: Policy, body: str, base: str, absence: Absence
) -> None:
    """Total over all that GitHub may hold; errors come first; with every rule off nothing fails."""
    pull = replace(
        PULL, body=body, base=base, closing=tuple(issues), sidebar=tuple(each.address for each in issues[:1])
    )
    links = Grammar("o/r", "github.com").read(body)
    made = link(pull, links, policy, {("a/b", 2): absence, ("o/r", 1): ISSUE})
    lenient = Policy(linked=Level.OFF, open=Level.OFF, milestone=Level.OFF, duplicate_claim=Level.OFF)

    found = judge(pull, links, made, policy)

    ranks = [each.severity.rank for each in found.diagnostics]
    assert ranks == sorted(ranks)
    assert (found.verdict is Verdict.FAILURE) == (0 in ranks)
    assert found.reason
    assert Verdict.SUCCESS is judge(pull, links, made, lenient).verdict
