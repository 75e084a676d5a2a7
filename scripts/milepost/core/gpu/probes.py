"""What was tried on the machine, and what must have been tried."""

from __future__ import annotations

from collections.abc import Iterator

from milepost.core.facts import Gpu, Level, Result, Status
from milepost.core.gpu.case import Case, failed, met, not_asked, unproven
from milepost.core.verdict import Check
from milepost.diagnostics import Rule, Severity

_TITLES = {
    "init": "CUDA cannot be started.",
    "alloc": "Memory of a GPU cannot be used.",
    "matmul": "A matrix product is wrong or fails.",
    "transfer": "Data does not come back from a GPU as it went.",
    "conv2d": "A 2D convolution, which needs cuDNN, is wrong or fails.",
    "again": "A GPU that worked at the start of the probe does not at its end.",
    "conv3d": "A 3D convolution is wrong or fails.",
    "sdpa": "Scaled dot product attention is wrong or fails.",
    "autograd": "Gradients are wrong or fail.",
    "amp": "A step of automatic mixed precision is wrong or fails.",
    "graph": "The replay of a CUDA graph is wrong or fails.",
    "compile": "torch.compile is wrong or fails.",
    "dataloader": "A DataLoader with workers fails.",
    "nccl": "An all-reduce over NCCL is wrong or fails.",
    "peer": "A copy from GPU to GPU is wrong or fails.",
}
PROBES = {name: Rule(f"probe-{name}", Severity.ERROR, title) for name, title in _TITLES.items()}
PROBE_UNKILLABLE = Rule("probe-unkillable", Severity.ERROR, "A probe hangs in the driver and cannot be ended.")
PROBE_HUNG = Rule("probe-hung", Severity.ERROR, "A probe did not end in time.")
PROBE_CRASHED = Rule("probe-crashed", Severity.ERROR, "A probe's process was ended by a signal.")
PROBE_GARBAGE = Rule("probe-garbage", Severity.ERROR, "A probe told something that cannot be understood.")
TOOLS = (PROBE_UNKILLABLE, PROBE_HUNG, PROBE_CRASHED, PROBE_GARBAGE)
RULES = (*PROBES.values(), *TOOLS)

ENDINGS = {
    Status.UNKILLABLE: (PROBE_UNKILLABLE, "cannot be ended", "reboot the node"),
    Status.HUNG: (PROBE_HUNG, "did not end in time", "look for Xid messages in the host's kernel log"),
    Status.CRASHED: (PROBE_CRASHED, "crashed", "look at the libraries that are loaded, and at the kernel log"),
}
# Each is tried on each GPU, and `FIRST` on one.
QUICK = ("alloc", "matmul.fp32", "matmul.bf16", "transfer", "again")
FULL = ("matmul.fp16", "matmul.tf32", "conv2d.bf16", "conv3d", "sdpa", "autograd", "amp", "graph")
FIRST = ("conv2d.fp32",)
BUS_ERROR = ("bus error", "insufficient shared memory")


def judge_tools(case: Case) -> Iterator[Check]:
    """A check for each probe that hung, crashed or told garbage; they explain what is unknown elsewhere."""
    for each in case.facts.results:
        if each.status in ENDINGS:
            rule, words, help = ENDINGS[each.status]
            signal = f" by signal {each.signal}" if each.signal is not None else ""
            yield failed(rule, f"{each.probe} {words}{signal}", gpu=each.gpu, why=each.error or "", help=help)
        elif each.status is None or each.probe is None:
            yield failed(PROBE_GARBAGE, f"{each.probe or 'a probe'} told no status that is known", gpu=each.gpu)
    found = {each.status for each in case.facts.results}
    yield from (met(rule) for status, (rule, _, _) in ENDINGS.items() if status not in found)


def judge_probes(case: Case) -> Iterator[Check]:
    """A check for each probe that the level and the declaration ask for, on each GPU; one that was not run is not passed."""
    wanted = list(_list_wanted(case))
    for probe, gpu in wanted:
        found = [each for each in case.facts.results if each.probe == probe and each.gpu == gpu]
        yield _judge_result(case, probe, gpu, found[0] if found else None)
    asked = {probe.partition(".")[0] for probe, _ in wanted}
    extra = [each for each in case.facts.results if (each.probe, each.gpu) not in wanted and each.kind in PROBES]
    for each in extra:  # what was tried beyond what was asked for still counts
        yield _judge_result(case, each.probe or "", each.gpu, each)
    tried = asked | {each.kind for each in extra}
    yield from (not_asked(rule) for name, rule in PROBES.items() if name not in tried)


def _list_wanted(case: Case) -> Iterator[tuple[str, str | None]]:
    is_full, needs = case.level is Level.FULL, case.environment.needs
    if case.has_gpu:
        yield "init", None
    gpus: list[str | None] = [gpu.uuid for gpu in _by_index(case)] if case.has_gpu else [None]
    yield from ((probe, gpu) for gpu in gpus for probe in (*QUICK, *(FULL if is_full else ())))
    yield from ((probe, gpu) for gpu in gpus[:1] for probe in FIRST)
    if needs.nccl or (is_full and len(gpus) > 1):
        yield "nccl", None
    if needs.peer or (is_full and len(gpus) > 1):
        yield "peer", None
    if needs.compile or is_full:
        yield "compile", None
    if needs.dataloader is not None or is_full:
        yield "dataloader", None


def _by_index(case: Case) -> list[Gpu]:
    """The GPUs as CUDA numbers them, which is not NVML's order."""
    return sorted((gpu for _, gpu in case.visible), key=lambda gpu: (gpu.cuda_index is None, gpu.cuda_index or 0))


def _judge_result(case: Case, probe: str, gpu: str | None, result: Result | None) -> Check:
    rule = PROBES[probe.partition(".")[0]]
    if result is None or result.status in (None, Status.NOT_RUN, *ENDINGS):
        return unproven(rule, "/results", gpu=gpu, found=f"{probe} told no result")
    if result.status is Status.OK:
        return met(rule, gpu=gpu, found=probe)
    told = result.error or "a wrong result"
    why = "shared memory is too small" if case.complaint(*BUS_ERROR) and rule is PROBES["dataloader"] else ""
    return failed(rule, f"{probe}: {told}", gpu=gpu, why=why)
