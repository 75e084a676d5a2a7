"""This machine and the one that a release was verified on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.likeness import DECIDING, Likeness, compare, judge_likeness
from milepost.core.verdict import Device, Observed

GPU = Device(uuid="GPU-0", name="NVIDIA H100 80GB HBM3", capability="9.0", memory=85 * 10**9, mig=None)
VERIFIED = Observed(
    python="3.12.3",
    torch="2.9.1+cu128",
    cuda="12.8",
    cudnn="9.10.2.21",
    nccl="2.27.5",
    triton="3.5.1",
    torchvision=None,
    driver="580.126.09",
    host="sha256:one",
    boot_id="one",
    gpus=(GPU, GPU),
)


def judge(found: Observed, recorded: Observed = VERIFIED, *, has_computed: bool = True) -> list[tuple[str, str]]:
    """Rule and severity of everything that is told."""
    problems = judge_likeness(compare(recorded, found), has_computed=has_computed)
    return [(each.rule, each.severity.value) for each in problems]


def test_another_machine_of_the_kind_is_the_same() -> None:
    """Host, boot and the GPUs' own numbers say which machine it is, not what it is."""
    found = replace(VERIFIED, host="sha256:two", boot_id="two", gpus=(replace(GPU, uuid="GPU-7"), GPU))

    assert [] == judge(found)
    assert {"torchvision": Likeness.UNKNOWN} == {
        each.name: each.likeness for each in compare(VERIFIED, found) if each.likeness is not Likeness.SAME
    }


@pytest.mark.parametrize("found", ["0.1", None])
@pytest.mark.parametrize("name", DECIDING)
def test_what_a_program_computes_with_decides(name: str, found: str | None) -> None:
    """Another version says no, and so does one that the probe does not tell."""
    assert [("environment-not-reproduced", "error")] == judge(replace(VERIFIED, **{name: found}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"driver": "590.48.01"}, [("driver-newer", "notice")]),
        ({"driver": "580.126.10"}, [("driver-newer", "notice")]),
        ({"driver": "570.10"}, [("machine-differs", "warning")]),
        ({"driver": None}, [("machine-differs", "warning")]),
        ({"driver": "of old"}, [("machine-differs", "warning")]),
        ({"triton": "3.6.0"}, [("machine-differs", "warning")]),
        ({"torchvision": "0.24.1"}, []),
        ({"gpus": (GPU,)}, [("machine-differs", "warning")]),
        ({"gpus": (replace(GPU, name="NVIDIA A10"),) * 2}, [("machine-differs", "warning")]),
        ({"gpus": ()}, [("environment-not-reproduced", "error")]),
    ],
)
def test_what_belongs_to_the_machine_is_told(changes: dict[str, object], told: list[tuple[str, str]]) -> None:
    """A newer driver by the way, an older one and other GPUs as a warning; no GPU where there were some says no."""
    assert told == judge(replace(VERIFIED, **changes))  # type: ignore[arg-type]  # fields by their names


def test_a_driver_of_another_form_is_not_newer() -> None:
    """What cannot be ordered is a difference."""
    assert [("machine-differs", "warning")] == judge(VERIFIED, replace(VERIFIED, driver="1.x"))


def test_a_machine_without_gpu_has_none_to_lose() -> None:
    """A GPU that the verified one did not have is no difference that counts."""
    recorded = replace(VERIFIED, gpus=(), cuda=None)

    assert [] == judge(recorded, recorded)
    assert [] == [rule for rule, severity in judge(replace(recorded, gpus=(GPU,)), recorded) if severity == "error"]


def test_versions_alone_do_not_make_a_machine() -> None:
    """Where torch does not compute, nothing is reproduced."""
    assert [("environment-not-reproduced", "error")] == judge(VERIFIED, has_computed=False)


TEXTS = st.none() | st.text(max_size=8)


@given(st.fixed_dictionaries(dict.fromkeys((*DECIDING, "driver", "triton", "torchvision"), TEXTS)))
def test_comparing_is_total_and_a_machine_is_like_itself(versions: dict[str, str | None]) -> None:
    """Whatever a record or a probe tells; only what was recorded can differ."""
    strange = replace(VERIFIED, **versions)  # type: ignore[arg-type]  # fields by their names

    assert [] == judge(strange, strange)
    decided = any(versions[name] != getattr(VERIFIED, name) for name in DECIDING)
    assert decided == (("environment-not-reproduced", "error") in judge(strange))
