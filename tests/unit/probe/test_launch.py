"""The whole probe, with a torch without arithmetic: processes, blame, and what the facts say."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from milepost.probe import child

PROBE = Path(__file__).parents[3] / "scripts" / "milepost" / "probe"
# Between a probe that passes and another that does: the faulty one, which alone may be blamed.
AROUND = """
import ctypes, os, signal, subprocess, sys, time
ONLY = True
def fine(torch, device):
    return {"pid": os.getpid()}
def journal():
    for each in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + each).endswith(".journal"):
                return int(each)
        except OSError:
            pass
def faulty(torch, device):
%s
PROBES = {"before": fine, "faulty": faulty, "after": fine}
"""
FAULTS = {
    "hang": ("    time.sleep(1000)", "hung", "no answer within 0.5 s"),
    "deaf": (
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True: pass",
        "hung",
        "no answer within 0.5 s",
    ),
    "segfault": ("    ctypes.string_at(0)", "crashed", "ended by SIGSEGV"),
    "abort": ("    print('last words', flush=True)\n    os.abort()", "crashed", "ended by SIGABRT: last words"),
    "exit": ("    os._exit(0)", "crashed", "ended with status 0"),
    "status": ("    os._exit(9)", "crashed", "ended with status 9"),
    "exception": ("    raise RuntimeError('CUDA error: busy')", "error", "RuntimeError: CUDA error: busy"),
    "system exit": ("    sys.exit(0)", "error", "SystemExit: 0"),
    "grandchild": ("    subprocess.Popen(['sleep', '987'])", "error", "left 1 processes running: ['sleep 987']"),
    "orphan": (
        "    subprocess.run(['sh', '-c', 'setsid sleep 986 &'])\n    time.sleep(0.3)",
        "error",
        "left 1 processes running: ['sleep 986']",
    ),
    "torn journal": (
        '    os.write(journal(), b\'{"event": "end", "st\')\n    os._exit(0)',
        "error",
        "what it reported cannot be read",
    ),
    "garbled journal": (
        "    os.write(journal(), b'\\xff\\x00{{{ ')",
        "error",
        "what it reported cannot be read",
    ),
    "wrong": ("    return {'wrong': 'all results are zero'}", "wrong", "all results are zero"),
}


def statuses(facts: dict[str, Any]) -> dict[str, str]:
    """What became of each probe; the same probe twice is a mistake."""
    names = [each["probe"] for each in facts["results"]]
    assert len(set(names)) == len(names)
    return {each["probe"]: each["status"] for each in facts["results"]}


def result(facts: dict[str, Any], probe: str) -> dict[str, Any]:
    """The result of that probe."""
    (found,) = [each for each in facts["results"] if each["probe"] == probe]
    return dict(found)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_blamed_on_its_probe_alone(name: str, machine: Any) -> None:
    """The one before it and the one after it pass, whatever it does, and nothing of it is left running."""
    body, status, error = FAULTS[name]
    deadlines = {"faulty": 0.5} if status == "hung" else {}

    facts = machine.probe(AROUND % body, needs={"device": "cpu"}, **deadlines)

    assert {"import": "ok", "before": "ok", "faulty": status, "after": "ok"} == statuses(facts)
    found = result(facts, "faulty")
    assert found["error"].startswith(error)
    assert {"SIGSEGV": 11, "SIGABRT": 6}.get(error.partition(":")[0].rpartition(" ")[2]) == found["signal"]
    assert b"sleep\x00987" not in b"".join(read_commands()) + b"".join(read_commands())


def read_commands() -> list[bytes]:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:
            pass
    return found


def test_garbage_on_stdout_hurts_nobody(machine: Any) -> None:
    """What a probe prints is no report, and does not fill the disk."""
    facts = machine.probe(AROUND % "    os.write(1, b'\\xff{\"event\":' * 1000000)", needs={"device": "cpu"})

    assert {"import": "ok", "before": "ok", "faulty": "ok", "after": "ok"} == statuses(facts)


def test_a_package_may_start_helpers(machine: Any, tmp_path: Path) -> None:
    """They are ended and named, and neither the package nor a probe is accused."""
    (tmp_path / "helpful.py").write_text("import subprocess\nsubprocess.Popen(['sleep', '985'])\n", encoding="utf-8")
    machine.environment = {"PYTHONPATH": f"{machine.settings()['PYTHONPATH']}:{tmp_path}"}

    facts = machine.probe(AROUND % "    pass", needs={"device": "cpu", "imports": ["helpful"]})

    assert {"ok"} == set(statuses(facts).values())
    assert {"version": None, "ended": ["sleep 985"]} == result(facts, "imports.helpful")["detail"]


def test_healthy_is_one_process(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All probes ran in the process that imported torch, once; two others looked around without it."""
    started, real = [], child.Child.__init__

    def start(self: child.Child, command: list[str], *rest: Any) -> None:
        started.append(command[3])
        real(self, command, *rest)

    monkeypatch.setattr(child.Child, "__init__", start)

    facts = machine.probe(AROUND % "    return fine(torch, device)", needs={"device": "cpu"})

    assert ["nvml", "ground", "worker"] == started
    pids = {each["detail"]["pid"] for each in facts["results"] if each["probe"] != "import"}
    assert 1 == len(pids)
    assert 1 == sum(each["probe"] == "import" for each in facts["results"])


def test_after_three_restarts_the_rest_is_not_run(machine: Any) -> None:
    """Four faults are enough to know; those that were not tried say so."""
    probes = "ONLY = True\ndef bad(torch, device):\n    raise RuntimeError('again')\n"
    probes += "PROBES = {'p%d' % n: bad for n in range(6)}\n"

    found = statuses(machine.probe(probes, needs={"device": "cpu"}))

    assert ["error"] * 4 + ["not-run"] * 2 == [found[f"p{number}"] for number in range(6)]


def test_faults_of_one_gpu_do_not_stop_another(gpu_machine: Callable[..., Any]) -> None:
    """Restarts are counted for each device."""
    probes = """
ONLY = True
def bad(torch, device):
    if device == "cuda:0":
        raise RuntimeError("CUDA error: unspecified launch failure")
PROBES = {"p%d" % n: bad for n in range(5)}
"""
    facts = gpu_machine().probe(probes)

    first, second = "GPU-00000002-0000-0000-0000-000000000000", "GPU-00000001-0000-0000-0000-000000000000"
    found = {(each["gpu"], each["probe"]): each["status"] for each in facts["results"]}
    assert ["error"] * 4 + ["not-run"] == [found[(first, f"p{number}")] for number in range(5)]
    assert ["ok"] * 5 == [found[(second, f"p{number}")] for number in range(5)]


def test_what_the_kernel_cannot_end_is_left_alone(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, nothing more is started on that machine, and the facts are written."""
    real, started = subprocess.Popen, []

    def start(*arguments: Any, **options: Any) -> Any:
        started.append(real(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(child, "_signal_group", lambda group, number: None)
    monkeypatch.setattr(child, "_list_marked", lambda mark: iter(()))

    facts = machine.probe(AROUND % "    time.sleep(1000)", level="full", needs={"device": "cpu"}, faulty=0.5)
    for each in started:
        each.kill()
        each.wait()

    found = statuses(facts)
    assert ("ok", "unkillable", "not-run") == (found["before"], found["faulty"], found["after"])
    assert {"compile": "not-run", "dataloader": "not-run"} == {name: found[name] for name in ("compile", "dataloader")}
    assert result(facts, "faulty")["error"].endswith("the kernel could not end the process: restart the machine")


@pytest.mark.parametrize(
    ("mode", "status", "error", "reason"),
    [
        ("hang-import", "hung", "no answer within 1 s", "timeout"),
        ("die-import", "crashed", "ended by SIGSEGV", "crashed"),
        ("refuse-import", "error", "ImportError: libcudnn.so.9: undefined symbol: ncclDevCommDestroy", "error"),
        ("leave-import", "error", "SystemExit: 0", "error"),
    ],
)
def test_a_torch_that_cannot_be_imported_is_described_by_its_files(
    mode: str, status: str, error: str, reason: str, machine: Any
) -> None:
    """Its version and its CUDA are known all the same; what only the import tells has its reason."""
    machine.environment = {"CUDA_STUB": mode}

    facts = machine.probe(level="full", **({"import": 1.0} if status == "hung" else {}))

    assert {"import": status, "compile": "not-run", "dataloader": "not-run"} == statuses(facts)
    assert result(facts, "import")["error"] == error
    assert (False, error) == (facts["torch"]["imported"], facts["torch"]["error"])
    assert ("2.9.1+cu128", "12.8") == (facts["torch"]["version"], facts["torch"]["cuda"])
    assert reason == facts["unread"]["/torch/nccl"]


def test_without_torch_the_facts_say_so(machine: Any, tmp_path: Path) -> None:
    """Nothing of it is there, and that is no error of reading."""
    machine.environment = {"PYTHONPATH": str(tmp_path)}

    facts = machine.probe()

    assert "ModuleNotFoundError: No module named 'torch'" == facts["torch"]["error"]
    assert {"not-present"} == {reason for place, reason in facts["unread"].items() if place.startswith("/torch")}


def test_without_a_gpu_the_first_context_fails(machine: Any) -> None:
    """torch's own words are kept; what needs a GPU is not run."""
    facts = machine.probe(level="full", needs={"nccl": True})

    assert {"import": "ok", "init": "error", "compile": "not-run", "nccl": "not-run"} == {
        name: status for name, status in statuses(facts).items() if name != "dataloader"
    }
    assert "RuntimeError: Found no NVIDIA driver on your system." == result(facts, "init")["error"]
    assert "library-not-found" == facts["driver"]["nvml"]


def test_what_torch_says_is_told(machine: Any) -> None:
    """Every leaf, with the versions of cuDNN as two numbers, so that a foreign one shows."""
    torch = machine.probe(needs={"device": "cpu"})["torch"]

    assert {
        "imported": True,
        "error": None,
        "path": str(Path(__file__).parent / "stub" / "torch"),
        "version": "2.9.1+cu128",
        "cuda": "12.8",
        "hip": None,
        "git": "5811a8d7da873dd699ff6687092c225caffcf1bb",
        "origin": "other",
        "arch_list": ["sm_80", "sm_90"],
        "cudnn_compiled": 91002,
        "cudnn_runtime": 92400,
        "nccl": "2.27.5",
        "cuda_initialised_by_import": False,
    } == torch


def test_one_reading_that_fails_keeps_no_other_away(machine: Any) -> None:
    """It has its reason."""
    machine.environment = {"CUDA_STUB": "broken-cudnn"}

    facts = machine.probe(needs={"device": "cpu"})

    assert "error" == facts["unread"]["/torch/cudnn_runtime"]
    assert (91002, None) == (facts["torch"]["cudnn_compiled"], facts["torch"]["cudnn_runtime"])


def test_devices_are_joined_by_uuid(gpu_machine: Callable[..., Any]) -> None:
    """CUDA's order is not NVML's; results name the UUID."""
    facts = gpu_machine().probe("ONLY = True\nPROBES = {'own': lambda torch, device: {'device': device}}")

    found = [(each["uuid"][:12], each["pci"], each["cuda_index"]) for each in facts["gpus"]]
    assert [("GPU-00000001", "0000:1b:00.0", 1), ("GPU-00000002", "0000:1c:00.0", 0)] == found
    places = {each["detail"]["device"]: each["gpu"][:12] for each in facts["results"] if each["probe"] == "own"}
    assert {"cuda:0": "GPU-00000002", "cuda:1": "GPU-00000001"} == places
    assert 13010 == facts["driver"]["cuda_api"]
    assert ["cuda"] == [each["family"] for each in facts["loaded"]]
    assert facts["driver"]["libcuda"].endswith("libcuda.so.1")


def test_a_gpu_that_cuda_does_not_show_has_no_place(gpu_machine: Callable[..., Any]) -> None:
    """Hidden by a variable, say: it is listed, with the reason."""
    facts = gpu_machine(stub="gpus=1").probe()

    assert [None, 0] == [each["cuda_index"] for each in facts["gpus"]]
    assert "not-present" == facts["unread"]["/gpus/0/cuda_index"]


def test_a_gpu_that_nvml_does_not_show_is_listed(gpu_machine: Callable[..., Any]) -> None:
    """As CUDA sees it; what NVML alone knows is unread."""
    facts = gpu_machine(nvml="Init_v2=999").probe()

    assert "unknown" == facts["driver"]["nvml"]
    assert [(0, "8.0", False, None)] * 1 == [
        (each["cuda_index"], each["capability"], each["is_mig"], each["ecc_uncorrected"]) for each in facts["gpus"][:1]
    ]
    assert "not-present" == facts["unread"]["/gpus/0/ecc_uncorrected"]


@pytest.mark.parametrize(("word", "reason"), [("hang", "timeout"), ("die", "crashed")])
def test_a_management_library_that_fails_is_survived(word: str, reason: str, gpu_machine: Callable[..., Any]) -> None:
    """What it told before is kept; the rest has its reason, and the probes run."""
    facts = gpu_machine(nvml=f"gpus=2 DeviceGetHandleByIndex_v2@1={word}").probe(nvml=1.0)

    assert ["GPU-00000001", "GPU-00000002"] == [each["uuid"][:12] for each in facts["gpus"]]
    assert (None, reason) == (facts["driver"]["nvml"], facts["unread"]["/driver/nvml"])
    assert reason == facts["unread"]["/gpus/1/ecc_uncorrected"] == facts["unread"]["/gpus"]
    assert {"import": "ok", "init": "ok"} == statuses(facts)


def test_declared_imports_are_tried(machine: Any, tmp_path: Path) -> None:
    """Each by its name, in the process that has torch; one that fails is the only one blamed."""
    needs = {"device": "cpu", "imports": ["json", "no_such_module", "decimal"]}

    facts = machine.probe(needs=needs)

    assert {
        "import": "ok",
        "imports.json": "ok",
        "imports.no_such_module": "error",
        "imports.decimal": "ok",
    } == statuses(facts)
    assert {"version": "2.0.9"} == result(facts, "imports.json")["detail"]


def test_secrets_and_settings_of_the_runner_stay_outside(machine: Any) -> None:
    """What decides how torch behaves is handed on; a token is not, whatever it is called."""
    machine.environment = {
        "GITHUB_TOKEN": "s1",
        "INPUT_TOKEN": "s2",
        "ACTIONS_RUNTIME_TOKEN": "s3",
        "NVIDIA_API_KEY": "s4",
        "CONDA_TOKEN": "s5",
        "HF_TOKEN": "s6",
        "PYTHONINSPECT": "1",
        "NCCL_DEBUG": "INFO",
    }
    probes = "import os\nONLY = True\nPROBES = {'own': lambda torch, device: dict(os.environ)}"

    found = result(machine.probe(probes, needs={"device": "cpu"}), "own")["detail"]

    assert "INFO" == found["NCCL_DEBUG"]
    assert [] == [name for name, value in found.items() if value in ("s1", "s2", "s3", "s4", "s5", "s6")]
    assert not {"PYTHONINSPECT", "GITHUB_TOKEN"} & set(found)
    assert "1" == found["PYTHONDONTWRITEBYTECODE"]


def test_our_folder_is_not_on_the_path_of_the_inspected_interpreter(machine: Any) -> None:
    """A module of ours shadows none of the user's; the working folder is empty."""
    probes = "import os, sys\nONLY = True\n"
    probes += "PROBES = {'own': lambda t, d: {'path': sys.path, 'here': os.listdir('.'), 'cwd': os.getcwd()}}"

    found = result(machine.probe(probes, needs={"device": "cpu"}), "own")["detail"]

    assert str(PROBE) not in [os.path.abspath(each) for each in found["path"]]
    assert [] == found["here"]
    assert not os.path.exists(found["cwd"])


def test_the_inspected_interpreter_stays_as_it_is(machine: Any) -> None:
    """Not even compiled modules are written beside its packages."""
    before = sorted((Path(__file__).parent / "stub").rglob("*"))

    machine.probe(AROUND % "    raise RuntimeError", needs={"device": "cpu", "imports": ["json"]})

    assert before == sorted((Path(__file__).parent / "stub").rglob("*"))


def test_a_launcher_that_is_killed_leaves_nothing_running(machine: Any) -> None:
    """A job that is cancelled frees the machine."""
    machine.environment = {"CUDA_STUB": "hang-import", "NCCL_MARK": "left"}
    command = [sys.executable, str(PROBE / "launch.py"), "--python", sys.executable, "--out", str(machine.folder)]

    with subprocess.Popen(command, env=machine.settings()) as launcher:
        while not (workers := list_workers(launcher.pid)):
            time.sleep(0.05)
        launcher.kill()

    for _ in range(200):
        left = [pid for pid in workers if is_running(pid)]
        if not left:
            break
        time.sleep(0.05)
    assert [] == left


def list_workers(parent: int) -> list[int]:
    """The workers that the process has started."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in found if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_running(pid: int) -> bool:
    """True until the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_interpreter_that_is_not_there_is_told(machine: Any) -> None:
    """The facts are written, and say why they are empty."""
    machine.python = "/nowhere/python3"

    facts = machine.probe()

    assert "crashed" == result(facts, "import")["status"]
    assert "/nowhere/python3" in result(facts, "import")["error"]
    assert "crashed" == facts["unread"]["/python/version"]


def old_pythons() -> list[str]:
    """Interpreters of 3.8 and 3.9 that are installed here."""
    found = sorted(Path.home().glob(".pyenv/versions/3.[89].*/bin/python"))
    return [str(each) for each in found]


@pytest.mark.parametrize("path", sorted(PROBE.glob("*.py")), ids=lambda path: path.name)
def test_the_programs_are_python_3_8(path: Path) -> None:
    """Nothing in them needs a newer grammar."""
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_old_interpreter_runs_all_of_it(machine: Any) -> None:
    """From the command line, launcher and programs, with Python 3.8 where it is installed."""
    pythons = old_pythons()
    if not pythons:
        pytest.skip("neither Python 3.8 nor 3.9 is installed here")
    needs = machine.folder / "needs.json"
    needs.write_text('{"device": "cpu"}', encoding="utf-8")
    command = [pythons[0], str(PROBE / "launch.py"), "--python", pythons[0], "--level", "quick"]

    subprocess.run(
        [*command, "--needs", str(needs), "--out", str(machine.folder / "out")],
        env=machine.settings(),
        cwd=machine.folder,
        check=True,
    )

    facts = json.loads((machine.folder / "out" / "facts.json").read_text(encoding="utf-8"))
    assert facts["python"]["version"].startswith(("3.8", "3.9"))
    assert "2.9.1+cu128" == facts["torch"]["version"]
    assert "AttributeError: module 'torch' has no attribute 'arange'" == result(facts, "alloc")["error"]


@pytest.mark.parametrize(
    ("needs", "error"),
    [
        ("[]", "the needs are not a JSON object"),
        ("{", "Expecting property name"),
        ('{"dataloader": {"workers": 2}}', "dataloader wants `workers` and `shm`"),
        ('{"dataloader": {"workers": true, "shm": 1}}', "dataloader wants `workers` and `shm`"),
        ('{"imports": "torchvision"}', "imports wants a list of module names"),
        ('{"device": "tpu"}', "device is cuda or cpu"),
    ],
)
def test_needs_that_cannot_be_read_are_refused(needs: str, error: str, tmp_path: Path) -> None:
    """With status 2, before anything is started."""
    (tmp_path / "needs.json").write_text(needs, encoding="utf-8")
    command = [sys.executable, str(PROBE / "launch.py"), "--python", sys.executable]

    found = subprocess.run(
        [*command, "--needs", str(tmp_path / "needs.json"), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 2 == found.returncode
    assert error in found.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_outlives_its_deadline(machine: Any) -> None:
    """A run in which everything hangs ends after its deadlines, and not later."""
    machine.environment = {"CUDA_STUB": "hang-import"}
    start = time.monotonic()

    machine.probe(level="full", **{"import": 2.0})

    assert 2.0 < time.monotonic() - start < 30
