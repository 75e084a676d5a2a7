"""GitHub's tags: annotated ones, made once, never moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from milepost.core.release import Tag
from milepost.core.release_checks import TAG_ELSEWHERE
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused
from milepost.remote.client import Client

NO_TAG_PERMISSION = Rule("no-tag-permission", Severity.ERROR, "The token may write contents, and not make this tag.")
RULES = (NO_TAG_PERMISSION,)

READ = "contents: read"
NEEDS = "contents: write"
# A tag may lead to another tag; what nests deeper than this counts as leading nowhere.
TAG = """
fragment T on Ref { target { __typename oid ... on Tag { message target { __typename oid
  ... on Tag { target { __typename oid ... on Tag { target { __typename oid ... on Tag { target { __typename oid } } } } } }
} } } }"""
FIND = """
query($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) { ref(qualifiedName: $ref) { ...T } }
}"""


def tag_of(name: str, ref: Mapping[str, Any] | None) -> Tag | None:
    """The tag that GraphQL tells of by the fragment, with the commit that it leads to; None when there is none."""
    if ref is None:
        return None
    message, target = ref["target"].get("message"), ref["target"]
    while target and target["__typename"] == "Tag":
        target = target.get("target")
    is_commit = target is not None and target["__typename"] == "Commit"
    return Tag(name=name, commit=target["oid"] if target and is_commit else "", message=message)


def find_tag(client: Client, name: str) -> Tag | None:
    """The tag as it is this moment; None when there is none."""
    variables = {**client.names, "ref": f"refs/tags/{name}"}
    return tag_of(name, client.query(FIND + TAG, variables, needs=READ)["repository"]["ref"])


def create_tag(client: Client, *, name: str, commit: str, message: str, date: str, login: str) -> Tag:
    """The annotated tag is there, on that commit; a tag that leads there already, whoever made it, is as good.

    With the `date` of what it stands for, and not of now, the object is the same each time it is made, and git keeps
    one: so it may be sent again, and one that no reference holds is forgotten. Raises Refused for a tag elsewhere.
    """
    tagger = {"name": login, "email": f"{login}@users.noreply.github.com", "date": date}
    body = {"tag": name, "message": message, "object": commit, "type": "commit", "tagger": tagger}
    made = client.add("/git/tags", body, needs=NEEDS)
    reference = {"ref": f"refs/tags/{name}", "sha": made["sha"]}
    try:
        answer = client.create("/git/refs", reference, lambda: find_tag(client, name), needs=NEEDS)
    except Refused as refusal:
        if refusal.status in (403, 404):
            raise Refused(_may_not(name, commit, refusal), status=refusal.status) from None
        raise
    found = answer if isinstance(answer, Tag) else Tag(name=name, commit=commit, message=message)
    if found.commit != commit:
        summary = f"the tag {name!r} is on commit {found.commit or 'none'}, and {commit} is to be released"
        way_out = "release under another title, or look at who made the tag and delete it"
        raise Refused(TAG_ELSEWHERE.found(summary, help=way_out), status=422)
    return found


def _may_not(name: str, commit: str, refusal: Refused) -> Any:
    """GitHub has just taken the tag object from the same token, so that it is not `contents: write` that is missing.

    REST: "Create a release" tells the rule for releases; references are refused alike.
    """
    return NO_TAG_PERMISSION.found(
        f"GitHub refused the tag {name!r} on {commit}: {refusal.diagnostic.summary}",
        why="a commit that changes files below .github/workflows/ against the default branch takes the permission"
        " `workflows: write`, which the job's own token cannot have; a ruleset for tags may refuse as well",
        help="give as `token` that of a GitHub App with `contents: write` and `workflows: write`"
        " (actions/create-github-app-token), or release a commit of the default branch",
    )
