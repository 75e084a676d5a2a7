"""The `pull-requests:` section of the plan file as the gate's policy."""

from __future__ import annotations

from milepost.core.policy import Accept, Assignment, Exemptions, Invisible, Level, Policy
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors, in_file_order
from milepost.planfile.nodes import Mapping, Node
from milepost.planfile.reading import Reading
from milepost.planfile.source import parse_plan
from milepost.planfile.validate import validate

NO_REQUIRED_LABELS = Rule(
    "no-required-labels", Severity.ERROR, "The rule `labels` is on, and no labels are required, or the other way round."
)
UNUSED_KEYWORDS = Rule("unused-keywords", Severity.ERROR, "Keywords are given, and only closing ones are accepted.")
RULES = (NO_REQUIRED_LABELS, UNUSED_KEYWORDS)

SECTION = "pull-requests"


def load_policy_text(data: bytes, *, file: str) -> tuple[Policy | None, tuple[Diagnostic, ...]]:
    """The policy that the plan file holds; None when its section has an error. The rest of the file may be wrong."""
    root, problems = parse_plan(data, file=file)
    if root is None:
        return None, in_file_order(problems)
    checked = validate(_section_of(root))
    problems += checked.problems
    if checked.value is None:
        return None, in_file_order(problems)
    reading = Reading(root, checked)
    policy = read_policy(reading)
    problems += tuple(reading.problems)
    return (None if has_errors(problems) else policy), in_file_order(problems)


def read_policy(reading: Reading) -> Policy:
    """The policy; what only this section can get wrong is noted."""
    value = reading.value.get(SECTION) or {}
    rules, exempt = value.get("rules") or {}, value.get("exempt") or {}
    milestones, path = value.get("milestones") or {}, (SECTION, "exempt")
    default = Policy()
    accept = Accept(value.get("accept", default.accept))
    keywords = reading.texts(value, "keywords", (SECTION,))
    policy = Policy(
        linked=Level(rules.get("linked", default.linked)),
        open=Level(rules.get("open", default.open)),
        milestone=Level(rules.get("milestone", default.milestone)),
        assigned=Assignment(rules.get("assigned", default.assigned)),
        labels=Level(rules.get("labels", default.labels)),
        duplicate_claim=Level(rules.get("duplicate-claim", default.duplicate_claim)),
        required_labels=reading.texts(value, "required-labels", (SECTION,)),
        allowed_milestones=reading.texts(milestones, "allow", (SECTION, "milestones")),
        denied_milestones=reading.texts(milestones, "deny", (SECTION, "milestones")),
        accept=accept,
        keywords=() if accept is Accept.CLOSING else keywords or default.keywords,
        repositories=reading.texts(value, "repositories", (SECTION,)),
        invisible=Invisible(value.get("invisible", default.invisible)),
        exempt=Exemptions(
            authors=reading.texts(exempt, "authors", path),
            labels=reading.texts(exempt, "labels", path),
            branches=reading.texts(exempt, "branches", path),
        ),
    )
    _judge(reading, policy, has_keywords=bool(keywords))
    return policy


def _section_of(root: Node) -> Node:
    """The file without its other sections."""
    if not isinstance(root, Mapping):
        return root
    kept = tuple(entry for entry in root.entries if entry[0].text in ("version", SECTION))
    return Mapping(kept, root.at, root.is_partial)


def _judge(reading: Reading, policy: Policy, *, has_keywords: bool) -> None:
    if policy.labels is not Level.OFF and not policy.required_labels:
        summary, way_out = "the rule `labels` has no labels to ask for", "name them below `required-labels:`"
        reading.report(NO_REQUIRED_LABELS, summary, SECTION, "rules", "labels", help=way_out)
    if policy.required_labels and policy.labels is Level.OFF:
        summary, way_out = "labels are required, and the rule `labels` is off", "set `labels: fail` below `rules:`"
        reading.report(NO_REQUIRED_LABELS, summary, SECTION, "required-labels", help=way_out)
    if has_keywords and policy.accept is Accept.CLOSING:
        summary = "keywords are given, and `accept: closing` counts GitHub's own only"
        reading.report(UNUSED_KEYWORDS, summary, SECTION, "keywords", help="write `accept: reference`, too")
