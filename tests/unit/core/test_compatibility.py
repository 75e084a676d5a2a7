"""Declarations against what was ever published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.compatibility import judge_environment, judge_environments, list_builds
from milepost.core.environment import Build, Environment, GpuDemand, specify
from milepost.core.published import PublishedBuild
from milepost.data.load import load_data
from milepost.diagnostics import Diagnostic, Location, Severity
from milepost.planfile.environments import VERSIONS
from milepost.planfile.load import load_plan

PLANS = Path(__file__).parents[2] / "plans"
UNFIT = sorted((PLANS / "unfit").iterdir())
TODAY = date(2026, 12, 1)
AT = Location(file="plan.yml", line=1, column=1)
DATA = load_data()


def judge(plan: Path) -> tuple[Diagnostic, ...]:
    desired, problems = load_plan(Path(plan.name), workspace=plan.parent)
    assert desired is not None, problems
    return judge_environments(desired.environments.values(), DATA, TODAY)


@pytest.mark.parametrize("folder", UNFIT, ids=lambda path: path.name)
def test_an_unfit_declaration_is_told_rule_place_and_evidence(folder: Path) -> None:
    """What stands in expected.txt is found, in that order and nothing else; its last words are said."""
    problems = judge(folder / "plan.yml")

    wanted = [line.split(" ", 3) for line in (folder / "expected.txt").read_text(encoding="utf-8").splitlines()]
    found = [[each.severity.value, each.rule, f"{each.at.line}:{each.at.column}"] for each in problems if each.at]
    assert [each[:3] for each in wanted] == found
    assert [] == [
        words
        for (*_, words), each in zip(wanted, problems, strict=True)
        if words not in f"{each.summary} {each.why} {each.help}"
    ]


@pytest.mark.parametrize("name", ["valid/environments.yml", "every-key/plan.yml"])
def test_what_the_examples_declare_is_no_error(name: str) -> None:
    """Warnings about known bad releases may be."""
    assert {"known-bad"} >= {each.rule for each in judge(PLANS / name)}


def declare(**keys: Any) -> Environment:
    """An environment of specifiers by their texts; other values as they are."""
    texts = {key: specify(value) if key in VERSIONS and value else value for key, value in keys.items()}
    return Environment(name="prod", at=AT, **texts)


def rules(environment: Environment) -> list[str]:
    return [each.rule for each in judge_environment(environment, DATA, TODAY) if each.rule != "known-bad"]


@pytest.mark.parametrize(
    "environment",
    [
        declare(),
        declare(torch="2.9"),
        declare(torch=">=2.9", cuda="13.6"),
        declare(torch=">=2.9"),
        declare(torch=">=2.15", python=">=3.16"),
        declare(cuda="11.8"),
        declare(python="3.14"),
        declare(torch="2.8", cuda="11.8", build=Build.SOURCE),
        declare(torch="2.8", cuda="11.8", build=Build.NGC, cudnn="8.1", gpu=GpuDemand(capability=specify("12.0"))),
        declare(torch="2.9", local="cpu", is_cpu=True),
        declare(torch="2.9", driver="470", is_cpu=True),
        declare(torch="2.9", cuda="12.8", driver=">=570"),
        declare(torch="2.9", cuda="12.8", driver="535"),
        declare(torch="2.9", cuda="99.0", driver="470", build=Build.SOURCE),
        declare(driver="470"),
        declare(torch="2.9", cuda="12.8", gpu=GpuDemand(capability=specify(">=9.0"))),
        declare(torch="2.9", cuda="12.8", gpu=GpuDemand(capability=specify("8.9"))),
        declare(torch="2.12", cuda="13.0", gpu=GpuDemand(capability=specify("11.0"))),
        declare(torch="2.9", cuda="12.9", gpu=GpuDemand(capability=specify("13.0"))),
        declare(torch="2.8", cuda="12.9", gpu=GpuDemand(capability=specify("12.1"))),
        declare(torch="2.5", cuda="11.8", gpu=GpuDemand(capability=specify("12.0"))),
        declare(torch=">=2.6", gpu=GpuDemand(capability=specify("13.0"))),
        declare(torch=">=2.9", gpu=GpuDemand(capability=specify("5.0"))),
        declare(torch="2.9", gpu=GpuDemand(count=specify("2"))),
        declare(torch="2.9", cuda="12.8", cudnn=">=9.15"),
        declare(torch="2.12", cuda="13.2", cudnn="8.1"),
    ],
    ids=str,
)
def test_what_cannot_be_called_wrong_is_let_pass(environment: Environment) -> None:
    """Other builds, what the data does not know, and what at least one machine could satisfy."""
    assert [] == rules(environment)


def test_a_cured_release_is_not_called_bad() -> None:
    """A newer cuDNN over torch 2.9 is a declared override; without `needs.compile` nothing is said of compilation."""
    bare = judge_environment(declare(torch="2.9", cuda="12.8"), DATA, TODAY)
    cured = judge_environment(declare(torch="2.9", cuda="12.8", cudnn=">=9.15"), DATA, TODAY)

    assert ["known-bad"] == [each.rule for each in bare]
    assert () == cured


def test_a_capability_that_nothing_serves_says_so() -> None:
    """There is no build to point at."""
    data = replace(DATA, builds=tuple(each for each in DATA.builds if each.torch == "2.6"))

    problems = judge_environment(
        declare(torch="2.6", cuda="12.4", gpu=GpuDemand(capability=specify("12.0"))), data, TODAY
    )

    assert ["no published build does"] == [each.help.partition("(")[2].partition(")")[0] for each in problems]


def test_builds_are_those_that_every_key_admits() -> None:
    """By torch, by CUDA and by label."""
    every = list_builds(declare(torch="2.9"), DATA)

    assert ["12.6", "12.8", "12.9", "13.0"] == [each.cuda for each in every]
    assert ["cu128"] == [each.label for each in list_builds(declare(torch="2.9", cuda="12.8"), DATA)]
    assert ["12.6"] == [each.cuda for each in list_builds(declare(torch="2.9", local="cu126"), DATA)]


@given(build=st.sampled_from(DATA.builds))
def test_every_published_build_may_be_declared(build: PublishedBuild) -> None:
    """A law: what was published, with a driver of its time, its own cuDNN and its own code, is no error."""
    wanted = declare(
        torch=build.torch,
        cuda=build.cuda,
        local=build.label,
        cudnn=build.cudnn,
        driver=DATA.floor(build.cuda),
    )
    demands = [GpuDemand(capability=specify(each)) for each in build.capabilities]

    for gpu in [None, *demands]:
        problems = judge_environment(replace(wanted, gpu=gpu), DATA, TODAY)
        assert [] == [each.summary for each in problems if each.severity is Severity.ERROR]
