"""The Python and the torch that would run the deployment."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from milepost.core.facts import Reason, Status
from milepost.core.gpu.case import Case, compare, failed, met, not_applicable, not_asked, unproven
from milepost.core.verdict import Check
from milepost.diagnostics import Rule, Severity

PYTHON_VERSION = Rule("python-version", Severity.ERROR, "The interpreter is of another version than declared.")
TORCH_MISSING = Rule("torch-missing", Severity.ERROR, "The interpreter has no torch.")
TORCH_IMPORT = Rule("torch-import", Severity.ERROR, "torch is installed and cannot be imported.")
TORCH_ROCM = Rule("torch-rocm", Severity.ERROR, "torch is built for AMD's ROCm.")
TORCH_CPU_ONLY = Rule("torch-cpu-only", Severity.ERROR, "torch is built without CUDA, and a GPU is declared.")
TORCH_PRERELEASE = Rule("torch-prerelease", Severity.ERROR, "torch is a pre-release, and none is declared.")
TORCH_VERSION = Rule("torch-version", Severity.ERROR, "torch is of another version than declared.")
TORCH_LOCAL = Rule("torch-local", Severity.ERROR, "torch's local version is another one than declared.")
TORCH_CUDA = Rule("torch-cuda", Severity.ERROR, "torch is built for another CUDA than declared.")
TORCHVISION_VERSION = Rule("torchvision-version", Severity.ERROR, "torchvision is of another version than declared.")
TRITON_VERSION = Rule("triton-version", Severity.ERROR, "triton is of another version than declared.")
IMPORT_DECLARED = Rule("import-declared", Severity.ERROR, "A module that is declared to be needed cannot be imported.")
CUDA_INITIALISED = Rule(
    "cuda-initialised-by-import", Severity.WARNING, "Importing torch starts CUDA, so that no process can fork after it."
)
RULES = (
    PYTHON_VERSION,
    TORCH_MISSING,
    TORCH_IMPORT,
    TORCH_ROCM,
    TORCH_CPU_ONLY,
    TORCH_PRERELEASE,
    TORCH_VERSION,
    TORCH_LOCAL,
    TORCH_CUDA,
    TORCHVISION_VERSION,
    TRITON_VERSION,
    IMPORT_DECLARED,
    CUDA_INITIALISED,
)


def judge_build(case: Case) -> Iterator[Check]:
    """The checks of Python and torch, causes first."""
    environment, facts = case.environment, case.facts
    yield compare(PYTHON_VERSION, environment.python, facts.python.version, "/python/version", name="Python")
    yield _judge_missing(case)
    yield _judge_import(case)
    yield _judge_rocm(case)
    yield _judge_cpu_only(case)
    yield from _judge_version(case)
    yield compare(TORCH_CUDA, environment.cuda, facts.torch.cuda, "/torch/cuda", name="torch's CUDA")
    yield _judge_package(case, TORCHVISION_VERSION, "torchvision")
    yield _judge_package(case, TRITON_VERSION, "triton", "pytorch-triton")
    yield from _judge_imports(case)
    yield _judge_initialised(case)


def _judge_missing(case: Case) -> Check:
    torch = case.facts.torch
    if torch.version is not None:
        return met(TORCH_MISSING)
    if case.facts.unread.get("/torch/version") is not Reason.NOT_PRESENT:
        return unproven(TORCH_MISSING, "/torch/version")
    others = ", ".join(case.facts.python.others_with_torch)
    return failed(
        TORCH_MISSING,
        f"{case.facts.python.executable or 'the interpreter'} has no torch",
        help=f"give the input `python`: torch is in {others}" if others else "use the image that holds torch",
    )


def _judge_import(case: Case) -> Check:
    torch = case.facts.torch
    if torch.imported is None:
        return unproven(TORCH_IMPORT, "/torch/imported")
    if torch.imported:
        return met(TORCH_IMPORT)
    return failed(
        TORCH_IMPORT,
        f"torch cannot be imported: {torch.error or 'nobody knows why'}",
        why="libraries of other versions than torch was built with are a frequent cause",
        help="install torch and its nvidia-* packages afresh into one environment; empty LD_LIBRARY_PATH",
    )


def _judge_rocm(case: Case) -> Check:
    if "/torch/hip" in case.facts.unread:
        return unproven(TORCH_ROCM, "/torch/hip")
    hip = case.facts.torch.hip
    if hip is None:
        return met(TORCH_ROCM)
    return failed(TORCH_ROCM, f"torch is built for ROCm {hip}", help="install a build for CUDA")


def _judge_cpu_only(case: Case) -> Check:
    torch = case.facts.torch
    if not case.has_gpu:
        return not_applicable(TORCH_CPU_ONLY)
    is_without = torch.cuda is None and case.facts.unread.get("/torch/cuda") is Reason.NOT_SUPPORTED
    if is_without or (torch.version or "").endswith("+cpu"):
        return failed(
            TORCH_CPU_ONLY,
            f"torch {torch.version} is built without CUDA",
            why="often a dependency, or another index, replaced the build with CUDA",
            help="install torch from the index of the declared CUDA, and pin it in a constraints file",
        )
    return met(TORCH_CPU_ONLY) if torch.cuda is not None else unproven(TORCH_CPU_ONLY, "/torch/cuda")


def _judge_version(case: Case) -> Iterator[Check]:
    environment, text = case.environment, case.facts.torch.version
    public, _, local = (text or "").partition("+")
    yield _judge_prerelease(case, public)
    yield compare(TORCH_VERSION, environment.torch, public or None, "/torch/version", name="torch")
    if environment.local is None:
        yield not_asked(TORCH_LOCAL)
    elif text is None:
        yield unproven(TORCH_LOCAL, "/torch/version")
    elif local == environment.local:
        yield met(TORCH_LOCAL)
    else:
        yield failed(TORCH_LOCAL, f"torch's local version is {local or 'empty'}", expected=environment.local)


def _judge_prerelease(case: Case, public: str) -> Check:
    if not public:
        return unproven(TORCH_PRERELEASE, "/torch/version")
    if case.environment.has_prerelease or not _is_prerelease(public):
        return met(TORCH_PRERELEASE)
    return failed(
        TORCH_PRERELEASE,
        f"torch {public} is a pre-release, or no version at all",
        help="declare `prerelease: true` when it is meant; NVIDIA's images hold such builds",
    )


def _is_prerelease(text: str) -> bool:
    try:
        return Version(text).is_prerelease
    except InvalidVersion:
        return True


def _judge_package(case: Case, rule: Rule, name: str, nightly: str = "") -> Check:
    """The package; nightly builds of torch may bring it under another name."""
    demand = case.environment.torchvision if name == "torchvision" else case.environment.triton
    if demand is None:
        return not_asked(rule)
    if any(place.startswith("/packages") for place in case.facts.unread):
        return unproven(rule, "/packages")
    version = case.facts.package(name) or case.facts.package(nightly)
    if version is None:
        return failed(rule, f"{name} is not installed", expected=demand.text)
    return compare(rule, demand, version.partition("+")[0], "/packages", name=name)


def _judge_imports(case: Case) -> Iterator[Check]:
    if not case.environment.needs.imports:
        yield not_asked(IMPORT_DECLARED)
    for module in case.environment.needs.imports:
        found = [each for each in case.facts.results if each.probe == f"imports.{module}"]
        if not found or found[0].status is None:
            yield unproven(IMPORT_DECLARED, "/results", found=f"nothing is known of the import of {module}")
        elif found[0].status is Status.OK:
            yield met(IMPORT_DECLARED, found=module)
        else:
            yield failed(
                IMPORT_DECLARED,
                f"{module} cannot be imported: {found[0].error or found[0].status.value}",
                help="install a version that was built for this torch",
            )


def _judge_initialised(case: Case) -> Check:
    is_initialised = case.facts.torch.cuda_initialised_by_import
    if not case.has_gpu:
        return not_applicable(CUDA_INITIALISED)
    if is_initialised is None:
        return unproven(CUDA_INITIALISED, "/torch/cuda_initialised_by_import")
    if not is_initialised:
        return met(CUDA_INITIALISED)
    return failed(
        CUDA_INITIALISED,
        "importing torch started CUDA",
        why="a forked DataLoader worker then fails with “Cannot re-initialize CUDA in forked subprocess”",
        help="look for a sitecustomize or .pth file that calls torch.cuda at import",
    )
