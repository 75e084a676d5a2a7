"""Every malformed plan is told rule, line and column; nothing raises, and nothing is passed over."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest
from milepost.diagnostics import Severity
from milepost.planfile import export, lint, load, relations, source, validate
from milepost.planfile.load import load_plan, load_plan_text

PLANS = Path(__file__).parents[2] / "plans"
MALFORMED = sorted(path for path in (PLANS / "malformed").iterdir())
VALID = sorted([*(PLANS / "valid").glob("*.yml"), *(PLANS / "everything").glob("*.yml")])
RULES = [rule for module in (source, validate, load, relations, lint) for rule in module.RULES]
# Rules that no file can break: they are tested by name below.
WITHOUT_A_FILE = {"too-large", "missing-plan"}
TOKENS = re.compile(r"[\w.+-]+|[^\w\s]|\n +|\s")


@pytest.mark.parametrize("folder", MALFORMED, ids=lambda path: path.name)
def test_a_malformed_plan_is_told_rule_line_and_column(folder: Path) -> None:
    """What stands in expected.txt is found, all of it and nothing else."""
    desired, problems = load_plan(Path("plan.yml"), workspace=folder)

    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected == [f"{each.rule} {each.at.line}:{each.at.column}" for each in problems if each.at]
    assert (desired is None) == any(each.severity is Severity.ERROR for each in problems)
    assert all(each.help for each in problems if each.rule not in ("too-many-values", "too-deep"))


def test_every_rule_of_the_plan_file_has_a_malformed_plan() -> None:
    """A rule that nothing breaks in a test is not trusted."""
    broken = {line.split()[0] for each in MALFORMED for line in (each / "expected.txt").read_text().splitlines()}

    assert {rule.name for rule in RULES} - WITHOUT_A_FILE == broken


def test_every_keyword_of_the_schema_has_a_malformed_plan() -> None:
    """Each validating keyword is broken by one of the plans: see the part after the rule's name."""
    keywords = set(re.findall(r'"(\w+)":', validate.SCHEMA_FILE.read_text(encoding="utf-8")))
    validating = keywords & {
        "additionalProperties",
        "enum",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "propertyNames",
        "required",
        "type",
    }
    shown_by = {
        "additionalProperties": "unknown-key",
        "required": "missing-key",
        "enum": "unknown-value",
        "type": "wrong-type",
    }
    names = {each.name for each in MALFORMED}

    assert {each for each in validating if shown_by.get(each, f"bad-value-{each}") not in names} == set()


def test_a_plan_that_is_not_there_or_too_large_says_so(tmp_path: Path) -> None:
    """Both are problems, not exceptions."""
    (tmp_path / "large.yml").write_bytes(b"#" * (1024 * 1024 + 1))
    (tmp_path / "folder").mkdir()

    found = [load_plan(Path(name), workspace=tmp_path)[1][0].rule for name in ("none.yml", "folder", "large.yml")]

    assert ["missing-plan", "missing-plan", "too-large"] == found


def test_all_problems_of_a_file_come_in_one_go_in_file_order() -> None:
    """Three different problems, one run."""
    text = b"version: 1\ntimezone: Mars\nmilestones:\n  - {title: A, due: +1w}\nissues: [{title: B, parent: c}]\n"

    _, problems = load_plan_text(text, file="p.yml", workspace=None)

    assert ["bad-timezone", "no-start", "unknown-parent"] == [each.rule for each in problems]


@pytest.mark.parametrize("seed", range(10))
def test_mutations_are_valid_or_told_and_never_raise(seed: int) -> None:
    """1,000 single-token mutations of the valid examples: each is valid or has an error, soon, without a traceback."""
    dice = random.Random(seed)
    words = [
        "",
        ":",
        "-",
        "{",
        "]",
        '"',
        "'",
        "&a",
        "*a",
        "!!int",
        "\t",
        "\x00",
        "1e999",
        "null",
        "~",
        "<<",
        "|",
        "é\u202e",
    ]
    for _ in range(100):
        tokens = TOKENS.findall(dice.choice(VALID).read_text(encoding="utf-8"))
        place = dice.randrange(len(tokens))
        tokens[place] = dice.choice([*words, tokens[dice.randrange(len(tokens))], tokens[place] * 2])
        data = "".join(tokens).encode("utf-8", "surrogatepass")

        desired, problems = load_plan_text(data, file="p.yml", workspace=PLANS)

        assert (desired is None) == any(each.severity is Severity.ERROR for each in problems)
        assert all(each.at is None or each.at.line >= 1 <= each.at.column for each in problems)


def test_a_hostile_file_is_judged_soon() -> None:
    """A megabyte of brackets, of aliases, of one long line: none takes seconds."""
    for text in (
        b"[" * 1_000_000,
        b"a: &a [x]\n" + b"b: [" + b"*a," * 300_000 + b"]",
        b"x" * 1_000_000,
        b"- " * 500_000,
    ):
        start = time.monotonic()
        desired, problems = load_plan_text(text, file="p.yml", workspace=None)

        assert desired is None
        assert problems
        assert time.monotonic() - start < 30


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_a_valid_example_is_valid_for_editors_too(path: Path) -> None:
    """The published schema accepts what a YAML 1.2 editor sees in each example."""
    import yaml
    from jsonschema import Draft202012Validator

    schema = json.loads(validate.SCHEMA_FILE.read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8")
    loader = yaml.SafeLoader(text)
    # YAML 1.2 has no dates, and reads only true and false as booleans.
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":timestamp", ":bool"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    seen = loader.get_single_data()

    Draft202012Validator.check_schema(schema)
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(seen)]
    assert text.startswith("# yaml-language-server: $schema=" + schema["$id"])
    assert load_plan(path, workspace=path.parent)[0] is not None


def test_rules_have_names_of_their_own() -> None:
    """No two rules share a name, over all modules of the plan file."""
    names = [rule.name for rule in [*RULES, *export.RULES]]

    assert len(set(names)) == len(names)
