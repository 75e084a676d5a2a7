"""Every malformed plan is told rule, line and column; nothing raises, and nothing is passed over."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from milepost.core.release_checks import BAD_TAG
from milepost.diagnostics import Severity
from milepost.planfile import (
    environments,
    export,
    issues,
    lint,
    load,
    milestones,
    progress,
    pull_requests,
    reading,
    relations,
    release,
    source,
    sprints,
    text,
    validate,
)
from milepost.planfile.load import load_plan, load_plan_text

PLANS = Path(__file__).parents[2] / "plans"
MALFORMED = sorted(path for path in (PLANS / "malformed").iterdir())
VALID = sorted(path for name in ("valid", "everything", "every-key") for path in (PLANS / name).glob("*.yml"))
MODULES = (
    text,
    source,
    validate,
    reading,
    milestones,
    environments,
    issues,
    load,
    progress,
    pull_requests,
    release,
    sprints,
    relations,
    lint,
)
RULES = [BAD_TAG, *(rule for module in MODULES for rule in module.RULES)]
# Rules that take no file, or a large one: they are tested by name below.
WITHOUT_A_FILE = {"too-large", "missing-plan", "too-many-problems"}
TOKENS = re.compile(r"[\w.+-]+|[^\w\s]|\n +|\s")


@pytest.mark.parametrize("folder", MALFORMED, ids=lambda path: path.name)
def test_a_malformed_plan_is_told_rule_line_and_column(folder: Path) -> None:
    """What stands in expected.txt is found, all of it and nothing else."""
    desired, problems = load_plan(Path("plan.yml"), workspace=folder)

    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected == [f"{each.rule} {each.at.line}:{each.at.column}" for each in problems if each.at]
    assert (desired is None) == any(each.severity is Severity.ERROR for each in problems)
    assert all(each.help for each in problems)
    assert all(each.at is not None and each.at.text == line_of(folder, each.at.line) for each in problems)


@pytest.mark.parametrize("folder", MALFORMED, ids=lambda path: path.name)
def test_the_slow_yaml_parser_tells_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML has no libyaml the problems are the same; only a syntax error may be met elsewhere."""
    monkeypatch.setattr(source, "LOADER", yaml.SafeLoader)

    problems = load_plan(Path("plan.yml"), workspace=folder)[1]

    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    found = [f"{each.rule} {each.at.line}:{each.at.column}" for each in problems if each.at]
    assert expected == found or ["syntax"] == [each.rule for each in problems] == [expected[0].split()[0]]


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
        "maxProperties",
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


def test_more_problems_than_anybody_reads_are_cut() -> None:
    """A file that is no plan at all, and one whose parts do not fit: 1,000 problems, and that there are more."""
    for lines in ("  - 1\n" * 1_001, "".join(f"  - {{title: t{each}, parent: x}}\n" for each in range(1_001))):
        _, problems = load_plan_text(f"version: 1\nissues:\n{lines}".encode(), file="p.yml", workspace=None)

        assert 1_001 == len(problems)
        assert "too-many-problems" == problems[-1].rule


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

        desired, problems = load_plan_text(data, file="p.yml", workspace=PLANS / "every-key")

        assert (desired is None) == any(each.severity is Severity.ERROR for each in problems)
        assert all(each.at is None or each.at.line >= 1 <= each.at.column for each in problems)


@pytest.mark.parametrize("seed", range(10))
def test_parts_of_another_kind_are_told_and_never_raise(seed: int) -> None:
    """500 examples in which one to three parts are of another kind: valid, or an error with a way out."""
    dice = random.Random(seed)
    for _ in range(50):
        value = yaml.load(dice.choice(VALID).read_text(encoding="utf-8"), yaml.BaseLoader)
        for _ in range(dice.randint(1, 3)):
            holder, key = dice.choice(list(list_parts(value)))
            holder[key] = dice.choice([None, [], {}, "x", [[]], {"title": {}}, "", "+1w", [None], "2026-02-30"])
        data = yaml.dump(value, allow_unicode=True).encode()

        desired, problems = load_plan_text(data, file="p.yml", workspace=PLANS / "every-key")

        assert (desired is None) == any(each.severity is Severity.ERROR for each in problems), data.decode()
        assert all(each.at is not None and each.help for each in problems), problems


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b"a: &a [x]\nb: [" + b"*a," * 300_000 + b"]",
        b"x" * 1_000_000,
        b"- " * 500_000,
        b"version: 1\nlabels: [" + b"1," * 100_000 + b"]",
        b'version: 1\na: "x" ' + b":\ty" * 100_000 + b"\n]",
        b"version: 1\n" + b"\n" * 500_000 + b"x",
        b"version: 1\nlint: {milestone-names: '(a+)+b'}\nmilestones: [{title: " + b"a" * 200 + b"}]",
    ],
    ids=["brackets", "aliases", "one word", "dashes", "a list of another kind", "colons", "lines", "pattern"],
)
def test_a_hostile_file_is_judged(data: bytes) -> None:
    """A megabyte of anything is told what is wrong with it, and keeps nobody busy."""
    _, problems = load_plan_text(data, file="p.yml", workspace=None)

    assert problems


@pytest.mark.parametrize(
    "line",
    [
        lambda each: f"  - {{title: t{each}, key: k{each}, parent: {f'k{each - 1}' if each % 7 else 7}}}\n",
        lambda each: f"  - {{title: t{each}, key: k{each}, parent: k{each + 1}}}\n",
        lambda each: f"  - {{title: t{each}, k{each}: x}}\n",
        lambda each: f"  - {{title: t{each}, number: {each + 1}, labels: [a{each}], assignees: [b]}}\n",
    ],
    ids=["parents", "a chain of parents", "unknown keys", "issues"],
)
def test_twice_the_plan_is_twice_the_work(line: Callable[[int], str]) -> None:
    """Counted in calls of functions, which do not depend on the machine."""
    small, large = (
        count_calls(("version: 1\nissues:\n" + "".join(map(line, range(count)))).encode()) for count in (150, 300)
    )

    assert large < 2.5 * small


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_a_valid_example_is_valid_for_editors_too(path: Path) -> None:
    """The published schema accepts what a YAML 1.2 editor sees in each example."""
    schema = json.loads(validate.SCHEMA_FILE.read_text(encoding="utf-8"))
    content = path.read_text(encoding="utf-8")
    loader = yaml.SafeLoader(content)
    # YAML 1.2 has no dates, and reads only true and false as booleans.
    boolean = [("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"))]
    loader.yaml_implicit_resolvers = {
        first: [each for each in found if not each[0].endswith((":timestamp", ":bool"))] + boolean
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    seen = loader.get_single_data()

    Draft202012Validator.check_schema(schema)
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(seen)]
    assert content.startswith("# yaml-language-server: $schema=" + schema["$id"])
    assert load_plan(path, workspace=path.parent)[0] is not None


def test_rules_have_names_of_their_own() -> None:
    """No two rules share a name, over all modules of the plan file."""
    names = [rule.name for rule in [*RULES, *export.RULES]]

    assert len(set(names)) == len(names)


def test_every_key_of_the_schema_stands_in_a_valid_example() -> None:
    """What no example shows, nobody has tried."""
    shown: set[str] = set()
    for path in VALID:
        value = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        shown.update(str(key) for _, key in list_parts(value))

    def keys(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from part.get("properties", {})
            for each in part.values():
                yield from keys(each)

    assert set() == set(keys(validate.read_schema())) - shown


def test_every_property_of_the_schema_is_described() -> None:
    """Editors show the description, and the table of keys is made of it."""

    def silent(part: Any, path: str = "") -> Iterator[str]:
        for name, each in part.get("properties", {}).items():
            yield from [f"{path}.{name}"] if not each.get("description") else []
            yield from silent(each, f"{path}.{name}")

    schema = validate.read_schema()

    assert [] == [*silent(schema), *(each for name, part in schema["$defs"].items() for each in silent(part, name))]


def line_of(folder: Path, line: int) -> str:
    """The line of the malformed plan as it stands there; bytes that are no text are shown as such."""
    lines = (folder / "plan.yml").read_bytes().decode("utf-8-sig", "replace").split("\n")
    is_wide = b"\x00" in (folder / "plan.yml").read_bytes() and "utf16" in folder.name
    return "" if is_wide else lines[line - 1][: text.LONGEST_EXCERPT]


def list_parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member of every list and mapping, by what holds it and its index or key."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(members):
        yield value, key
        yield from list_parts(each)


def count_calls(data: bytes) -> int:
    """How many functions are called while the plan is loaded."""
    calls = 0

    def note(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        load_plan_text(data, file="p.yml", workspace=None)
    finally:
        sys.setprofile(before)
    return calls
