"""The `environments:` section of a plan file: version specifiers, sizes and waivers as values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from milepost.core.checks import WAIVABLE
from milepost.core.environment import (
    Build,
    Environment,
    GpuDemand,
    LoaderNeed,
    Needs,
    Sizes,
    Specifier,
    Waiver,
    read_size,
    read_sizes,
    read_specifier,
    specify,
)
from milepost.diagnostics import Rule, Severity
from milepost.planfile.milestones import read_written_day
from milepost.planfile.reading import Reading
from milepost.planfile.wording import escape, name_path, nearest, quote

BAD_SPECIFIER = Rule("bad-specifier", Severity.ERROR, "A version specifier cannot be read, or admits nothing.")
BAD_SIZE = Rule("bad-size", Severity.ERROR, "A size cannot be read, or admits nothing.")
UNKNOWN_CHECK = Rule("unknown-check", Severity.ERROR, "A waiver names no check.")
CPU_AND_GPU = Rule("cpu-and-gpu", Severity.ERROR, "An environment is declared to have no GPU, and asks for one.")
RULES = (BAD_SPECIFIER, BAD_SIZE, UNKNOWN_CHECK, CPU_AND_GPU)

SECTION = "environments"
VERSIONS = ("torch", "torchvision", "cuda", "driver", "cudnn", "nccl", "triton", "python")
GPU_KEYS = ("count", "name", "memory", "compute-capability", "mig", "free", "match")
MIG_WORDS = {"true": "on", "yes": "on", "false": "off", "no": "off"}
NO_CUDA = "none"
ONE_OR_MORE = specify(">=1")


def load_environments(reading: Reading) -> Iterator[Environment]:
    """The environments in file order; what only this section can get wrong is noted."""
    for name, each in (reading.value.get(SECTION) or {}).items():
        yield _load_environment(reading, name, each or {})


def _load_environment(reading: Reading, name: str, each: dict[str, Any]) -> Environment:
    path = (SECTION, name)
    versions = {key: _read_specifier(reading, each, path, key) for key in VERSIONS}
    gpu, needs = _read_gpu(reading, each.get("gpu"), path), each.get("needs") or {}
    for key in ("image", "local"):
        if key in each:
            reading.judge_line(each[key], *path, key)
    environment = Environment(
        name=name,
        image=each.get("image"),
        platform=each.get("platform", "linux/amd64"),
        build=Build(each.get("build", Build.PYTORCH)),
        local=each.get("local"),
        has_prerelease=each.get("prerelease", False),
        gpu=gpu,
        needs=_read_needs(reading, needs, (*path, "needs")),
        waivers=tuple(_read_waivers(reading, path)),
        is_cpu=_is_cpu(each, gpu),
        at=reading.at(*path),
        places={key: reading.at(*path, key) for key in each}
        | {key: reading.at(*path, "gpu", key) for key in each.get("gpu") or {}},
        **versions,
    )
    if environment.is_cpu:
        _judge_cpu(reading, environment, needs)
    return environment


def _read_specifier(reading: Reading, each: dict[str, Any], path: tuple[Any, ...], key: str) -> Specifier | None:
    text = each.get(key)
    if text is None or (key == "cuda" and text == NO_CUDA):
        return None
    specifier, reason = read_specifier(text)
    if specifier is None:
        way_out = "a bare `2.9` means every 2.9; several conditions are joined by commas"
        reading.report(BAD_SPECIFIER, f"{name_path((*path, key))} {quote(text)} {reason}", *path, key, help=way_out)
    return specifier


def _read_sizes(reading: Reading, each: dict[str, Any], path: tuple[Any, ...], key: str) -> Sizes | None:
    text = each.get(key)
    if text is None:
        return None
    sizes, reason = read_sizes(text)
    if sizes is None:
        way_out = "`GB` counts in thousands, `GiB` in 1024s"
        reading.report(BAD_SIZE, f"{name_path((*path, key))} {quote(text)} {reason}", *path, key, help=way_out)
    return sizes


def _read_gpu(reading: Reading, each: dict[str, Any] | None, path: tuple[Any, ...]) -> GpuDemand | None:
    if each is None:
        return None
    path = (*path, "gpu")
    mig = each.get("mig")
    return GpuDemand(
        count=_read_specifier(reading, each, path, "count"),
        names=_read_names(reading, each, path),
        memory=_read_sizes(reading, each, path, "memory"),
        capability=_read_specifier(reading, each, path, "compute-capability"),
        mig=MIG_WORDS.get(mig, mig) if mig else None,
        free=_read_sizes(reading, each, path, "free"),
        is_any=each.get("match") == "any",
    )


def _read_names(reading: Reading, each: dict[str, Any], path: tuple[Any, ...]) -> tuple[str, ...]:
    names = each.get("name")
    if isinstance(names, list):
        return reading.texts(each, "name", path)
    if names is not None:
        reading.judge_line(names, *path, "name")
    return (names,) if names is not None else ()


def _read_needs(reading: Reading, each: dict[str, Any], path: tuple[Any, ...]) -> Needs:
    return Needs(
        compile=each.get("compile", False),
        dataloader=_read_loader(reading, each.get("dataloader"), (*path, "dataloader")),
        imports=reading.texts(each, "imports", path),
        nccl=each.get("nccl", False),
        peer=each.get("peer", False),
    )


def _read_loader(reading: Reading, each: dict[str, Any] | None, path: tuple[Any, ...]) -> LoaderNeed | None:
    if each is None:
        return None
    text = each.get("shm")
    size = read_size(text) if text is not None else None
    if text is not None and size is None:
        summary = f"{name_path((*path, 'shm'))} {quote(text)} is not a size"
        reading.report(BAD_SIZE, summary, *path, "shm", help="write a number and a unit, such as `1 GB`")
    return LoaderNeed(workers=each.get("workers", LoaderNeed.workers), shm=size)


def _read_waivers(reading: Reading, path: tuple[Any, ...]) -> Iterator[Waiver]:
    for where, each in reading.members(*path, "waive"):
        check, reason, expires = each.get("check"), each.get("reason"), each.get("expires")
        day = read_written_day(reading, expires, *where, "expires") if expires is not None else None
        if reason is not None:
            reading.judge_line(reason, *where, "reason")
        if check is not None and check not in WAIVABLE:
            way_out = nearest(check, WAIVABLE, otherwise="the checks are listed in docs/environments.md")
            reading.report(
                UNKNOWN_CHECK, f"{quote(check)} is no check that can be waived", *where, "check", help=way_out
            )
        if check in WAIVABLE and reason is not None and isinstance(day, date):
            yield Waiver(check=check, reason=reason, expires=day, at=reading.at(*where))


def _is_cpu(each: dict[str, Any], gpu: GpuDemand | None) -> bool:
    count = gpu.count if gpu else None
    is_none = count is not None and count.takes("0") and not count.meets(ONE_OR_MORE)
    return each.get("cuda") == NO_CUDA or each.get("local") == "cpu" or is_none


def _judge_cpu(reading: Reading, environment: Environment, needs: dict[str, Any]) -> None:
    """Whoever wants no GPU wants nothing of one."""
    path = (SECTION, environment.name)
    asked: list[tuple[str, ...]] = [
        (key,) for key in ("cuda", "driver", "cudnn", "nccl") if getattr(environment, key) is not None
    ]
    asked += [("gpu", key) for key in (reading.value[SECTION][environment.name].get("gpu") or {}) if key != "count"]
    asked += [("needs", key) for key in ("nccl", "peer") if needs.get(key)]
    if environment.gpu and environment.gpu.count and not environment.gpu.count.takes("0"):
        asked.append(("gpu", "count"))
    for key in asked:
        summary = f"environment {quote(environment.name)} has no GPU, and asks for `{'.'.join(map(escape, key))}`"
        way_out = "remove it, or declare the GPU: without `cuda: none`, `local: cpu` and a `count` of 0"
        reading.report(CPU_AND_GPU, summary, *path, *key, help=way_out)
