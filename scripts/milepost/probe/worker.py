"""The process that imports torch: `start.py PARENT worker TASK`. It takes its steps in order and leaves at the first fault.

A fault is an exception, or anything that the launcher sees from outside. CUDA's errors stay with a process, so what
comes after one would tell nothing: the launcher starts another for the rest.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

from . import arithmetic, device, groups
from .ground import read_nodes
from .journal import Journal, Step

Work = Callable[[], Any]
PR_SET_CHILD_SUBREAPER = 36
# What `multiprocessing` keeps running until its process ends.
HELPERS = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")


class Fault(Exception):
    """A step raised: the process must end."""


class Worker:
    """One run: its task, its journal, torch once it is imported, and the devices as (UUID, name for torch)."""

    def __init__(self, task: dict[str, Any], journal: Journal) -> None:
        self.task, self.journal = task, journal
        self.torch: Any = None
        self.devices: list[tuple[str | None, str]] = [(None, "cpu")]
        self.nodes: list[dict[str, Any]] = []

    def run(self) -> None:
        """Every step of the program has been taken; raises Fault at the first that cannot."""
        if self.task["program"] == "torch":
            self._run_torch()
        else:
            self.take((self.task["program"], None), partial(self._run_alone, self.task["program"]))

    def _run_torch(self) -> None:
        self.take(("import", None), self._import)
        for module in self.task["imports"]:
            self._take_unless_done((f"imports.{module}", None), partial(_import_declared, module))
        self._tell_torch()
        if self.task["device"] == "cuda":
            self.take(("init", None), self._initialise)
        # Now that a context keeps the GPUs awake: opening the node of a sleeping one wakes it, which takes a second.
        self.nodes = read_nodes(Path("/"))
        steps = list(self._list_steps())
        self.journal.plan([step for step, _ in steps])
        for step, work in steps:
            self._take_unless_done(step, work)
        self._tell_loaded()

    def _take_unless_done(self, step: Step, work: Work) -> None:
        if list(step) not in self.task["done"]:
            self.take(step, work)

    def take(self, step: Step, work: Work) -> None:
        """The step is in the journal with what it found; raises Fault when it raised."""
        self.journal.begin(step)
        start = time.monotonic()
        try:
            detail = work() or {}
        except BaseException as trouble:  # a package that ends the process when it is imported raises SystemExit
            self.journal.end(step, "error", _since(start), None, _describe(trouble))
            raise Fault from trouble
        wrong, left = detail.pop("wrong", None), end_children()
        if step[0].startswith("import"):  # a package may start helpers of its own
            self.journal.end(step, "ok", _since(start), {**detail, "ended": left} if left else detail)
        elif left:
            self.journal.end(step, "error", _since(start), detail, f"left {len(left)} processes running: {left}"[:500])
        else:
            self.journal.end(step, "wrong" if wrong else "ok", _since(start), detail, wrong)

    def _import(self) -> dict[str, Any]:
        self.torch = importlib.import_module("torch")
        return {}

    def _tell_torch(self) -> None:
        self.journal.tell("torch", device.read_torch(self.torch))
        self._tell_loaded()

    def _tell_loaded(self) -> None:
        loaded = device.list_loaded(device.read_maps())
        self.journal.tell("loaded", loaded)
        self.journal.tell("libcuda", device.read_driver(loaded))

    def _initialise(self) -> dict[str, Any]:
        self.torch.cuda.init()
        found = device.list_devices(self.torch)
        self.journal.tell("devices", found)
        self.devices = [(each["uuid"], f"cuda:{each['cuda_index']}") for each in found]
        for _, name in self.devices:
            self.torch.zeros(1, device=name)
        return {"count": len(found)}

    def _list_steps(self) -> Iterator[tuple[Step, Work]]:
        """Every step of the level, device by device; access to each is looked at again at the end."""
        extra = _load_extra(self.task["extra"])
        for number, (uuid, name) in enumerate(self.devices):
            if extra is None or not extra.get("ONLY"):
                for probe, work in list_probes(self.torch, name, self.task["level"], is_first=number == 0):
                    yield (probe, uuid), work
            for probe, function in (extra or {}).get("PROBES", {}).items():
                yield (probe, uuid), partial(function, self.torch, name)
        for uuid, name in self.devices:
            if extra is None or not extra.get("ONLY"):
                yield ("again", uuid), partial(self._look_again, name)

    def _look_again(self, name: str) -> dict[str, Any]:
        """A kernel still gives the right answer, and every node that could be opened at first still can."""
        answer = arithmetic.try_matmul(self.torch, name, "float32", 31)
        could = {each["path"] for each in self.nodes if each["errno"] is None}
        lost = [each for each in read_nodes(Path("/")) if each["path"] in could and each["errno"] is not None]
        if lost:
            answer["wrong"] = f"access was lost since the start: {lost}"
        return answer

    def _run_alone(self, program: str) -> dict[str, Any]:
        """The one probe of a process of its own, importing torch included."""
        self.torch = importlib.import_module("torch")
        devices = self._list_names()
        if program == "compile":
            return arithmetic.try_compile(self.torch, devices[0])
        if program == "dataloader":
            importlib.import_module("torch.utils.data")
            return groups.try_dataloader(self.torch, **self.task["dataloader"])
        if program == "nccl":
            return groups.try_nccl(self.torch, devices, Path.cwd())
        return groups.try_peer(self.torch, devices)

    def _list_names(self) -> list[str]:
        if self.task["device"] != "cuda":
            return ["cpu"] * self.task["processes"]
        return [f"cuda:{index}" for index in range(self.torch.cuda.device_count())]


def list_probes(torch: Any, name: str, level: str, *, is_first: bool) -> Iterator[tuple[str, Work]]:
    """What is tried on one device, by name, in order."""
    yield "alloc", partial(arithmetic.try_alloc, torch, name)
    yield "matmul.fp32", partial(arithmetic.try_matmul, torch, name, "float32")
    yield "matmul.bf16", partial(arithmetic.try_matmul, torch, name, "bfloat16")
    yield "transfer", partial(arithmetic.try_transfer, torch, name)
    if is_first:
        yield "conv2d.fp32", partial(arithmetic.try_conv, torch, name, "float32", 2)
    if level == "full":
        yield "matmul.fp16", partial(arithmetic.try_matmul, torch, name, "float16")
        yield "matmul.tf32", partial(arithmetic.try_tf32, torch, name)
        yield "conv2d.bf16", partial(arithmetic.try_conv, torch, name, "bfloat16", 2)
        yield "conv3d", partial(arithmetic.try_conv3d, torch, name)
        yield "sdpa", partial(arithmetic.try_sdpa, torch, name)
        yield "autograd", partial(arithmetic.try_autograd, torch, name)
        yield "amp", partial(arithmetic.try_amp, torch, name)
        yield "graph", partial(arithmetic.try_graph, torch, name)


def main(argv: list[str]) -> int:
    """The journal holds every step that was taken; the process leaves without torch's own farewell, which may hang."""
    task = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    _adopt_orphans()
    status = 0
    try:
        Worker(task, Journal(task["journal"])).run()
    except Fault:
        status = 3
    os._exit(status)


def end_children() -> list[str]:
    """What this process has running below it has been ended; the value names each by its command."""
    ended = []
    for pid in _list_children():
        command = _read_command(pid)
        if command and not any(each in command for each in HELPERS):  # one that has ended has no command
            ended.append(command.replace(b"\0", b" ").decode("utf-8", "replace").strip()[:100])
            _end(pid)
    return ended


def _list_children() -> list[int]:
    try:
        return [
            int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text("ascii").split()
        ]
    except (OSError, ValueError):
        return []  # the system does not tell; the launcher sweeps at the end


def _read_command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except OSError:
        pass  # it ended by itself


def _adopt_orphans() -> None:
    """Processes whose parent dies become our children, so that they are seen; where the system has that."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # then only direct children are seen


def _import_declared(module: str) -> dict[str, Any]:
    found = importlib.import_module(module)
    version = getattr(found, "__version__", None)
    return {"version": version if isinstance(version, str) else None}


def _load_extra(path: str | None) -> dict[str, Any] | None:
    """The names in a file of further probes; None without one."""
    if path is None:
        return None
    spec = importlib.util.spec_from_file_location("milepost_probe_extra", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(vars(module))


def _describe(trouble: BaseException) -> str:
    """What torch said, as it said it."""
    return f"{type(trouble).__name__}: {trouble}"[:2000]


def _since(start: float) -> int:
    return int((time.monotonic() - start) * 1000)
