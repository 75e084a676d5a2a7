"""A declared environment in words: what each specifier lets in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from milepost.core.environment import Build, Environment, GpuDemand, Needs, Sizes, Specifier
from milepost.core.published import Data
from milepost.views.markdown import code, prose, table
from milepost.views.plain import counted, one_line

NAMES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "cuda": "CUDA",
    "driver": "driver",
    "cudnn": "cuDNN",
    "nccl": "NCCL",
    "triton": "triton",
    "python": "Python",
}
WORDS = {
    "==": "exactly {version}",
    "!=": "not {version}",
    ">=": "{version} or {more}",
    "<=": "{version} or {less}",
    ">": "{more} than {version}",
    "<": "{less} than {version}",
    "~=": "{version} or {more}, while it is {family}",
}
GIGABYTE = 1000**3


def render_environments(environments: Iterable[Environment]) -> str:
    """A line for everything that each environment asks for."""
    lines = []
    for each in environments:
        lines += [f"environment {each.name}:", *(f"  {subject}: {one_line(text)}" for subject, text in _rows(each))]
    return "\n".join(lines)


def render_environments_markdown(environments: Iterable[Environment]) -> str:
    """A table of everything that each environment asks for."""
    rows = [(code(each.name), subject, prose(text)) for each in environments for subject, text in _rows(each)]
    return table(("environment", "what", "means"), rows)


def render_data_line(data: Data) -> str:
    """The day of the data that declarations are judged by."""
    return f"Data on published builds: reviewed on {data.reviewed}, up to torch {data.newest.releases[-1]}."


def describe_versions(specifier: Specifier, *, more: str = "newer", less: str = "older") -> str:
    """`2.9 or newer, older than 2.11`; a bare version is all below it."""
    parts = [part.strip() for part in specifier.text.split(",")]
    return ", ".join(_describe_part(part, more=more, less=less) for part in parts if part)


def describe_sizes(sizes: Sizes) -> str:
    """`at least 80 GB`."""
    least = [f"at least {_size(sizes.least)}"] if sizes.least else []
    most = [f"at most {_size(sizes.most)}"] if sizes.most is not None else []
    return ", ".join([*least, *most]) or "any size"


def _rows(environment: Environment) -> Iterator[tuple[str, str]]:
    if environment.image is not None:
        yield "image", environment.image
    if environment.is_cpu:
        yield "GPU", "none, and none is looked for"
    for key, name in NAMES.items():
        specifier = getattr(environment, key)
        if isinstance(specifier, Specifier):
            yield name, describe_versions(specifier)
    if environment.torch is not None:
        yield "pre-releases", "are let in, too" if environment.has_prerelease else "are not let in"
    if environment.build is not Build.PYTORCH:
        yield "build", f"{environment.build.value}: not judged by what PyTorch published"
    if environment.local is not None:
        yield "local label", f"exactly {environment.local}"
    yield from _gpu_rows(environment.gpu) if environment.gpu else ()
    yield from _need_rows(environment.needs)
    for waiver in environment.waivers:
        yield "waived", f"{waiver.check} until the end of {waiver.expires}: {waiver.reason}"


def _gpu_rows(gpu: GpuDemand) -> Iterator[tuple[str, str]]:
    whose = "of at least one GPU" if gpu.is_any else "of each GPU"
    if gpu.count is not None:
        yield "GPUs", describe_versions(gpu.count, more="more", less="fewer")
    if gpu.names:
        yield f"name {whose}", f"holds {' or '.join(gpu.names)} as whole words"
    if gpu.memory is not None:
        yield f"memory {whose}", describe_sizes(gpu.memory)
    if gpu.capability is not None:
        yield f"compute capability {whose}", describe_versions(gpu.capability, more="higher", less="lower")
    if gpu.mig is not None:
        yield f"MIG {whose}", gpu.mig
    if gpu.free is not None:
        yield f"free memory {whose}", describe_sizes(gpu.free)


def _need_rows(needs: Needs) -> Iterator[tuple[str, str]]:
    if needs.compile:
        yield "must work", "torch.compile, with a C compiler"
    if needs.dataloader is not None:
        shm = f" and {_size(needs.dataloader.shm)} of shared memory" if needs.dataloader.shm is not None else ""
        yield "must work", f"DataLoader with {counted(needs.dataloader.workers, 'worker')}{shm}"
    if needs.imports:
        yield "must import", ", ".join(needs.imports)
    if needs.nccl:
        yield "must work", "NCCL over the visible GPUs"
    if needs.peer:
        yield "must work", "copies between the visible GPUs"


def _describe_part(part: str, *, more: str, less: str) -> str:
    found = re.fullmatch(r"(==|!=|>=|<=|~=|>|<|)\s*v?(.*)", part)
    assert found is not None, "the pattern takes every part of a specifier"
    operator, version = found[1], found[2]
    if not operator:
        return f"any {version}" if more == "newer" else f"exactly {version}"
    if version.endswith(".*"):
        return f"{'any' if operator == '==' else 'no'} {version.removesuffix('.*')}"
    return WORDS[operator].format(version=version, family=version.rpartition(".")[0], more=more, less=less)


def _size(size: int) -> str:
    return f"{size / GIGABYTE:.4g} GB" if size >= GIGABYTE else f"{size / 1000**2:.4g} MB"
