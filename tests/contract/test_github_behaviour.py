"""What GitHub does, asked of the simulator, or with `--live OWNER/REPO` and GITHUB_TOKEN of github.com itself.

A live run makes everything under a prefix of its own and takes it away again; issues, which cannot be deleted,
are closed. It refuses a repository whose name does not hold `scratch`.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from milepost.core.links import Grammar
from milepost.simulator import Simulator


class Host:
    """One GitHub: raw requests below one repository, with what was made kept for the end."""

    def __init__(self, base: str, graphql: str, repository: str, token: str, *, is_live: bool = True) -> None:
        self.is_live = is_live
        self.base, self.graphql, self.repository, self.token = base, graphql, repository, token
        self.prefix = f"milepost-{uuid.uuid4().hex[:8]}"
        self.made: list[tuple[str, str, Any]] = []

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and answer."""
        address = self.graphql if path == "/graphql" else f"{self.base}/repos/{self.repository}{path}"
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _named(answer.headers), _read(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _named(error.headers), _read(error.read())

    def milestone(self, title: str, **fields: Any) -> Any:
        """A milestone of this test, taken away at the end."""
        status, _, answer = self("POST", "/milestones", {"title": self.named(title), **fields})
        assert 201 == status, answer
        self.made.append(("DELETE", f"/milestones/{answer['number']}", None))
        return answer

    def issue(self, title: str, **fields: Any) -> Any:
        """An issue of this test, closed at the end."""
        status, _, answer = self("POST", "/issues", {"title": self.named(title), **fields})
        assert 201 == status, answer
        self.made.append(("PATCH", f"/issues/{answer['number']}", {"state": "closed", "milestone": None, "labels": []}))
        return answer

    def pull(self, name: str, body: str, base: str = "") -> Any:
        """A pull request of this test with one commit, closed at the end, and its branch gone."""
        default = self.query("defaultBranchRef { name target { oid } }")["repository"]["defaultBranchRef"]
        head = f"{self.prefix}-{name}"
        self("POST", "/git/refs", {"ref": f"refs/heads/{head}", "sha": default["target"]["oid"]})
        self.made.append(("DELETE", f"/git/refs/heads/{head}", None))
        file = {"message": head, "content": "eA==", "branch": head}
        status, _, answer = self("PUT", f"/contents/{head}.txt", file)
        assert 201 == status, answer
        asked = {"title": self.named(name), "head": head, "base": base or default["name"], "body": body}
        status, _, answer = self("POST", "/pulls", asked)
        assert 201 == status, answer
        self.made.append(("PATCH", f"/pulls/{answer['number']}", {"state": "closed"}))
        return answer

    def linked(self, number: int, most: int) -> list[int]:
        """The issues that GitHub links to the pull request; on github.com they take some seconds to appear."""
        fields = f"pullRequest(number: {number}) {{ closingIssuesReferences(first: 50) {{ nodes {{ number }} }} }}"
        found: list[int] = []
        for _ in range(12 if self.is_live else 1):
            nodes = self.query(fields)["repository"]["pullRequest"]["closingIssuesReferences"]["nodes"]
            found = sorted(each["number"] for each in nodes)
            if len(found) >= most:
                break
            time.sleep(5 * self.is_live)
        return found

    def query(self, fields: str) -> Any:
        owner, _, name = self.repository.partition("/")
        text = f'{{ viewer {{ login }} repository(owner: "{owner}", name: "{name}") {{ {fields} }} }}'
        return self("POST", "/graphql", {"query": text})[2]["data"]

    def named(self, title: str) -> str:
        return f"{self.prefix} {title}"

    def clean(self) -> None:
        for method, path, body in reversed(self.made):
            self(method, path, body)


@pytest.fixture
def host(request: pytest.FixtureRequest, make_github: Callable[..., Simulator]) -> Iterator[Host]:
    """The simulator; with `--live` github.com."""
    live = request.config.getoption("--live")
    if not live:
        github = make_github()
        yield Host(github.url, f"{github.url}/graphql", "octo/widgets", "admin-token", is_live=False)
        return
    if "scratch" not in live.partition("/")[2]:
        pytest.fail(
            f"--live {live}: the repository's name must hold `scratch`, since things are made and deleted there"
        )
    base = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    real = Host(base, os.environ.get("GITHUB_GRAPHQL_URL", f"{base}/graphql"), live, os.environ["GITHUB_TOKEN"])
    with contextlib.ExitStack() as stack:
        stack.callback(real.clean)
        yield real


@pytest.mark.parametrize("day", ["2026-01-15", "2026-07-15", "2026-03-08", "2026-11-01", "2028-02-29"])
def test_noon_in_utc_is_kept_as_that_day_in_california(day: str, host: Host, record: Callable[..., None]) -> None:
    """What the suite sends for a due date comes back as 07:00Z or 08:00Z of that day."""
    due_on = host.milestone(f"due {day}", due_on=f"{day}T12:00:00Z")["due_on"]

    record(day, due_on)
    assert due_on in (f"{day}T07:00:00Z", f"{day}T08:00:00Z")


def test_null_clears_a_due_date(host: Host, record: Callable[..., None]) -> None:
    """And `state` and `description` stay."""
    made = host.milestone("null", due_on="2026-07-15T12:00:00Z", description="d")

    status, _, answer = host("PATCH", f"/milestones/{made['number']}", {"due_on": None})

    record(status, answer.get("due_on"))
    assert (200, None, "d") == (status, answer["due_on"], answer["description"])


def test_titles_are_unique_with_case(host: Host, record: Callable[..., None]) -> None:
    """The same title is refused on creation and rename; another case is another milestone."""
    host.milestone("Title")
    other = host.milestone("TITLE")

    again = host("POST", "/milestones", {"title": host.named("Title")})
    renamed = host("PATCH", f"/milestones/{other['number']}", {"title": host.named("Title")})

    record(again[0], again[2].get("errors"), renamed[0])
    assert [422, 422] == [again[0], renamed[0]]
    assert "already_exists" == again[2]["errors"][0]["code"]


def test_an_issue_is_created_in_its_milestone_with_labels_that_come_into_being(
    host: Host, record: Callable[..., None]
) -> None:
    """One request places and labels it."""
    milestone = host.milestone("place")
    label = host.named("label")[:50]
    host.made.append(("DELETE", f"/labels/{urllib.parse.quote(label)}", None))

    issue = host.issue("one", milestone=milestone["number"], labels=[label])

    record(issue["milestone"]["number"], [each["name"] for each in issue["labels"]])
    assert (milestone["number"], [label]) == (issue["milestone"]["number"], [each["name"] for each in issue["labels"]])


def test_a_label_is_found_without_case_by_rest_and_graphql(host: Host, record: Callable[..., None]) -> None:
    """The second creation is refused; both interfaces find the other spelling."""
    name = host.named("Mixed")[:50]
    host.made.append(("DELETE", f"/labels/{urllib.parse.quote(name)}", None))
    host("POST", "/labels", {"name": name, "color": "ff0000"})

    again = host("POST", "/labels", {"name": name.upper()})
    rest = host("GET", f"/labels/{urllib.parse.quote(name.upper())}")
    graphql = host.query(f'label(name: "{name.upper()}") {{ name }}')["repository"]["label"]

    record(again[0], rest[0], graphql)
    assert (422, 200, {"name": name}) == (again[0], rest[0], graphql)


def test_a_twin_is_closed_as_duplicate_and_leaves_its_milestone(host: Host, record: Callable[..., None]) -> None:
    """In one request, with the text changed too."""
    milestone = host.milestone("twins")
    twin = host.issue("twin", milestone=milestone["number"])

    body = {"state": "closed", "state_reason": "duplicate", "milestone": None, "body": "changed"}
    status, _, answer = host("PATCH", f"/issues/{twin['number']}", body)

    record(status, answer.get("state_reason"), answer.get("milestone"))
    assert (200, "closed", "duplicate", None) == (status, answer["state"], answer["state_reason"], answer["milestone"])


def test_a_sub_issue_is_named_by_its_id(host: Host, record: Callable[..., None]) -> None:
    """The number is not the id; `replace_parent` moves it."""
    first, second, child = host.issue("p"), host.issue("q"), host.issue("c")
    made = host("POST", f"/issues/{first['number']}/sub_issues", {"sub_issue_id": child["id"]})[0]
    refused = host("POST", f"/issues/{second['number']}/sub_issues", {"sub_issue_id": child["id"]})[0]
    moved = host(
        "POST", f"/issues/{second['number']}/sub_issues", {"sub_issue_id": child["id"], "replace_parent": True}
    )[0]
    parent = host("GET", f"/issues/{child['number']}/parent")[2]

    record(made, refused, moved, parent.get("number"))
    assert (201, 422, 201, second["number"]) == (made, refused, moved, parent["number"])


def test_a_reference_exists_once(host: Host, record: Callable[..., None]) -> None:
    """The second creation says so in words that we look for."""
    default = host.query("defaultBranchRef { name target { oid } }")["repository"]["defaultBranchRef"]
    ref = {"ref": f"refs/heads/{host.prefix}/a", "sha": default["target"]["oid"]}
    first, second = host("POST", "/git/refs", ref), host("POST", "/git/refs", ref)
    host.made.append(("DELETE", f"/git/refs/heads/{host.prefix}/a", None))

    record(first[0], second[0], second[2].get("message"))
    assert (201, 422, "Reference already exists") == (first[0], second[0], second[2]["message"])


def test_graphql_shows_milestones_with_their_issues_and_pull_requests_apart(
    host: Host, record: Callable[..., None]
) -> None:
    """The counts that the suite packs its queries by."""
    milestone = host.milestone("counts")
    host.issue("one", milestone=milestone["number"])

    found = host.query(
        f"milestone(number: {milestone['number']}) {{ title issues(first: 1) {{ totalCount }} pullRequests(first: 1) {{ totalCount }} }}"
    )

    record(found["repository"]["milestone"])
    assert (1, 0) == tuple(found["repository"]["milestone"][name]["totalCount"] for name in ("issues", "pullRequests"))


def test_a_missing_issue_is_an_error_beside_the_rest(host: Host, record: Callable[..., None]) -> None:
    """Its part is null, the others are there, and the error has a path of two."""
    owner, _, name = host.repository.partition("/")
    text = f'{{ repository(owner: "{owner}", name: "{name}") {{ name a: issue(number: 99999999) {{ title }} }} }}'

    answer = host("POST", "/graphql", {"query": text})[2]

    record(answer)
    assert (name, None) == (answer["data"]["repository"]["name"], answer["data"]["repository"]["a"])
    assert ("NOT_FOUND", ["repository", "a"]) == (answer["errors"][0]["type"], answer["errors"][0]["path"])


def test_an_unchanged_list_is_not_sent_again(host: Host, record: Callable[..., None]) -> None:
    """304 for the tag of the first answer."""
    tag = host("GET", "/milestones?state=all")[1]["etag"]

    status = host("GET", "/milestones?state=all", **{"If-None-Match": tag})[0]

    record(status)
    assert 304 == status


LINKING = {
    "Closes #{}": True,
    "closes: #{}": True,
    "FIXES: GH-{}": True,
    "Resolves {repository}#{}": True,
    "fixes [this issue]({url}/issues/{})": True,
    "Closes {url}/issues/{}": True,
    "Does **not** close #{}": True,
    "- [x] Closes #{}": True,
    "**Closes:** #{}": False,
    "`Fixes #{}`": False,
    "```\nCloses #{}\n```": False,
    "<!-- Fixes #{} -->": False,
    "This discloses #{}": False,
    "Refs #{}": False,
}


def test_github_links_what_our_own_reading_links(host: Host, record: Callable[..., None]) -> None:
    """Each form in a paragraph of its own; the gate's reading of the whole agrees, one by one."""
    issues = [host.issue(f"form {place}") for place in range(len(LINKING))]
    url = issues[0]["html_url"].rpartition("/issues/")[0]
    forms = zip(LINKING, issues, strict=True)
    body = "\n\n".join(form.format(issue["number"], url=url, repository=host.repository) for form, issue in forms)
    expected = [each["number"] for each, is_linked in zip(issues, LINKING.values(), strict=True) if is_linked]
    pull = host.pull("links", body)

    found = host.linked(pull["number"], len(expected))
    ours = Grammar(host.repository, urllib.parse.urlsplit(url).netloc).read(body)

    record({form: issue["number"] in found for form, issue in zip(LINKING, issues, strict=True)})
    assert expected == found
    assert expected == sorted(each.address.number for each in ours.references)


def test_into_another_branch_nothing_is_linked(host: Host, record: Callable[..., None]) -> None:
    """Keywords count for the default branch only."""
    issue, first = host.issue("base"), host.pull("one", "")
    pull = host.pull("two", f"Closes #{issue['number']}", base=first["head"]["ref"])

    found = host.linked(pull["number"], 1)

    record(found)
    assert [] == found


def test_a_pull_request_shows_the_status_of_its_head(host: Host, record: Callable[..., None]) -> None:
    """By the newest of each context, with the last commit; nothing before there is one."""
    pull = host.pull("status", "")
    fields = (
        f"pullRequest(number: {pull['number']}) {{ headRefOid commits(last: 1) {{ nodes {{ commit {{"
        ' oid status { context(name: "a/b") { state description } } } } } }'
    )
    before = host.query(fields)["repository"]["pullRequest"]["commits"]["nodes"][0]["commit"]
    for state in ("pending", "failure"):
        host("POST", f"/statuses/{pull['head']['sha']}", {"state": state, "context": "a/b", "description": state})
    after = host.query(fields)["repository"]["pullRequest"]

    commit = after["commits"]["nodes"][0]["commit"]
    record(before, commit)
    assert None is before["status"]
    assert (after["headRefOid"], {"state": "FAILURE", "description": "failure"}) == (
        commit["oid"],
        commit["status"]["context"],
    )


def test_a_file_of_the_default_branch_is_read_by_its_path(host: Host, record: Callable[..., None]) -> None:
    """`HEAD:PATH`; what is not there is null, and no error."""
    found = host.query('object(expression: "HEAD:no/such/file.yml") { ... on Blob { text isTruncated } }')

    record(found)
    assert None is found["repository"]["object"]


def test_an_orphan_branch_is_appended_to_from_its_head_only(host: Host, record: Callable[..., None]) -> None:
    """A root commit makes it; a commit on another head than the branch's is STALE_DATA; folders nest."""
    name = f"{host.prefix}-data"
    entry = {"path": "größe/1/a.json", "mode": "100644", "type": "blob", "content": "1"}
    tree = host("POST", "/git/trees", {"tree": [entry]})[2]["sha"]
    root = host("POST", "/git/commits", {"message": "root", "tree": tree, "parents": []})[2]
    status, _, _ = host("POST", "/git/refs", {"ref": f"refs/heads/{name}", "sha": root["sha"]})
    host.made.append(("DELETE", f"/git/refs/heads/{name}", None))
    again = host("POST", "/git/refs", {"ref": f"refs/heads/{name}", "sha": root["sha"]})
    first, second = (_append(host, name, root["sha"], f"größe/{each}.json") for each in "23")
    gone = _append(host, f"{name}-gone", root["sha"], "a.json")
    file = "... on Blob { text byteSize isBinary isTruncated }"
    nested = f"name object {{ {file} ... on Tree {{ entries {{ name object {{ {file} }} }} }} }}"
    asked = f'object(expression: "refs/heads/{name}:größe") {{ ... on Tree {{ entries {{ {nested} }} }} }}'
    found = host.query(asked)["repository"]["object"]

    record(status, again, first, second, gone, found)
    assert (201, [], 422) == (status, root["parents"], again[0])
    assert "already exists" in again[2]["message"]
    assert "errors" not in first
    assert ["STALE_DATA"] == [each["type"] for each in second["errors"]]
    assert "NOT_FOUND" == gone["errors"][0]["type"]
    assert ["1", "2.json"] == [each["name"] for each in found["entries"]]
    assert "1" == found["entries"][0]["object"]["entries"][0]["object"]["text"]


def _append(host: Host, branch: str, head: str, path: str) -> Any:
    """The answer to a commit of one file."""
    text = "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }"
    input = {
        "branch": {"repositoryNameWithOwner": host.repository, "branchName": branch},
        "expectedHeadOid": head,
        "message": {"headline": path},
        "fileChanges": {"additions": [{"path": path, "contents": "eA=="}]},
    }
    return host("POST", "/graphql", {"query": text, "variables": {"input": input}})[2]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """With `--live-record FILE`, what github.com answered is kept there with its date."""
    path = request.config.getoption("--live-record")

    def keep(*values: Any) -> None:
        if path:
            file = Path(path)
            kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
            date = datetime.now(timezone.utc).isoformat(timespec="seconds")
            kept.append({"test": request.node.name, "date": date, "found": list(values)})
            file.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")

    return keep


def _named(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _read(data: bytes) -> Any:
    return json.loads(data) if data else None
