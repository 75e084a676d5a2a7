"""Writes the simulator's schema.graphql: GitHub's published schema, cut down to the fields that we use.

npm pack @octokit/graphql-schema@15.26.1 && tar xzf octokit-graphql-schema-15.26.1.tgz
python3 tests/contract/github/prune_graphql.py package/schema.graphql
"""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from pathlib import Path

from graphql import (
    DocumentNode,
    Node,
    ObjectTypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)
from graphql.language import InterfaceTypeDefinitionNode, NamedTypeNode, Visitor, visit

TARGET = Path(__file__).parents[3] / "scripts" / "milepost" / "simulator" / "schema.graphql"
CONNECTION = "edges nodes pageInfo totalCount"
EVENT = "actor createdAt id"
KEPT = {
    "Query": "node nodes rateLimit repository viewer",
    "Mutation": "addComment addSubIssue closeIssue createCommitOnBranch createIssue deleteIssueComment minimizeComment"
    " removeSubIssue reopenIssue unminimizeComment updateIssue updateIssueComment",
    "RateLimit": "cost limit nodeCount remaining resetAt used",
    "Repository": "createdAt databaseId defaultBranchRef description hasIssuesEnabled id isArchived isFork isPrivate"
    " issue issueOrPullRequest issues label labels milestone milestones name nameWithOwner object owner pullRequest"
    " pullRequests ref release releases url viewerCanAdminister viewerPermission",
    "RepositoryOwner": "id login url",
    "Ref": "id name target",
    "GitObject": "id oid",
    "Commit": "associatedPullRequests id oid message status statusCheckRollup tree",
    "StatusCheckRollup": "commit contexts id state",
    "StatusCheckRollupContext": "",
    "CheckRun": "checkSuite conclusion databaseId id name startedAt status",
    "CheckSuite": "app id workflowRun",
    "App": "id slug",
    "WorkflowRun": "id workflow",
    "Workflow": "id name",
    "Release": "author createdAt databaseId description id isDraft isPrerelease name publishedAt tagName url",
    "Status": "context contexts id state",
    "StatusContext": "context createdAt creator description id state targetUrl",
    "Tag": "id message name oid target",
    "Tree": "entries id oid",
    "TreeEntry": "mode name object oid path size type",
    "Blob": "byteSize id isBinary isTruncated oid text",
    "Label": "color description id name url",
    "Milestone": "closed closedAt createdAt creator description dueOn id issues number progressPercentage pullRequests"
    " repository state title updatedAt url",
    "Issue": "assignees author authorAssociation body closed closedAt closedByPullRequestsReferences comments createdAt"
    " databaseId editor fullDatabaseId id includesCreatedEdit labels lastEditedAt locked milestone number parent"
    " repository state stateReason subIssues subIssuesSummary timelineItems title updatedAt url viewerCanUpdate"
    " viewerDidAuthor",
    "SubIssuesSummary": "completed percentCompleted total",
    "IssueComment": "author authorAssociation body createdAt databaseId editor fullDatabaseId id includesCreatedEdit"
    " isMinimized issue lastEditedAt minimizedReason updatedAt url viewerCanMinimize viewerCanUpdate viewerDidAuthor",
    "Minimizable": "isMinimized minimizedReason viewerCanMinimize",
    "PullRequest": "assignees author authorAssociation baseRefName baseRefOid body closed closedAt"
    " closingIssuesReferences comments commits createdAt editor fullDatabaseId headRefName headRefOid headRepository"
    " id includesCreatedEdit isCrossRepository isDraft labels lastEditedAt locked mergeCommit merged mergedAt mergedBy"
    " milestone number repository state timelineItems title updatedAt url viewerCanUpdate viewerDidAuthor",
    "PullRequestCommit": "commit id pullRequest url",
    "Actor": "login url",
    "User": "databaseId id login name url",
    "Bot": "databaseId id login url",
    "Node": "id",
    "PageInfo": "endCursor hasNextPage hasPreviousPage startCursor",
    "MilestonedEvent": f"{EVENT} milestoneTitle",
    "DemilestonedEvent": f"{EVENT} milestoneTitle",
    "ClosedEvent": f"{EVENT} stateReason",
    "ReopenedEvent": EVENT,
    "AssignedEvent": f"{EVENT} assignee",
    "UnassignedEvent": f"{EVENT} assignee",
    "LabeledEvent": f"{EVENT} label",
    "UnlabeledEvent": f"{EVENT} label",
    "RenamedTitleEvent": f"{EVENT} currentTitle previousTitle",
    "CrossReferencedEvent": f"{EVENT} isCrossRepository source willCloseTarget",
    "LockedEvent": f"{EVENT} lockReason",
    "UnlockedEvent": EVENT,
    **{
        f"{name}Connection": CONNECTION
        for name in (
            "Label",
            "Milestone",
            "Issue",
            "PullRequest",
            "PullRequestCommit",
            "User",
            "IssueComment",
            "IssueTimelineItems",
            "PullRequestTimelineItems",
            "Release",
            "StatusCheckRollupContext",
        )
    },
    "ReleaseEdge": "cursor node",
    "StatusCheckRollupContextEdge": "cursor node",
    **{f"{name}Edge": "cursor node" for name in ("Label", "Milestone", "Issue", "PullRequest", "User", "IssueComment")},
    "PullRequestCommitEdge": "cursor node",
    "IssueTimelineItemsEdge": "cursor node",
    "PullRequestTimelineItemsEdge": "cursor node",
    "AddCommentPayload": "clientMutationId commentEdge subject",
    "AddSubIssuePayload": "clientMutationId issue subIssue",
    "CloseIssuePayload": "clientMutationId issue",
    "CreateCommitOnBranchPayload": "clientMutationId commit ref",
    "CreateIssuePayload": "clientMutationId issue",
    "DeleteIssueCommentPayload": "clientMutationId",
    "MinimizeCommentPayload": "clientMutationId minimizedComment",
    "RemoveSubIssuePayload": "clientMutationId issue subIssue",
    "ReopenIssuePayload": "clientMutationId issue",
    "UnminimizeCommentPayload": "clientMutationId unminimizedComment",
    "UpdateIssuePayload": "actor clientMutationId issue",
    "UpdateIssueCommentPayload": "clientMutationId issueComment",
    "Assignee": "",
    "IssueOrPullRequest": "",
    "IssueTimelineItems": "",
    "PullRequestTimelineItems": "",
    "ReferencedSubject": "",
}


def main(source: Path) -> None:
    """The simulator's schema is up to date with the source."""
    document = parse(source.read_text(encoding="utf-8"), no_location=True)
    definitions = {each.name.value: each for each in document.definitions if hasattr(each, "name") and each.name}
    kept = {name: _cut(definitions[name], KEPT[name].split()) for name in KEPT}
    while missing := _named(kept) - set(kept) - {"String", "Int", "Float", "Boolean", "ID"}:
        for name in missing:
            kept[name] = _without_prose(definitions[name])
    pruned = DocumentNode(definitions=tuple(kept[name] for name in sorted(kept)))
    header = "# GitHub's public GraphQL schema, MIT-licensed by GitHub as @octokit/graphql-schema; cut down by\n"
    header += (
        "# tests/contract/github/prune_graphql.py. What it left out of a type is named below: asking for it is no\n"
    )
    header += "# mistake of the query, but the simulator does not imitate it.\n#\n"
    for name in sorted(KEPT):
        if left_out := sorted(_members(definitions[name]) - _members(kept[name])):
            header += f"# {name} without {' '.join(left_out)}\n"
    TARGET.write_text(f"{header}\n{print_ast(pruned)}\n", encoding="utf-8")


def _members(definition: Node) -> set[str]:
    """The names of the fields, or of a union's types."""
    members = definition.types if isinstance(definition, UnionTypeDefinitionNode) else definition.fields  # type: ignore[attr-defined]
    return {each.name.value for each in members or ()}


def _cut(definition: Node, names: list[str]) -> Node:
    """The type with just those fields, interfaces and members that are kept."""
    definition = _without_prose(definition)
    if isinstance(definition, UnionTypeDefinitionNode):
        return replace(definition, types=tuple(each for each in definition.types or () if each.name.value in KEPT))
    assert isinstance(definition, (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode))
    found = {each.name.value: each for each in definition.fields or ()}
    if unknown := set(names) - set(found):
        raise SystemExit(f"{definition.name.value} has no {sorted(unknown)}")
    return replace(
        definition,
        fields=tuple(found[name] for name in sorted(names)),
        interfaces=tuple(each for each in definition.interfaces or () if each.name.value in KEPT),
    )


def _without_prose(definition: Node) -> Node:
    class Bare(Visitor):
        def leave(self, node: Node, *_: object) -> Node | None:
            names = {each.name for each in fields(node)}
            bare = {name: value for name, value in (("description", None), ("directives", ())) if name in names}
            return replace(node, **bare) if bare else None

    bare = visit(definition, Bare())
    assert isinstance(bare, Node)
    return bare


def _named(definitions: dict[str, Node]) -> set[str]:
    found: set[str] = set()

    class Names(Visitor):
        def enter_named_type(self, node: NamedTypeNode, *_: object) -> None:
            found.add(node.name.value)

    for each in definitions.values():
        visit(each, Names())
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
