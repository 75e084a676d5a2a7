"""What the machine must give beside the GPU: shared memory, a compiler, memory."""

from __future__ import annotations

from collections.abc import Iterator

from milepost.core.gpu.case import Case, failed, met, not_applicable, not_asked, unproven
from milepost.core.verdict import Check
from milepost.diagnostics import Rule, Severity

SHM_TOO_SMALL = Rule("shm-too-small", Severity.ERROR, "Shared memory is smaller than the declared DataLoader needs.")
COMPILER_MISSING = Rule("compiler-missing", Severity.ERROR, "torch.compile is declared, and there is no C compiler.")
MEMORY_LIMIT = Rule("memory-limit", Severity.NOTICE, "The job may use less memory than one of its GPUs has.")
RULES = (SHM_TOO_SMALL, COMPILER_MISSING, MEMORY_LIMIT)

NO_COMPILER = ("failed to find c compiler", "cannot find -lcuda", "no working c++ compiler")
MEGABYTE = 10**6


def judge_host(case: Case) -> Iterator[Check]:
    """The checks of the host."""
    yield _judge_shm(case)
    yield _judge_compiler(case)
    yield _judge_memory(case)


def _judge_shm(case: Case) -> Check:
    loader, total = case.environment.needs.dataloader, case.facts.host.shm_total
    if loader is None or loader.shm is None:
        return not_asked(SHM_TOO_SMALL)
    if total is None:
        return unproven(SHM_TOO_SMALL, "/host/shm_total")
    if total >= loader.shm:
        return met(SHM_TOO_SMALL)
    return failed(
        SHM_TOO_SMALL,
        f"/dev/shm has {total / MEGABYTE:.0f} MB",
        expected=f"{loader.shm / MEGABYTE:.0f} MB or more",
        why="workers hand batches over in shared memory, and are killed by a bus error when it is full",
        help=f"write `options: --shm-size={-(-loader.shm // MEGABYTE)}m` below the job's `container:`, or `--ipc=host`",
    )


def _judge_compiler(case: Case) -> Check:
    if not case.environment.needs.compile:
        return not_asked(COMPILER_MISSING)
    if "/host/cc" in case.facts.unread:
        return unproven(COMPILER_MISSING, "/host/cc")
    error = case.complaint(*NO_COMPILER)
    if case.facts.host.cc is not None and not error:
        return met(COMPILER_MISSING, found=case.facts.host.cc)
    return failed(
        COMPILER_MISSING,
        error or "there is no C compiler on PATH",
        why="triton compiles its launcher with it, on the machine that runs the model",
        help="install gcc and libc6-dev in the image, or take `compile: true` out of `needs:`",
    )


def _judge_memory(case: Case) -> Check:
    limit = case.facts.host.memory_limit
    largest = max((gpu.memory_total or 0 for _, gpu in case.visible), default=0)
    if limit is None:
        is_unread = case.is_unread("/host/memory_limit")
        return unproven(MEMORY_LIMIT, "/host/memory_limit") if is_unread else not_applicable(MEMORY_LIMIT)
    if limit >= largest:
        return met(MEMORY_LIMIT)
    return failed(
        MEMORY_LIMIT,
        f"the job may use {limit / MEGABYTE:.0f} MB, a GPU has {largest / MEGABYTE:.0f} MB",
        why="a checkpoint that fills the GPU does not fit beside it",
    )
