"""cuDNN and NCCL as they are really loaded, and whether the installed files are those of their packages."""

from __future__ import annotations

from collections.abc import Iterator

from milepost.core.environment import Build
from milepost.core.facts import Facts, Origin
from milepost.core.gpu.case import Case, compare, failed, met, not_applicable, unproven
from milepost.core.verdict import Check
from milepost.diagnostics import Rule, Severity

FILES_DIFFER = Rule("files-differ", Severity.ERROR, "An installed library is not the one that its package brought.")
CUDNN_INCOMPATIBLE = Rule("cudnn-incompatible", Severity.ERROR, "The loaded cuDNN is one that torch refuses.")
CUDNN_MIXED = Rule("cudnn-mixed", Severity.ERROR, "Libraries of two cuDNNs are loaded in one process.")
CUDNN_VERSION = Rule("cudnn-version", Severity.ERROR, "The loaded cuDNN is of another version than declared.")
NCCL_VERSION = Rule("nccl-version", Severity.ERROR, "The loaded NCCL is of another version than declared.")
LIBRARY_FOREIGN = Rule("library-foreign", Severity.WARNING, "A library does not come from the packages of torch.")
RULES = (FILES_DIFFER, CUDNN_INCOMPATIBLE, CUDNN_MIXED, CUDNN_VERSION, NCCL_VERSION, LIBRARY_FOREIGN)

INCOMPATIBLE = ("cudnn version incompatibility",)
MIXED = ("sublibrary_version_mismatch",)
# Only these come in one version and from one place on a healthy machine; cuBLAS and others do not.
ONE_PLACE = ("cudnn", "nccl")
CRITICAL = ("torch", "nvidia-cudnn", "nvidia-nccl")
MOST_NAMED = 3


def judge_libraries(case: Case) -> Iterator[Check]:
    """The checks of the libraries, causes first."""
    yield from _judge_files(case)
    if not case.has_gpu:
        yield from (not_applicable(rule) for rule in RULES[1:])
        return
    yield _judge_incompatible(case)
    yield _judge_mixed(case)
    yield compare(
        CUDNN_VERSION, case.environment.cudnn, cudnn_version(case.facts), "/torch/cudnn_runtime", name="cuDNN"
    )
    yield compare(NCCL_VERSION, case.environment.nccl, case.facts.torch.nccl, "/torch/nccl", name="NCCL")
    yield _judge_foreign(case)


def cudnn_version(facts: Facts) -> str | None:
    """The loaded cuDNN's version, in four parts where the installed package agrees with it."""
    number = facts.torch.cudnn_runtime
    if number is None:
        return None
    loaded = spell_cudnn(number)
    packages = (each.version for each in facts.packages if (each.name or "").startswith("nvidia-cudnn"))
    return next((each for each in packages if each and each.startswith(f"{loaded}.")), loaded)


def spell_cudnn(number: int) -> str:
    """The version that cuDNN's number means: 91002 is 9.10.2, and before 9, 8902 is 8.9.2."""
    major = 10_000 if number >= 90_000 else 1_000
    return f"{number // major}.{number % major // 100}.{number % 100}"


def _judge_files(case: Case) -> Iterator[Check]:
    files = case.facts.files
    if not files.differ:
        unread = case.is_unread("/files")
        yield unproven(FILES_DIFFER, "/files") if unread else met(FILES_DIFFER, found=f"{files.checked or 0} files")
    for package in sorted({each.package or "" for each in files.differ}):
        paths = [each.path or "" for each in files.differ if (each.package or "") == package]
        more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
        yield failed(
            FILES_DIFFER,
            f"{', '.join(paths[:MOST_NAMED])}{more} is not what {package} brought",
            why="packages for CUDA 12 and 13 install into the same folders, and the last one stays",
            help=f"reinstall {package} into a fresh environment; `pip check` does not see this",
            severity=None if package.startswith(CRITICAL) else Severity.WARNING,
        )


def _judge_incompatible(case: Case) -> Check:
    torch = case.facts.torch
    error = case.complaint(*INCOMPATIBLE)
    if not error and (torch.cudnn_compiled is None or torch.cudnn_runtime is None):
        return unproven(CUDNN_INCOMPATIBLE, "/torch/cudnn_runtime", "/torch/cudnn_compiled")
    if not error and _is_accepted(torch.cudnn_compiled or 0, torch.cudnn_runtime or 0):
        return met(CUDNN_INCOMPATIBLE)
    found = error or f"cuDNN {spell_cudnn(torch.cudnn_runtime or 0)} is loaded"
    expected = "" if error else f"{spell_cudnn(torch.cudnn_compiled or 0)}, or newer of the same major version"
    return failed(
        CUDNN_INCOMPATIBLE,
        found,
        expected=expected,
        why=_where(case, "cudnn"),
        help="take the other cuDNN out of LD_LIBRARY_PATH, or reinstall torch's nvidia-cudnn package",
    )


def _is_accepted(compiled: int, runtime: int) -> bool:
    """torch's own rule: the same major version, and none older."""
    compiled_parts, runtime_parts = (
        [int(each) for each in spell_cudnn(number).split(".")] for number in (compiled, runtime)
    )
    return compiled_parts[0] == runtime_parts[0] and compiled_parts[:2] <= runtime_parts[:2]


def _judge_mixed(case: Case) -> Check:
    error = case.complaint(*MIXED)
    if not error and case.is_unread("/loaded"):
        return unproven(CUDNN_MIXED, "/loaded")
    if not error and len(_folders(case, "cudnn")) <= 1:
        return met(CUDNN_MIXED)
    return failed(
        CUDNN_MIXED,
        error or "libcudnn is loaded from more than one folder",
        why=_where(case, "cudnn"),
        help="take the system's cuDNN out of LD_LIBRARY_PATH and of the image; build on a `-base` image",
    )


def _judge_foreign(case: Case) -> Check:
    """Only PyTorch's own wheels bring these libraries along; other builds take the system's, NVIDIA's images too."""
    torch = case.facts.torch
    if case.environment.build is not Build.PYTORCH:
        return not_applicable(LIBRARY_FOREIGN)
    if torch.origin is not Origin.WHEEL or torch.path is None:
        is_unread = case.is_unread("/torch/origin", "/torch/path")
        return unproven(LIBRARY_FOREIGN, "/torch/path") if is_unread else not_applicable(LIBRARY_FOREIGN)
    home = _home(torch.path)
    foreign = sorted(
        each.path
        for each in case.facts.loaded
        if each.family in ONE_PLACE and each.path and not each.path.startswith(home)
    )
    if not foreign:
        return met(LIBRARY_FOREIGN)
    return failed(
        LIBRARY_FOREIGN,
        f"{', '.join(foreign[:MOST_NAMED])} does not come from {home}",
        why="LD_LIBRARY_PATH, or a system package, comes before the packages that torch was tested with",
        help="declare `cudnn:` or `nccl:` and waive this check when it is meant",
    )


def _home(path: str) -> str:
    """The folder that holds torch and its packages, with a slash."""
    return f"{path.removesuffix('/__init__.py').rpartition('/')[0]}/"


def _folders(case: Case, family: str) -> list[str]:
    paths = (each.path for each in case.facts.loaded if each.family == family)
    return sorted({path.rpartition("/")[0] for path in paths if path})


def _where(case: Case, family: str) -> str:
    folders = _folders(case, family)
    return f"loaded from {', '.join(folders)}" if folders else ""
