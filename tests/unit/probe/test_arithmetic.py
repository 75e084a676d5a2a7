"""The probes' sums on CPU tensors of a real torch: right answers pass, and every kind of wrong one is found."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest
from milepost.probe.launch import Options, run_probe

pytestmark = pytest.mark.slow
SCRIPTS = Path(__file__).parents[3] / "scripts"
TORCH = "torch==2.13.0"
# What a broken device would do to torch's functions, and the probes that have to see it.
BREAK = """
import importlib.util, json, sys, torch
sys.path.insert(0, %(scripts)r)
from milepost.probe import arithmetic, groups
from pathlib import Path
real = {"matmul": torch.Tensor.__matmul__, "conv2d": torch.nn.functional.conv2d, "conv3d": torch.nn.functional.conv3d,
        "sdpa": torch.nn.functional.scaled_dot_product_attention, "to": torch.Tensor.to, "mm": torch.mm}
def damaged(function, damage):
    # results computed in fp64 are the expected ones, and stay right
    def call(*a, **k):
        result = function(*a, **k)
        return damage(result) if result.dtype is not torch.float64 else result
    return call
def one_off(result):
    broken = result.clone()
    broken.view(-1)[7] += 1
    return broken
damages = {
    "one off": one_off,
    "zero": lambda result: result * 0,
    "not a number": lambda result: result * float("nan"),
    "transposed": lambda result: result.flip(-1),
}
def run(name):
    probes = {
        "matmul.fp32": lambda: arithmetic.try_matmul(torch, "cpu", "float32"),
        "matmul.bf16": lambda: arithmetic.try_matmul(torch, "cpu", "bfloat16"),
        "matmul.fp16": lambda: arithmetic.try_matmul(torch, "cpu", "float16"),
        "matmul.tf32": lambda: arithmetic.try_tf32(torch, "cpu"),
        "conv2d.fp32": lambda: arithmetic.try_conv(torch, "cpu", "float32", 2),
        "conv2d.bf16": lambda: arithmetic.try_conv(torch, "cpu", "bfloat16", 2),
        "conv3d": lambda: arithmetic.try_conv3d(torch, "cpu"),
        "sdpa": lambda: arithmetic.try_sdpa(torch, "cpu"),
    }
    return probes[name]()
found = {}
for damage, function in damages.items():
    for name in ("matmul.fp32", "matmul.bf16", "matmul.fp16", "matmul.tf32", "conv2d.fp32", "conv2d.bf16", "conv3d", "sdpa"):
        torch.Tensor.__matmul__ = damaged(real["matmul"], function)
        torch.nn.functional.conv2d = damaged(real["conv2d"], function)
        torch.nn.functional.conv3d = damaged(real["conv3d"], function)
        torch.nn.functional.scaled_dot_product_attention = damaged(real["sdpa"], function)
        found[damage + ": " + name] = "wrong" in run(name)
torch.Tensor.__matmul__ = real["matmul"]
torch.nn.functional.conv2d, torch.nn.functional.conv3d = real["conv2d"], real["conv3d"]
torch.nn.functional.scaled_dot_product_attention = real["sdpa"]
print(json.dumps(found))
"""
SEEDS = """
import json, sys, torch
sys.path.insert(0, %(scripts)r)
from milepost.probe import arithmetic
worst = {}
for seed in range(100, 120):
    for name, answer in {
        "matmul": arithmetic.merge(arithmetic.try_matmul(torch, "cpu", kind, seed) for kind in ("float32", "bfloat16", "float16")),
        "conv": arithmetic.merge(arithmetic.try_conv(torch, "cpu", kind, n, seed) for kind in ("float32", "bfloat16") for n in (2, 3)),
        "sdpa": arithmetic.try_sdpa(torch, "cpu", seed),
        "autograd": arithmetic.try_autograd(torch, "cpu", seed),
        "graph": arithmetic.try_graph(torch, "cpu", seed),
    }.items():
        assert "wrong" not in answer, (name, seed, answer)
        worst[name] = max(worst.get(name, 0.0), answer["difference"])
print(json.dumps(worst))
"""
GRADIENTS = """
import json, sys, torch
sys.path.insert(0, %(scripts)r)
from milepost.probe import arithmetic
def compiled(work, **_):
    def run(*leaves):
        result = work(*leaves)
        %(fault)s
        return result
    return run
torch.compile = compiled
print(json.dumps(arithmetic.try_compile(torch, "cpu")))
"""


@pytest.fixture(scope="module")
def torch_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter of its own in which torch for the CPU was installed, by the file that names its version."""
    assert TORCH in (SCRIPTS.parent / "requirements.txt").read_text(encoding="utf-8").split()
    folder = tmp_path_factory.mktemp("torch")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    found = subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-cache-dir", TORCH], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(f"torch cannot be installed here: {found.stderr.strip()[-200:]}")
    return python


def probe(python: str, folder: Path, **needs: Any) -> dict[str, dict[str, Any]]:
    """The results of a full run on the CPU, by probe."""
    path = run_probe(python, "full", {"device": "cpu", **needs}, folder, Options(scale=3.0))
    facts = json.loads(path.read_text(encoding="utf-8"))
    return {each["probe"]: each for each in facts["results"]}


def run_script(python: str, text: str, **values: str) -> Any:
    """What the script printed, as JSON."""
    source = text % {"scripts": str(SCRIPTS), **values}
    found = subprocess.run([python, "-W", "ignore", "-c", source], capture_output=True, text=True, check=False)
    assert 0 == found.returncode, found.stderr
    return json.loads(found.stdout)


def test_every_probe_passes_on_a_healthy_torch(torch_python: str, tmp_path: Path) -> None:
    """Compile, data loader and all-reduce included; where equality is asked the difference is zero."""
    if shutil.which("g++") is None:
        pytest.skip("there is no C++ compiler, which compiling for the CPU needs")
    loader = {"workers": 2, "shm": 8_000_000}

    found = probe(torch_python, tmp_path, nccl=True, peer=True, imports=["sympy"], dataloader=loader)

    names = (
        "import imports.sympy alloc matmul.fp32 matmul.bf16 transfer conv2d.fp32 matmul.fp16 matmul.tf32 conv2d.bf16"
    )
    names += " conv3d sdpa autograd amp graph again compile dataloader nccl peer"
    assert names.split() == list(found)
    assert {"ok"} == {each["status"] for each in found.values()}, found
    exact = ("matmul.fp32", "matmul.bf16", "matmul.fp16", "matmul.tf32", "sdpa", "autograd", "graph", "nccl", "peer")
    assert {0.0} == {found[name]["detail"]["difference"] for name in exact}
    assert {"workers": 2, "bytes": 1_600_000, "batches": 6} == found["dataloader"]["detail"]
    assert (2, 2) == (found["nccl"]["detail"]["ranks"], found["peer"]["detail"]["pairs"])


def test_any_seed_gives_the_exact_answer(torch_python: str) -> None:
    """Over twenty seeds, each kind of number: the tolerance is not what makes them pass."""
    assert {0.0} == set(run_script(torch_python, SEEDS).values())


def test_every_kind_of_wrong_answer_is_found(torch_python: str) -> None:
    """One element off by one, all zero, not a number, and values in the wrong places, by each probe that computes."""
    found = run_script(torch_python, BREAK)

    assert 32 == len(found)
    assert [] == [name for name, is_found in found.items() if not is_found]


@pytest.mark.parametrize(
    ("fault", "is_found"),
    [
        ("pass", False),
        ("result = result * 1.0001", True),
        ("result = result.detach() + 0 * result", True),
        ("result.register_hook(lambda g: g * 1.001)", True),
        ("result = result * float('nan')", True),
    ],
)
def test_wrong_gradients_of_a_compiled_function_are_found(fault: str, is_found: bool, torch_python: str) -> None:
    """Also when its result is right; the function itself, run in place of a compiled one, is not accused."""
    assert is_found is ("wrong" in run_script(torch_python, GRADIENTS, fault=fault))


def test_a_loader_that_shared_memory_cannot_hold_fails(torch_python: str, tmp_path: Path) -> None:
    """With 16 MB of it and 80 MB declared the probe fails by what really happens; with 8 MB it passes."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("only root can give a process a smaller /dev/shm")
    launch = SCRIPTS / "milepost" / "probe" / "launch.py"
    mount = "mount -t tmpfs -o size=16m tmpfs /dev/shm || exit 77; "
    statuses = []
    for megabytes in (80, 8):
        needs = {"device": "cpu", "dataloader": {"workers": 2, "shm": megabytes * 1_000_000}}
        (tmp_path / "needs.json").write_text(json.dumps(needs), encoding="utf-8")
        command = [torch_python, str(launch), "--python", torch_python, "--needs", str(tmp_path / "needs.json")]
        run = shlex.join([*command, "--out", str(tmp_path)])
        found = subprocess.run([unshare, "--mount", "sh", "-c", mount + run], check=False)
        if found.returncode == 77:
            pytest.skip("this machine does not let us mount")
        facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
        assert 16 * 1024 * 1024 == facts["host"]["shm_total"]
        statuses.append(next(each["status"] for each in facts["results"] if each["probe"] == "dataloader"))

    assert ["error", "ok"] == statuses
