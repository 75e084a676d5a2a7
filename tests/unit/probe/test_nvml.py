"""What the management library says, asked of one that the tests compile: every field and every answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from milepost.probe import nvml
from milepost.probe.journal import Reader

Ask = Callable[..., Mapping[str, Any]]
HEALTHY = {
    "uuid": "GPU-00000001-0000-0000-0000-000000000000",
    "pci": "0000:1b:00.0",
    "name": "NVIDIA A100-SXM4-80GB",
    "capability": "8.0",
    "memory_total": 85899345920,
    "memory_used_before": 4000000,
    "is_mig": False,
    "mig_profile": None,
    "is_vgpu": False,
    "compute_mode": "default",
    "ecc_uncorrected": 0,
    "remap_pending": False,
    "remap_failed": False,
    "processes": 0,
    "nvml": "ok",
    "unread": {},
}
# Each field, with the function that alone brings it.
FIELDS = {
    "uuid": "DeviceGetUUID",
    "pci": "DeviceGetPciInfo_v3",
    "name": "DeviceGetName",
    "capability": "DeviceGetCudaComputeCapability",
    "memory_used_before": "DeviceGetMemoryInfo_v2",
    "is_vgpu": "DeviceGetVirtualizationMode",
    "compute_mode": "DeviceGetComputeMode",
    "ecc_uncorrected": "DeviceGetTotalEccErrors",
    "remap_pending": "DeviceGetRemappedRows",
    "remap_failed": "DeviceGetRemappedRows",
    "processes": "DeviceGetComputeRunningProcesses_v3",
}


@pytest.fixture
def ask(libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs the program against the fake library, which answers as told; the value is what it told."""

    def run(answers: str = "", library: str | None = None) -> Mapping[str, Any]:
        monkeypatch.setenv("NVIDIA_FAKE_NVML", answers)
        journal = tmp_path / "journal"
        assert 0 == nvml.main([str(journal), library or str(libraries / "libnvidia-ml.so.1")])
        events = Reader(journal).advance()
        facts = [(each["name"], each["value"]) for each in events if each["event"] == "fact"]
        return {**dict(facts), "gpus": [value for name, value in facts if name == "gpu"]}

    return run


def test_a_healthy_gpu_is_told_whole(ask: Ask) -> None:
    """Every field has a value, and memory is what others use, without the driver's reserve."""
    found = ask()

    assert [HEALTHY] == found["gpus"]
    assert ("580.159.03", 13000, "ok") == tuple(found["driver"][name] for name in ("version", "cuda_api", "nvml"))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("code", sorted(set(nvml.CODES) - {0, 7}))
def test_every_answer_of_every_field_has_a_reason(field: str, code: int, ask: Ask) -> None:
    """The field is unread for that reason, every other one is read, and only a broken GPU is called broken."""
    found = ask(f"{FIELDS[field]}={code}")

    (gpu,) = found["gpus"]
    is_older_call = field == "processes" and code == 13
    expected = {} if is_older_call else {field: nvml.REASONS.get(code, "error")}
    assert expected == {name: reason for name, reason in gpu["unread"].items() if name == field}
    assert {name for name, function in FIELDS.items() if function == FIELDS[field]} >= set(gpu["unread"])
    others = set(HEALTHY) - set(gpu["unread"]) - {"unread", "nvml"}
    assert {name: HEALTHY[name] for name in others} == {name: gpu[name] for name in others}
    broken = nvml.CODES[code] if code in nvml.BROKEN else "ok"
    assert (broken, broken) == (gpu["nvml"], found["driver"]["nvml"])


@pytest.mark.parametrize("code", sorted(set(nvml.CODES) - {0}))
def test_every_refusal_to_start_has_its_name(code: int, ask: Ask) -> None:
    """There are no GPUs then, and the driver's word is the library's."""
    found = ask(f"Init_v2={code}")

    assert [] == found["gpus"]
    assert {"nvml": nvml.CODES[code], "version": None, "cuda_api": None} == found["driver"]


def test_the_codes_that_matter_have_the_names_that_the_judge_reads() -> None:
    """Lost, mismatched, unknown, not supported, not permitted."""
    assert ["gpu-is-lost", "lib-rm-version-mismatch", "unknown"] == [nvml.CODES[code] for code in (15, 18, 999)]
    assert ["not-supported", "no-permission"] == [nvml.REASONS[code] for code in (3, 4)]


def test_an_answer_that_no_header_names_is_unknown(ask: Ask) -> None:
    """A newer library may have more of them."""
    assert "unknown" == ask("Init_v2=4711")["driver"]["nvml"]


def test_without_the_library_it_is_not_found(ask: Ask) -> None:
    """As on a machine without a driver."""
    assert "library-not-found" == ask(library="libnvidia-none.so.1")["driver"]["nvml"]


def test_a_library_without_any_function_is_refused(ask: Ask) -> None:
    """A stub of one, as some images hold."""
    assert "function-not-found" == ask(library="libc.so.6")["driver"]["nvml"]


@pytest.mark.parametrize("code", [1, 2, 15, 16, 999])
def test_a_gpu_that_cannot_be_asked_is_listed_without_a_name(code: int, ask: Ask) -> None:
    """The other one is read; the lost one is counted, and the driver's word says what it answered."""
    found = ask(f"gpus=2 DeviceGetHandleByIndex_v2@0={code}")

    lost, other = found["gpus"]
    assert {"nvml": nvml.CODES[code], "unread": {}} == lost
    assert HEALTHY["name"] == other["name"]
    assert nvml.CODES[code] == found["driver"]["nvml"]


def test_a_gpu_that_is_not_ours_is_not_listed(ask: Ask) -> None:
    """The count holds the whole machine's; those of others answer that they may not be used."""
    found = ask("gpus=2 DeviceGetHandleByIndex_v2@1=4")

    assert [HEALTHY] == found["gpus"]
    assert "ok" == found["driver"]["nvml"]


def test_no_gpu_at_all_is_no_error(ask: Ask) -> None:
    """There is just none."""
    found = ask("gpus=0")

    assert ([], "ok") == (found["gpus"], found["driver"]["nvml"])


def test_a_count_that_is_refused_is_an_error(ask: Ask) -> None:
    """None is not the same as not known."""
    assert "unknown" == ask("DeviceGetCount_v2=3")["driver"]["nvml"]
    assert "gpu-is-lost" == ask("DeviceGetCount_v2=15")["driver"]["nvml"]


def test_older_memory_calls_give_the_total_only(ask: Ask) -> None:
    """They count the driver's reserve as used, so every idle GPU would look busy."""
    (gpu,) = ask("DeviceGetMemoryInfo_v2=13")["gpus"]

    assert (85899345920, None) == (gpu["memory_total"], gpu["memory_used_before"])
    assert {"memory_used_before": "not-supported"} == gpu["unread"]


def test_memory_that_no_call_tells_is_unread(ask: Ask) -> None:
    """Both leaves, each with its reason."""
    (gpu,) = ask("DeviceGetMemoryInfo_v2=3 DeviceGetMemoryInfo=4")["gpus"]

    assert {"memory_used_before": "not-supported", "memory_total": "no-permission"} == gpu["unread"]


def test_a_cut_gpu_is_told_by_its_parts(ask: Ask) -> None:
    """Each with its own UUID and profile, and with what only the whole GPU knows; others stay as they are."""
    found = ask("gpus=2 cut=1")["gpus"]

    assert [False, True, True] == [each["is_mig"] for each in found]
    assert [None, "3g.40gb", "3g.40gb"] == [each["mig_profile"] for each in found]
    assert ["MIG-00000065", "MIG-00000066"] == [each["uuid"][:12] for each in found[1:]]
    assert {"0000:1c:00.0"} == {each["pci"] for each in found[1:]}


@pytest.mark.parametrize("answer", ["DeviceGetMaxMigDeviceCount=3", "DeviceGetMigDeviceHandleByIndex=6"])
def test_a_cut_gpu_without_parts_is_told_whole(answer: str, ask: Ask) -> None:
    """It says that it is cut, and names no profile."""
    (gpu,) = ask(f"cut=1 {answer}")["gpus"]

    assert (True, None) == (gpu["is_mig"], gpu["mig_profile"])


def test_a_gpu_that_knows_no_parts_is_whole(ask: Ask) -> None:
    """As a GeForce answers."""
    (gpu,) = ask("DeviceGetMigMode=3")["gpus"]

    assert gpu["is_mig"] is False


@pytest.mark.parametrize(
    ("answers", "field", "value"),
    [
        ("mode=1", "compute_mode", "exclusive-process"),
        ("mode=2", "compute_mode", "prohibited"),
        ("mode=3", "compute_mode", "exclusive-process"),
        ("mode=9", "compute_mode", None),
        ("virtual=1", "is_vgpu", False),
        ("virtual=2", "is_vgpu", True),
        ("ecc=7", "ecc_uncorrected", 7),
        ("pending=1", "remap_pending", True),
        ("failed=1", "remap_failed", True),
        ("busy=3", "processes", 3),
        ("busy=2 DeviceGetComputeRunningProcesses_v3=13", "processes", 2),
    ],
)
def test_numbers_of_the_library_become_words_of_the_facts(answers: str, field: str, value: Any, ask: Ask) -> None:
    """The modes by their names, the counts as they are."""
    (gpu,) = ask(answers)["gpus"]

    assert value == gpu[field]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("00000000:1B:00.0", "0000:1b:00.0"),
        ("0000:1b:00", "0000:1b:00.0"),
        ("00010000:01:00.0", "10000:01:00.0"),
        ("nonsense", None),
    ],
)
def test_addresses_are_written_as_the_kernel_does(written: str, address: str | None) -> None:
    """Whoever wrote them; what is none is None."""
    assert address == nvml.normalise_address(written)
