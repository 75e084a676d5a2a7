"""The judgement of an image by what its registry says."""

from __future__ import annotations

from typing import Any

import pytest
from milepost.core.environment import Environment, GpuDemand, Specifier, read_specifier
from milepost.core.image import LABELS, Image, judge_image
from milepost.core.image_name import ImageName
from milepost.diagnostics import Location

DIGEST, OTHER = f"sha256:{'0a' * 32}", f"sha256:{'0b' * 32}"
AT = Location(file="milepost.yml", line=3, column=5)
TRUE_LABELS = {
    LABELS["torch"]: "2.9.1+cu128",
    LABELS["torchvision"]: "0.24.1+cu128",
    LABELS["cuda"]: "12.8",
    LABELS["cudnn"]: "9.10.2",
    LABELS["nccl"]: "2.27.5",
    LABELS["triton"]: "3.5.1",
    LABELS["python"]: "3.12.3",
}


def meant(text: str) -> Specifier:
    specifier, problem = read_specifier(text)
    assert specifier is not None, problem
    return specifier


def an_image(**more: Any) -> Image:
    name = ImageName(host="ghcr.io", repository="acme/torch", tag="v2.9", digest=DIGEST)
    return Image(**{"name": name, "digest": DIGEST, "platform": "linux/amd64", "labels": TRUE_LABELS, **more})


def an_environment(**more: Any) -> Environment:
    demands = {name: meant(text) if isinstance(text, str) and name in LABELS else text for name, text in more.items()}
    return Environment(**{"name": "prod", "at": AT, **demands})


def judged(image: Image, environment: Environment) -> list[str]:
    found = judge_image(image, environment)
    assert all(each.at == AT and each.help for each in found)
    return [each.rule for each in found]


def test_an_image_that_is_what_is_declared_has_no_findings() -> None:
    """Every demand, and the digest of the tag."""
    environment = an_environment(
        torch="==2.9.*",
        torchvision="0.24",
        cuda="12.8",
        cudnn=">=9.10",
        nccl="2.27",
        triton="3.5",
        python=">=3.10",
        driver=meant(">=570"),
        local="cu128",
        gpu=GpuDemand(),
    )

    assert [] == judged(an_image(tag_digest=DIGEST), environment)


@pytest.mark.parametrize("name", list(LABELS))
def test_each_label_is_compared_with_its_demand(name: str) -> None:
    """The finding names the label, what it says, and what is declared."""
    (found,) = judge_image(an_image(), an_environment(**{name: "99.1"}))

    assert ("image-label-differs", "error") == (found.rule, found.severity.value)
    assert f"{LABELS[name]} is {TRUE_LABELS[LABELS[name]]!r}; declared is 99.1" in found.summary


@pytest.mark.parametrize("said", ["none", "", "12.8\n::error::x", "not a version", "9" * 5000])
def test_a_label_that_is_no_version_differs(said: str) -> None:
    """Whatever it holds."""
    image = an_image(labels={LABELS["cuda"]: said})

    assert ["image-label-differs"] == judged(image, an_environment(cuda="12.8"))


def test_labels_that_are_not_there_are_one_notice() -> None:
    """And so is every image that does not know our keys; foreign ones are never believed."""
    image = an_image(labels={"org.opencontainers.image.version": "2.9.1"}, env={"CUDA_VERSION": "12.8.0"})

    (found,) = judge_image(image, an_environment(torch="2.9", cuda="12.8", local="cu128"))

    assert ("image-label-absent", "notice") == (found.rule, found.severity.value)
    assert "io.github.milepost.torch, io.github.milepost.cuda" in found.summary


@pytest.mark.parametrize("foreign", ["22.04", "2.1", "13.0"])
def test_a_version_inherited_from_the_base_says_nothing(foreign: str) -> None:
    """`org.opencontainers.image.version` is the base image's."""
    image = an_image(labels={**TRUE_LABELS, "org.opencontainers.image.version": foreign})

    assert [] == judged(image, an_environment(torch="2.9", cuda="12.8"))


@pytest.mark.parametrize(("said", "is_met"), [("2.9.1+cu128", True), ("2.9.1+cpu", False), ("2.9.1", False)])
def test_the_local_version_is_compared_as_text(said: str, is_met: bool) -> None:
    """It tells a CPU wheel from a CUDA wheel."""
    image = an_image(labels={LABELS["torch"]: said})

    assert ([] if is_met else ["image-label-differs"]) == judged(image, an_environment(torch="2.9", local="cu128"))


def test_a_prerelease_will_do_only_where_it_is_asked_for() -> None:
    """As on the machine itself."""
    image = an_image(labels={LABELS["torch"]: "2.9.0a0+50eac811a6.nv25.09"})

    assert ["image-label-differs"] == judged(image, an_environment(torch="2.9"))
    assert [] == judged(image, an_environment(torch="2.9", has_prerelease=True))


def test_a_declaration_without_a_digest_is_told_the_digest() -> None:
    """The help is what to write."""
    name = ImageName(host="ghcr.io", repository="acme/torch", tag="v2.9")

    (found,) = judge_image(an_image(name=name), an_environment())

    assert "image-no-digest" == found.rule
    assert f"write ghcr.io/acme/torch:v2.9@{DIGEST}" == found.help


@pytest.mark.parametrize(
    ("now", "told"), [(None, None), (DIGEST, None), (OTHER, f"stands for {OTHER}"), ("", "is gone")]
)
def test_a_tag_that_stands_for_another_image_is_told(now: str | None, told: str | None) -> None:
    """The digest is what counts; nothing is said of what is not known."""
    found = judge_image(an_image(tag_digest=now), an_environment())

    assert (["image-tag-moved"] if told else []) == [each.rule for each in found]
    assert all(told in each.summary for each in found if told)


@pytest.mark.parametrize(
    ("env", "cuda", "driver", "told"),
    [
        ({}, "12.8", None, None),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=12.8 brand=tesla,driver>=470,driver<471"}, "12.8", ">=570", None),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=12.8"}, "12.8", None, "no driver is declared"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=13.0"}, "12.8", ">=570", "declared is CUDA 12.8"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=13.0"}, ">=12.6,<13.1", ">=580", None),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=11.8"}, None, None, "no driver is declared"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=11.8"}, None, ">=570", None),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=13.0", "NVIDIA_DISABLE_REQUIRE": "1"}, "12.8", None, None),
    ],
)
def test_an_image_that_may_not_start_is_told(
    env: dict[str, str], cuda: str | None, driver: str | None, told: str | None
) -> None:
    """Its base asks for a newer driver than the declaration does."""
    environment = an_environment(cuda=cuda, driver=meant(driver) if driver else None)

    found = judge_image(an_image(env=env), environment)

    wrong = [each for each in found if each.rule == "image-require-cuda"]
    assert (1 if told else 0) == len(wrong)
    assert all(told in each.summary for each in wrong if told)


@pytest.mark.parametrize(
    ("env", "gpu", "is_told"),
    [
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, GpuDemand(), True),
        ({"CUDA_VISIBLE_DEVICES": "0"}, GpuDemand(), True),
        ({"NVIDIA_VISIBLE_DEVICES": "void", "CUDA_VISIBLE_DEVICES": ""}, GpuDemand(), False),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, None, False),
    ],
)
def test_an_image_that_chooses_gpus_itself_is_told(env: dict[str, str], gpu: GpuDemand | None, is_told: bool) -> None:
    """Where GPUs are declared."""
    found = judged(an_image(env=env), an_environment(gpu=gpu))

    assert (["image-bakes-visible-devices"] if is_told else []) == found
