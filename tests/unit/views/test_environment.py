"""What `validate` says that each specifier lets in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from milepost.core.environment import (
    Build,
    Environment,
    GpuDemand,
    LoaderNeed,
    Needs,
    Waiver,
    read_sizes,
    specify,
)
from milepost.data.load import load_data
from milepost.diagnostics import Location
from milepost.planfile.load import load_plan
from milepost.views.environment import (
    describe_sizes,
    describe_versions,
    render_data_line,
    render_environments,
    render_environments_markdown,
)

AT = Location(file="plan.yml", line=1, column=1)
PLANS = Path(__file__).parents[2] / "plans"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2.9", "any 2.9"),
        ("v2.9", "any 2.9"),
        ("==2.9.*", "any 2.9"),
        ("==2.9.1", "exactly 2.9.1"),
        ("!=2.9.0", "not 2.9.0"),
        ("!=2.9.*", "no 2.9"),
        (">=2.9, <2.11", "2.9 or newer, older than 2.11"),
        (">2.9,<=2.10.0,", "newer than 2.9, 2.10.0 or older"),
        ("~=2.9.1", "2.9.1 or newer, while it is 2.9"),
    ],
)
def test_versions_are_said_in_words(text: str, words: str) -> None:
    """One phrase for each condition, in the order that it was written."""
    assert words == describe_versions(specify(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("80 GB", "at least 80 GB"),
        (">=80 GiB", "at least 85.9 GB"),
        (">=512 MB, <=2 GB", "at least 512 MB, at most 2 GB"),
        ("<=1 GB", "at most 1 GB"),
        (">=0 B", "any size"),
    ],
)
def test_sizes_are_said_in_decimal_units(text: str, words: str) -> None:
    """So that `GiB` surprises nobody."""
    sizes, _ = read_sizes(text)

    assert sizes is not None
    assert words == describe_sizes(sizes)


def test_everything_that_is_declared_is_said() -> None:
    """And nothing else."""
    whole = Environment(
        name="prod",
        image="ghcr.io/acme/torch@sha256:0",
        torch=specify("2.9"),
        cuda=specify("12.8"),
        build=Build.NGC,
        local="cu128",
        has_prerelease=True,
        gpu=GpuDemand(
            count=specify("2"),
            names=("H100", "H200"),
            memory=read_sizes("80 GB")[0],
            capability=specify(">=9.0"),
            mig="off",
            free=read_sizes("40 GB")[0],
            is_any=True,
        ),
        needs=Needs(
            compile=True,
            dataloader=LoaderNeed(workers=1, shm=10**9),
            imports=("numpy", "torchvision"),
            nccl=True,
            peer=True,
        ),
        waivers=(Waiver(check="gpu-ecc", reason="a\u202etest", expires=date(2027, 1, 1), at=AT),),
        at=AT,
    )

    assert render_environments([whole]).splitlines() == [
        "environment prod:",
        "  image: ghcr.io/acme/torch@sha256:0",
        "  torch: any 2.9",
        "  CUDA: any 12.8",
        "  pre-releases: are let in, too",
        "  build: ngc: not judged by what PyTorch published",
        "  local label: exactly cu128",
        "  GPUs: exactly 2",
        "  name of at least one GPU: holds H100 or H200 as whole words",
        "  memory of at least one GPU: at least 80 GB",
        "  compute capability of at least one GPU: 9.0 or higher",
        "  MIG of at least one GPU: off",
        "  free memory of at least one GPU: at least 40 GB",
        "  must work: torch.compile, with a C compiler",
        "  must work: DataLoader with 1 worker and 1 GB of shared memory",
        "  must import: numpy, torchvision",
        "  must work: NCCL over the visible GPUs",
        "  must work: copies between the visible GPUs",
        "  waived: gpu-ecc until the end of 2027-01-01: a\\u202etest",
    ]
    assert ["environment none:"] == render_environments([Environment(name="none", at=AT)]).splitlines()


def test_an_environment_without_a_gpu_says_so() -> None:
    """Before everything else."""
    cpu = Environment(name="cpu", is_cpu=True, gpu=GpuDemand(), needs=Needs(dataloader=LoaderNeed()), at=AT)

    assert ["  GPU: none, and none is looked for", "  must work: DataLoader with 2 workers"] == render_environments(
        [cpu]
    ).splitlines()[1:]


def test_foreign_words_are_inert_in_markdown() -> None:
    """An image is text like any other."""
    shown = render_environments_markdown([Environment(name="prod", image="a|b@everyone`", at=AT)])

    assert "a|b" not in shown
    assert "@everyone" not in shown


def test_the_day_of_the_data_is_one_line() -> None:
    """With the newest release that it knows."""
    assert "Data on published builds: reviewed on 2026-11-24, up to torch 2.15.0." == render_data_line(load_data())


def test_the_example_with_every_key_is_said_whole() -> None:
    """What the plan file writes is what the words are about."""
    desired, _ = load_plan(Path("plan.yml"), workspace=PLANS / "every-key")
    assert desired is not None

    (environment,) = desired.environments.values()

    assert ("H100", "H200") == environment.gpu.names if environment.gpu else None
    assert "off" == (environment.gpu and environment.gpu.mig)
    assert (
        Needs(compile=True, dataloader=LoaderNeed(workers=2, shm=10**9), imports=("torchvision", "numpy"), nccl=True)
        == environment.needs
    )
    assert "must work: NCCL over the visible GPUs" in render_environments([environment])
