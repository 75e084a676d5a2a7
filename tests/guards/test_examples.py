"""What the pages show can be used as it stands."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from milepost.planfile.load import load_plan_text

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from examples import Example, Kind, list_examples

ROOT = Path(__file__).parents[2]
EXAMPLES = list_examples()
# Also as a copy on a server is called.
OURS = re.compile(r"[\w.-]+/milepost(/[\w./-]+)?@")


def headings(text: str) -> list[int]:
    """The level of each heading."""
    bare = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [len(each) for each in re.findall(r"^(#+) ", bare, re.MULTILINE)]


def blocks(text: str) -> list[str]:
    """Each block of code, with its language."""
    return re.findall(r"^```\w*\n.*?^```$", text, re.DOTALL | re.MULTILINE)


def links(text: str) -> list[str]:
    """Where the page leads, pictures among it, apart from its other language."""
    found = re.findall(r"\]\(([^)]+)\)", text)
    return sorted(each for each in found if not each.startswith("README"))


@pytest.mark.parametrize("each", [each for each in EXAMPLES if each.plan], ids=lambda each: each.name)
def test_a_plan_file_of_a_page_is_one(each: Example) -> None:
    """Without a problem, a warning included."""
    desired, problems = load_plan_text(each.plan.encode(), file="example", workspace=None)

    assert [] == [(problem.rule, problem.summary) for problem in problems]
    assert desired is not None


@pytest.mark.parametrize("each", [each for each in EXAMPLES if each.workflow], ids=lambda each: each.name)
def test_a_workflow_of_a_page_is_safe(each: Example) -> None:
    """`permissions: {}` at the top, a reason for each grant, and the actions of others by full commit."""
    workflow = yaml.safe_load(each.workflow)

    assert {} == workflow["permissions"]
    for line in re.findall(r"\buses: .*$", each.text, re.MULTILINE):
        assert OURS.search(line) or re.search(r"@[0-9a-f]{40} # v[\d.]+$", line), line
    for job in workflow["jobs"].values() if each.kind is Kind.WORKFLOW else ():
        for scope, level in job.get("permissions", {}).items():
            assert re.search(rf"\b{scope}: {level}\b.*# \w", each.text), f"{scope} has no reason"


def test_the_two_readmes_say_the_same() -> None:
    """The Chinese one has the headings, the code and the links of the English one, in its order."""
    english, chinese = (ROOT.joinpath(name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))

    assert headings(english) == headings(chinese)
    assert blocks(english) == blocks(chinese)
    assert links(english) == links(chinese)
    assert english.count("\n| ") == chinese.count("\n| ")
    flows = [[line for line in each.splitlines() if "](.github/workflows/" in line] for each in (english, chinese)]
    assert flows[0] == flows[1]
