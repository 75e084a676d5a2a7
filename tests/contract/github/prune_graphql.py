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
    "RateLimit": "cost limit nodeCount remaining resetAt used",
    "Repository": "databaseId defaultBranchRef hasIssuesEnabled id isArchived isFork isPrivate issue issueOrPullRequest"
    " issues label labels milestone milestones name nameWithOwner object pullRequest pullRequests ref url"
    " viewerPermission",
    "Ref": "id name target",
    "GitObject": "id oid",
    "Commit": "id oid message",
    "Blob": "byteSize id isBinary oid text",
    "Label": "color description id name",
    "Milestone": "closed closedAt createdAt creator description dueOn id issues number progressPercentage pullRequests"
    " state title updatedAt url",
    "Issue": "assignees author authorAssociation body closed closedAt comments createdAt databaseId fullDatabaseId id"
    " labels lastEditedAt milestone number parent repository state stateReason subIssues timelineItems title"
    " updatedAt url",
    "IssueComment": "author authorAssociation body createdAt fullDatabaseId id isMinimized minimizedReason updatedAt url",
    "PullRequest": "assignees author authorAssociation baseRefName body closed closingIssuesReferences comments createdAt"
    " headRefName headRefOid headRepository id isDraft labels mergedAt merged milestone number state title updatedAt url",
    "Actor": "login url",
    "User": "databaseId id login name url",
    "Bot": "databaseId id login url",
    "Node": "id",
    "PageInfo": "endCursor hasNextPage hasPreviousPage startCursor",
    "MilestonedEvent": f"{EVENT} milestoneTitle",
    "DemilestonedEvent": f"{EVENT} milestoneTitle",
    "ClosedEvent": f"{EVENT} stateReason",
    "ReopenedEvent": EVENT,
    **{
        f"{name}Connection": CONNECTION
        for name in ("Label", "Milestone", "Issue", "PullRequest", "User", "IssueComment", "IssueTimelineItems")
    },
    **{f"{name}Edge": "cursor node" for name in ("Label", "Milestone", "Issue", "PullRequest", "User", "IssueComment")},
    "IssueTimelineItemsEdge": "cursor node",
    "IssueOrPullRequest": "",
    "IssueTimelineItems": "",
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
    TARGET.write_text(f"{header}# tests/contract/github/prune_graphql.py.\n\n{print_ast(pruned)}\n", encoding="utf-8")


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
