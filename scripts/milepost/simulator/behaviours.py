"""What the simulator imitates, and how sure that is: the table of docs/simulator.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Evidence(str, Enum):
    """Documented: GitHub says so. Recorded: seen on the live service. Assumed: neither; our best reading."""

    DOCUMENTED = "documented"
    RECORDED = "recorded"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Behaviour:
    """One row; `test` is the test below tests/simulator/ that shows it."""

    area: str
    behaviour: str
    evidence: Evidence
    source: str
    test: str


_D, _R, _A = Evidence.DOCUMENTED, Evidence.RECORDED, Evidence.ASSUMED
BEHAVIOURS = (
    Behaviour(
        "milestones",
        "`due_on` is floored to midnight in California",
        _R,
        "microsoft/PowerShellForGitHub#133",
        "test_a_due_date_is_floored_to_midnight_in_california",
    ),
    Behaviour(
        "milestones",
        "a date without a time is refused with 422",
        _R,
        "PyGithub/PyGithub#396",
        "test_a_bare_date_is_refused",
    ),
    Behaviour(
        "milestones",
        "`due_on: null` clears the due date",
        _R,
        "PyGithub/PyGithub#2533",
        "test_null_clears_a_due_date",
    ),
    Behaviour(
        "milestones",
        "a title is unique among open and closed ones, with case, also by rename: 422 `already_exists`",
        _R,
        "wso2/labs-agentic-engineer#313",
        "test_a_title_is_unique_with_case",
    ),
    Behaviour(
        "milestones",
        "`?milestone=` brings case twins together",
        _R,
        "wso2/labs-agentic-engineer#313",
        "test_the_milestone_filter_unites_case_twins",
    ),
    Behaviour(
        "milestones",
        "counts include pull requests",
        _R,
        "wso2/labs-agentic-engineer#313",
        "test_counts_include_pull_requests",
    ),
    Behaviour(
        "milestones",
        "the list shows open ones by due date unless asked otherwise",
        _D,
        "REST: List milestones",
        "test_the_list_shows_open_milestones_by_due_date",
    ),
    Behaviour(
        "milestones",
        "a number is not given out again after a deletion",
        _A,
        "no source found",
        "test_a_number_is_not_given_out_again",
    ),
    Behaviour(
        "milestones",
        "deleting one detaches its issues",
        _R,
        "wso2/labs-agentic-engineer#313",
        "test_deleting_a_milestone_detaches_its_issues",
    ),
    Behaviour(
        "paging",
        "30 per page, 100 at most, `Link` with next, last, prev and first",
        _D,
        "REST: Using pagination",
        "test_lists_come_in_pages",
    ),
    Behaviour(
        "labels",
        "names are unique without case: 422 `already_exists`",
        _D,
        "REST: Labels",
        "test_a_label_is_unique_without_case",
    ),
    Behaviour(
        "labels",
        "a label that an issue names comes into being",
        _R,
        "octokit/fixtures",
        "test_a_label_that_an_issue_names_comes_into_being",
    ),
    Behaviour(
        "issues",
        "without push access milestone, labels, assignees and type are dropped silently",
        _D,
        "REST: Create an issue",
        "test_planning_fields_are_dropped_without_push_access",
    ),
    Behaviour(
        "issues",
        "who cannot be assigned is dropped silently",
        _D,
        "REST: Add assignees to an issue",
        "test_who_cannot_be_assigned_is_dropped",
    ),
    Behaviour(
        "issues",
        "closing a milestone changes nothing about its issues, and it still takes issues",
        _R,
        "wso2/labs-agentic-engineer#313",
        "test_a_closed_milestone_still_takes_issues",
    ),
    Behaviour(
        "issues",
        "a sub-issue is named by its database id, and has one parent",
        _D,
        "REST: Sub-issues",
        "test_a_sub_issue_has_one_parent",
    ),
    Behaviour(
        "issues",
        "timeline events name the milestone by title only",
        _D,
        "GraphQL: MilestonedEvent",
        "test_the_timeline_names_the_milestone_by_title",
    ),
    Behaviour(
        "pull requests",
        "they are issues: listed, counted, labelled",
        _D,
        "REST: Issues",
        "test_a_pull_request_is_an_issue",
    ),
    Behaviour(
        "pull requests",
        "closing references count on the default branch only, beside sidebar links",
        _D,
        "Linking a pull request to an issue",
        "test_closing_references_count_on_the_default_branch_only",
    ),
    Behaviour(
        "pull requests",
        "merging closes the issues that it references; a second merge is 405",
        _D,
        "REST: Merge a pull request",
        "test_merging_closes_what_it_references",
    ),
    Behaviour(
        "permissions",
        "a workflow's token without the scope: 403 `Resource not accessible by integration`",
        _D,
        "REST: Troubleshooting",
        "test_a_workflow_token_may_what_it_was_granted",
    ),
    Behaviour(
        "permissions",
        "what a token may not see is 404; an unknown token is 401",
        _D,
        "REST: Troubleshooting",
        "test_what_is_hidden_is_not_found",
    ),
    Behaviour(
        "limits",
        "80 content-creating requests a minute and 500 an hour: 403 with `Retry-After`",
        _D,
        "REST: Rate limits",
        "test_content_is_limited_by_minute_and_hour",
    ),
    Behaviour(
        "limits",
        "the primary limit: 403 with `X-RateLimit-Remaining: 0`",
        _D,
        "REST: Rate limits",
        "test_requests_are_limited_by_hour",
    ),
    Behaviour(
        "caching",
        "`ETag`, and 304 for `If-None-Match`",
        _D,
        "REST: Best practices",
        "test_an_unchanged_answer_is_not_sent_again",
    ),
    Behaviour(
        "references",
        "an existing reference is 422 `Reference already exists`",
        _R,
        "octokit/fixtures",
        "test_a_reference_exists_once",
    ),
    Behaviour(
        "releases",
        "publishing makes a missing tag at `target_commitish`",
        _D,
        "REST: Create a release",
        "test_publishing_makes_a_missing_tag",
    ),
    Behaviour(
        "workflows",
        "a dispatch with an input that is not declared is 422",
        _D,
        "REST: Create a workflow dispatch event",
        "test_a_dispatch_takes_declared_inputs_only",
    ),
    Behaviour(
        "GraphQL",
        "a bot's login has no `[bot]`, the viewer's has",
        _R,
        "marocchino/sticky-pull-request-comment",
        "test_a_bot_has_two_spellings",
    ),
    Behaviour(
        "GraphQL",
        "page sizes are 1 to 100 and must be given; 500,000 nodes at most",
        _D,
        "GraphQL: Rate and node limits",
        "test_graphql_limits_pages_and_nodes",
    ),
    Behaviour(
        "GraphQL",
        "what is not there is null with an error of type NOT_FOUND",
        _D,
        "GraphQL: Forming calls",
        "test_graphql_names_what_it_does_not_find",
    ),
    Behaviour(
        "GraphQL",
        "`label(name:)` finds a label without case",
        _A,
        "no source found",
        "test_graphql_finds_a_label_without_case",
    ),
)
