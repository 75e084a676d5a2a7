"""The judge on whole machines: waivers, CPUs, one GPU of several, and why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from milepost.core.facts import Reason, read_facts
from milepost.core.gpu.capture import capture
from milepost.core.gpu.devices import has_words
from milepost.core.gpu.libraries import spell_cudnn
from milepost.core.gpu.observed import observe
from milepost.core.gpu.reuse import read_age, refuse_reuse
from milepost.core.verdict import Answer, Ending
from milepost.diagnostics import Severity


def test_a_healthy_machine_passes(court: Any, machine: Any, new_machine: Callable[..., Any]) -> None:
    """Without anything that blocks, at both levels."""
    for level, each in (("quick", new_machine(level="quick")), ("full", machine), ("quick", machine)):
        verdict = court.judge(each, level=level)

        assert ([], Answer.PASS) == ([one.id for one in verdict.findings if one.is_blocking], verdict.answer)


def on_cpu(machine: Any) -> Any:
    """A machine without a GPU, whose probes ran on the CPU."""
    bare = machine.put("/gpus", []).put("/nodes", []).put("/torch/version", "2.11.0+cpu").put("/packages", [])
    results = [{**each, "gpu": None} for each in machine.value["results"] if each["probe"] != "init"]
    bare = bare.put("/results", results).put("/torch/arch_list", []).put("/loaded", [])
    for place in ("cuda", "cudnn_compiled", "cudnn_runtime", "nccl"):
        bare = bare.unread(f"/torch/{place}", "not-supported")
    for place in ("version", "libcuda", "cuda_api", "is_compat", "has_open_module"):
        bare = bare.unread(f"/driver/{place}", "not-present")
    return bare.put("/driver/nvml", "library-not-found")


def test_a_declared_cpu_passes_without_a_gpu(
    court: Any, new_machine: Callable[..., Any], declare: Callable[..., Any]
) -> None:
    """Everything is tried on the CPU, and no check speaks of a GPU; against a GPU it fails."""
    machine = on_cpu(new_machine(level="quick"))

    verdict = court.judge(machine, declare(is_cpu=True, torch="2.11"), level="quick")

    assert ([], Answer.PASS) == ([each.id for each in verdict.findings], verdict.answer)
    assert Answer.FAIL is court.judge(machine, declare(torch="2.11"), level="quick").answer


def test_a_cpu_that_computes_wrongly_fails(
    court: Any, new_machine: Callable[..., Any], declare: Callable[..., Any]
) -> None:
    """The probes count there, too."""
    machine = on_cpu(new_machine(level="quick")).got("matmul.fp32", "wrong", gpu=None)

    assert "probe-matmul" == court.first(machine, declare(is_cpu=True), level="quick")


def test_one_gpu_of_several_may_do(court: Any, new_machine: Callable[..., Any], declare: Callable[..., Any]) -> None:
    """With `match: any`; without it each must be the declared one, and with it one still must."""
    machine = new_machine(gpus=2).put("/gpus/0/name", "NVIDIA T400").put("/gpus/0/is_mig", True)
    demand = {"names": ["H100"]}

    assert Answer.PASS is court.judge(machine, declare(gpu={**demand, "any": True})).answer
    assert Answer.FAIL is court.judge(machine, declare(gpu=demand)).answer
    assert Answer.FAIL is court.judge(machine, declare(gpu={"names": ["H200"], "any": True})).answer


def test_a_waived_check_lets_pass_until_its_last_day(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """It is told with its reason; the day after, it fails, and the waiver does as well."""
    mixed = machine.put("/loaded/1/path", "/usr/lib/libcudnn_graph.so.9")
    names = ("cudnn-mixed", "library-foreign")

    waived = court.judge(mixed, declare(waive={name: date(2026, 11, 24) for name in names}))
    expired = court.judge(mixed, declare(waive={name: date(2026, 11, 23) for name in names}))

    assert Answer.PASS is waived.answer
    assert {"cudnn-mixed": Ending.WAIVED, "library-foreign": Ending.WAIVED} == {
        each.id: each.ending for each in waived.findings
    }
    assert {Severity.NOTICE} == {each.severity for each in waived.diagnostics}
    assert all("meant" in each.help for each in waived.diagnostics)
    assert Answer.FAIL is expired.answer
    assert {"cudnn-mixed", "waiver-expired"} <= {each.id for each in expired.findings}


def test_a_waived_cause_explains_nothing(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """What else fails then stands for itself."""
    spoiled = machine.put("/torch/cudnn_runtime", 90700).got("conv2d.fp32", "error", "cuDNN error")
    waive = {"cudnn-incompatible": date(2027, 1, 1)}

    assert "cudnn-incompatible" == court.first(spoiled)
    assert "probe-conv2d" == court.first(spoiled, declare(waive=waive))


def test_unread_facts_can_be_waived_by_name(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """But not by accident: it takes the waiver of `facts-incomplete`."""
    gap = machine.put("/host/boot_id", None)

    assert Answer.UNPROVEN is court.judge(gap).answer
    assert Answer.PASS is court.judge(gap, declare(waive={"facts-incomplete": date(2027, 1, 1)})).answer


REASONS: dict[str, Callable[[Any], Any]] = {
    "NVIDIA_VISIBLE_DEVICES is 'void'": lambda m: m.put("/host/env/NVIDIA_VISIBLE_DEVICES", "void").put("/gpus", []),
    "CUDA_VISIBLE_DEVICES is ''": lambda m: m.put("/host/env/CUDA_VISIBLE_DEVICES", "").unread(
        "/gpus/0/cuda_index", "not-present"
    ),
    "the container lost its access": lambda m: m.put("/gpus", []).put("/nodes/0/errno", 1),
    "/dev/nvidia-uvm is missing": lambda m: m.put("/gpus", []).put("/nodes/1/errno", 2),
    "there is no NVIDIA driver on the host": lambda m: m.put("/gpus", []).unread("/driver/version", "not-present"),
    "the pod was given no GPU": lambda m: m.put("/gpus", []).put("/host/container", "kubernetes"),
    "the container was given no GPU": lambda m: m.put("/gpus", []),
}


@pytest.mark.parametrize("why", REASONS)
def test_no_gpu_names_its_likely_cause(why: str, court: Any, machine: Any) -> None:
    """From the variables, the device nodes, the kernel module and the kind of container, and what to do."""
    (finding,) = [each for each in court.judge(REASONS[why](machine)).findings if each.id == "gpu-none"]

    assert why in finding.why
    assert finding.help


def test_free_memory_is_judged_when_it_is_declared(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """Then a leftover is an error; what cannot be read is unproven."""
    used = machine.put("/gpus/0/memory_used_before", 30_000_000_000)
    environment = declare(gpu={"free": ">=70 GB"})

    assert Answer.PASS is court.judge(used).answer
    assert ("gpu-leftovers", Answer.FAIL) == (court.first(used, environment), court.judge(used, environment).answer)
    unread = machine.unread("/gpus/0/memory_used_before", "not-supported")
    assert Answer.PASS is court.judge(unread).answer
    assert Answer.UNPROVEN is court.judge(unread, environment).answer


def test_facts_of_another_form_are_incomplete(court: Any, machine: Any) -> None:
    """A later major version may mean something else by the same names."""
    verdict = court.judge(machine.put("/schema", "milepost.facts/2"))

    assert (Answer.UNPROVEN, "facts-incomplete") == (verdict.answer, verdict.findings[0].id)
    assert "/schema (of another version)" in verdict.findings[0].found


def test_many_gaps_are_one_finding(court: Any, machine: Any) -> None:
    """It names some of them, and how many more there are."""
    (finding,) = [each for each in court.judge(machine.without("/host")).findings if each.is_blocking]

    assert "facts-incomplete" == finding.id
    assert " more" in finding.found


def test_old_data_is_told(court: Any, machine: Any) -> None:
    """After half a year, as a notice."""
    late = replace(court, today=court.data.reviewed + timedelta(days=181))

    verdict = late.judge(machine)

    assert Answer.PASS is verdict.answer
    assert "data-age" in [each.id for each in verdict.findings]


def test_drift_is_what_differs_and_not_which_machine_it_is(court: Any, machine: Any) -> None:
    """Another host and another GPU of the same model are no drift; a driver and a model are."""
    before = court.judge(machine).observed
    other = machine.put("/host/id", "sha256:other").put("/gpus/0/uuid", "GPU-9")
    for result in other.value["results"]:
        result["gpu"] = result["gpu"] and "GPU-9"
    changed = machine.put("/driver/version", "590.48.01").put("/gpus/0/name", "NVIDIA H200")

    assert "drift" not in [each.id for each in court.judge(other, previous=before).findings]
    (drift,) = [each for each in court.judge(changed, previous=before).findings if each.id == "drift"]
    assert "driver was 580.126.09, is 590.48.01; gpus was 1 × NVIDIA H100 80GB HBM3, is 1 × NVIDIA H200" == drift.found


def test_a_host_that_cannot_be_named_is_not_the_expected_one(court: Any, machine: Any) -> None:
    """`expect-host` and a container without a machine id."""
    unread = machine.unread("/host/id", "not-present")

    assert Answer.PASS is court.judge(unread).answer
    assert Answer.UNPROVEN is court.judge(unread, host="sha256:host").answer


def test_versions_that_are_none_are_not_accepted(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """Neither of torch, nor of CUDA, nor of a compute capability; and nothing crashes."""
    assert "torch-prerelease" == court.first(machine.put("/torch/version", "main"))
    assert "torch-version" in [
        each.id for each in court.judge(machine.put("/torch/version", "main"), declare(torch="2.11")).findings
    ]
    assert Answer.PASS is court.judge(machine.put("/torch/cuda", "thirteen")).answer
    strange = machine.put("/gpus/0/capability", "nine").got("matmul.bf16", "error", "x")
    assert Answer.PASS is not court.judge(strange).answer


def test_packages_that_are_declared_must_be_there(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """Not installed, installed without a version, or a list that could not be read."""
    environment = declare(triton="3.6")

    assert "triton-version" == court.first(machine.put("/packages", []), environment)
    assert Answer.UNPROVEN is court.judge(machine.put("/packages/3/version", None), environment).answer
    assert Answer.UNPROVEN is court.judge(machine.unread("/packages", "no-permission"), environment).answer


def test_a_nightly_brings_triton_under_another_name(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """The module is the same, and its version is judged."""
    nightly = machine.put("/packages", [{"name": "pytorch-triton", "version": "3.3.0+git96316ce5"}])

    assert Answer.PASS is court.judge(nightly, declare(triton="3.3.0")).answer
    assert "triton-version" == court.first(nightly, declare(triton="3.6"))


def test_an_import_that_was_not_tried_is_not_passed(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """The environment needs it, and the probe says nothing of it."""
    environment = declare(needs={"imports": ["torchvision"]})

    assert (Answer.UNPROVEN, "import-declared") == (
        court.judge(machine, environment).answer,
        court.first(machine, environment),
    )


def test_other_interpreters_with_torch_are_named(court: Any, machine: Any) -> None:
    """And never picked."""
    bare = machine.unread("/torch/version", "not-present").put("/python/others_with_torch", ["/opt/conda/bin/python"])

    (finding,) = [each for each in court.judge(bare).findings if each.id == "torch-missing"]

    assert "/opt/conda/bin/python" in finding.help


@pytest.mark.parametrize(
    ("name", "words", "is_in"),
    [
        ("NVIDIA A100-SXM4-80GB", "A100", True),
        ("NVIDIA A100-SXM4-80GB", "A10", False),
        ("NVIDIA GeForce RTX 4090", "rtx 4090", True),
        ("NVIDIA GeForce RTX 4090", "4090 RTX", False),
        ("NVIDIA GH200 480GB", "H200", False),
    ],
)
def test_a_name_is_matched_by_whole_words(name: str, words: str, is_in: bool) -> None:
    """Without case, in their order."""
    assert is_in is has_words(name, words)


@pytest.mark.parametrize(("number", "version"), [(91002, "9.10.2"), (8902, "8.9.2"), (8700, "8.7.0"), (90100, "9.1.0")])
def test_the_number_of_cudnn_is_spelled(number: int, version: str) -> None:
    """With one digit more from 9 on."""
    assert version == spell_cudnn(number)


def test_a_newer_minor_cudnn_is_accepted_and_another_major_is_not(court: Any, machine: Any) -> None:
    """As torch does."""
    assert "cudnn-incompatible" not in [
        each.id for each in court.judge(machine.put("/torch/cudnn_runtime", 92400)).findings
    ]
    assert "cudnn-incompatible" == court.first(machine.put("/torch/cudnn_runtime", 100000))


def test_a_driver_that_knows_no_fields_is_no_fault(court: Any, machine: Any) -> None:
    """All that a GeForce, a vGPU or a container may be silent about."""
    silent = machine
    for place in ("ecc_uncorrected", "remap_pending", "remap_failed", "is_mig", "processes", "memory_used_before"):
        silent = silent.unread(f"/gpus/0/{place}", "not-supported")
    for place in ("/host/memory_limit", "/pci_gpus", "/driver/has_open_module", "/torch/path", "/torch/origin"):
        silent = silent.unread(place, "not-present")

    assert Answer.PASS is court.judge(silent).answer


def under_wsl(machine: Any) -> Any:
    """A machine under WSL whose NVML answers `unknown` to what it does not support there."""
    known = machine.put("/host/platform", "wsl").put("/driver/nvml", "unknown")
    return known.unread("/gpus/0/processes", "error").unread("/gpus/0/memory_used_before", "error")


def test_nvml_that_knows_little_under_wsl_is_no_fault(court: Any, machine: Any) -> None:
    """The same answers elsewhere are one, and so are those on a leaf that a verdict needs."""
    machine = under_wsl(machine)
    nameless = machine.unread("/gpus/0/name", "error")
    silent = machine.unread("/gpus/0/uuid", "error")

    assert [] == list(court.judge(machine).findings)
    assert "nvml-failed" == court.first(machine.put("/host/platform", "linux"))
    assert "nvml-failed" == court.first(nameless)
    assert Answer.FAIL is court.judge(silent).answer
    assert "nvml-failed" in [each.id for each in court.judge(machine.put("/gpus", [])).findings]
    assert "nvml-failed" in [each.id for each in court.judge(machine.put("/driver/nvml", "timeout")).findings]


def test_windows_uses_the_memory_of_a_gpu_under_wsl(court: Any, machine: Any, declare: Callable[..., Any]) -> None:
    """That is nothing a job left, and yet it is not free."""
    used = machine.put("/gpus/0/memory_used_before", 20 * 10**9)
    under = used.put("/host/platform", "wsl")

    assert ["gpu-leftovers", ""] == [court.first(each) for each in (used, under)]
    assert "gpu-leftovers" == court.first(under, declare(gpu={"free": "70 GB"}))


@pytest.mark.parametrize(
    ("platform", "cause"), [("linux", "gpu-none"), ("wsl", "probe-matmul"), ("jetson", "probe-matmul")]
)
def test_only_a_common_linux_needs_the_node_of_unified_memory(
    platform: str, cause: str, court: Any, machine: Any
) -> None:
    """Elsewhere it is never there, and explains nothing."""
    without = machine.put("/nodes/1/errno", 2).put("/host/platform", platform)

    assert cause == court.first(without.got("matmul.fp32", "wrong"))


def test_a_jetson_without_nvml_is_no_fault(court: Any, machine: Any) -> None:
    """JetPack brought NVML late, and counts its drivers otherwise; CUDA it must have."""
    silent = machine.put("/driver/nvml", "library-not-found")
    jetson = silent.put("/host/platform", "jetson").put("/driver/version", "35.3.1")

    assert ["driver-missing", ""] == [court.first(each) for each in (silent, jetson)]
    assert "driver-missing" == court.first(jetson.unread("/driver/libcuda", "not-present"))
    assert ["driver" in capture(read_facts(each.value)) for each in (silent, jetson)] == [True, False]


def test_a_build_that_is_not_of_pytorch_takes_the_systems_libraries(
    court: Any, machine: Any, declare: Callable[..., Any]
) -> None:
    """NVIDIA's images hold cuDNN and NCCL beside torch; a wheel of PyTorch brings its own."""
    loaded = [{"family": "nccl", "path": "/usr/lib/x86_64-linux-gnu/libnccl.so.2"}]

    found = [court.first(machine.put("/loaded", loaded), declare(build=each)) for each in ("ngc", "source", "pytorch")]

    assert ["", "", "library-foreign"] == found


def test_a_list_may_be_read_and_yet_not_whole() -> None:
    """The probe gives a list, and a reason why it is not all."""
    facts = read_facts({"gpus": [], "unread": {"/gpus": "timeout"}})

    assert (Reason.TIMEOUT, ()) == (facts.unread["/gpus"], facts.gpus)


def test_claims_and_numbers_are_not_each_other() -> None:
    """`true` is no number, `1` no claim, and a reason that is none is none."""
    facts = read_facts({"host": {"uid": True}, "torch": {"imported": 1}, "pci_gpus": None, "unread": {"/pci_gpus": 7}})

    assert {"/host/uid": Reason.WRONG_KIND, "/torch/imported": Reason.WRONG_KIND, "/pci_gpus": Reason.UNEXPLAINED} == {
        place: facts.unread[place] for place in ("/host/uid", "/torch/imported", "/pci_gpus")
    }


def test_what_is_not_known_is_not_captured(machine: Any) -> None:
    """A machine without anything has an entry without anything."""
    odd = machine.put("/torch/version", "main").put("/gpus", [])

    assert {"cuda": "none"} == capture(read_facts({}))
    assert "gpu" not in capture(read_facts(odd.value))
    assert "==main" == capture(read_facts(odd.value))["torch"]
    ngc = machine.put("/torch/version", "2.10.0a0+b558c986e8.nv25.11")
    assert {"build": "ngc", "prerelease": True} == {
        name: capture(read_facts(ngc.value))[name] for name in ("build", "prerelease")
    }
    older = machine.put("/torch/version", "1.13.0a0+d0d6b1f")
    assert "source" == capture(read_facts(older.value))["build"]
    for published in ("2.5.1", "2.5.1+cu124", "2.9.0+rocm6.4", "2.9.0+cpu"):
        assert "build" not in capture(read_facts(machine.put("/torch/version", published).value))


@pytest.mark.parametrize(("text", "hours"), [("30m", 0.5), ("24h", 24), ("7 d", 168), ("0h", None), ("soon", None)])
def test_an_age_is_a_number_and_a_unit(text: str, hours: float | None) -> None:
    """Minutes, hours or days; anything else is no age."""
    assert read_age(text) == (None if hours is None else timedelta(hours=hours))


def test_a_stored_verdict_that_is_none_is_not_used(court: Any, machine: Any) -> None:
    """Whatever the file on the machine holds."""
    now, at = court.judge(machine), datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
    image = "ghcr.io/acme/torch@sha256:" + "a" * 64
    full = {"schema": "milepost.verdict/1", "verdict": "pass", "level": "full", "at": "2026-11-24T08:00:00Z"}
    stored: list[Any] = [
        None,
        {},
        {**full, "verdict": "fail"},
        {**full, "level": "quick"},
        {**full, "at": "yesterday"},
        {**full, "at": "2026-11-25T08:00:00Z"},
        full,
        {**full, "observed": {"gpus": "all"}, "data": 1},
    ]

    reasons = [refuse_reuse(each, now, image, at=at, most_age=timedelta(days=1)) for each in stored]
    bad = replace(now, answer=Answer.FAIL)

    assert all(reasons)
    assert "the quick probe does not pass" == refuse_reuse(full, bad, image, at=at, most_age=timedelta(days=1))


def test_observing_reads_and_judges_nothing(machine: Any) -> None:
    """What a release records is what was found."""
    observed = observe(read_facts(machine.value))

    assert ("2.11.0+cu130", "9.19.0.56", "3.6.0") == (observed.torch, observed.cudnn, observed.triton)
