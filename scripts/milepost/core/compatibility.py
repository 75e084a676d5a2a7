"""A declared environment against what was ever published: judged without any machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from milepost.core.environment import Build, Environment, specify
from milepost.core.published import DEVICES, Data, KnownBad, PublishedBuild, Release, Standing, next_minor, serves
from milepost.diagnostics import Diagnostic, Rule, Severity

PAIR_UNPUBLISHED = Rule("pair-unpublished", Severity.ERROR, "PyTorch never published this torch for this CUDA.")
TORCH_UNKNOWN = Rule("torch-unknown-to-data", Severity.WARNING, "The data on published builds knows no such torch.")
DRIVER_BELOW_FLOOR = Rule(
    "driver-below-floor", Severity.ERROR, "The declared driver is too old for the declared CUDA, or may be."
)
ARCH_NOT_IN_BUILD = Rule(
    "arch-not-in-build", Severity.ERROR, "No published build holds code for the declared compute capability."
)
PYTHON_UNSUPPORTED = Rule("python-unsupported", Severity.ERROR, "The declared torch was not published for this Python.")
CUDNN_REFUSED = Rule("cudnn-refused", Severity.ERROR, "torch refuses the declared cuDNN.")
KNOWN_BAD = Rule("known-bad", Severity.WARNING, "The declared torch is known to compute wrongly, or to fail.")
WAIVER_EXPIRED = Rule("waiver-expired", Severity.ERROR, "The last day of a waiver is over.")
RULES = (
    PAIR_UNPUBLISHED,
    TORCH_UNKNOWN,
    DRIVER_BELOW_FLOOR,
    ARCH_NOT_IN_BUILD,
    PYTHON_UNSUPPORTED,
    CUDNN_REFUSED,
    KNOWN_BAD,
    WAIVER_EXPIRED,
)

MOST_PAIRS = 6
NOTES = {Standing.EXPERIMENTAL: " (experimental)", Standing.UNLISTED: " (not in the release matrix)"}


def judge_environment(environment: Environment, data: Data, today: date) -> tuple[Diagnostic, ...]:
    """What is wrong with the declaration itself; what is waived is only noticed."""
    problems = [*_judge_build(environment, data), *_judge_driver(environment, data), *_judge_bad(environment, data)]
    return (*(with_waiver(each, environment, today) for each in problems), *_judge_waivers(environment, today))


def judge_environments(environments: Iterable[Environment], data: Data, today: date) -> tuple[Diagnostic, ...]:
    """What is wrong with the declarations, in their order."""
    return tuple(problem for each in environments for problem in judge_environment(each, data, today))


def with_waiver(problem: Diagnostic, environment: Environment, today: date) -> Diagnostic:
    """The problem; only a notice while its check is waived."""
    waiver = environment.waiver(problem.rule, today)
    if waiver is None:
        return problem
    why = f"{problem.why} Waived until {waiver.expires}: {waiver.reason}"
    return replace(problem, severity=Severity.NOTICE, why=why.strip())


def list_builds(environment: Environment, data: Data) -> tuple[PublishedBuild, ...]:
    """The published builds that the declaration admits, newest torch first."""
    admitted = {each.torch for each in _admitted(environment, data)}
    return tuple(
        each
        for each in data.builds
        if each.torch in admitted
        and (environment.cuda is None or environment.cuda.takes(each.cuda))
        and environment.local in (None, each.label)
    )


def _judge_build(environment: Environment, data: Data) -> Iterator[Diagnostic]:
    """What PyTorch published says only something about PyTorch's own builds."""
    if environment.build is not Build.PYTORCH:
        return
    yield from _judge_python(environment, data)
    if environment.torch is not None and not any(each.is_known_to(environment.torch) for each in data.releases):
        yield _unknown(environment, data)
    if environment.is_cpu or not _admitted(environment, data):
        return
    builds = list_builds(environment, data)
    if not builds and not _may_come(environment, data):
        yield _unpublished(environment, data)
    yield from _judge_capability(environment, data, builds)
    yield from _judge_cudnn(environment, builds)


def _admitted(environment: Environment, data: Data) -> list[Release]:
    return [each for each in data.releases if each.is_admitted_by(environment.torch)]


def _may_come(environment: Environment, data: Data) -> bool:
    """True when a torch newer than the data may have such a build: a CUDA that was dropped does not come back."""
    newer = specify(f">={next_minor(data.newest.torch)}")
    oldest = min((each.cuda for each in data.builds if each.torch == data.newest.torch), key=_as_numbers)
    is_open = environment.torch is None or environment.torch.meets(newer)
    return is_open and (environment.cuda is None or environment.cuda.meets(specify(f">={oldest}")))


def _unknown(environment: Environment, data: Data) -> Diagnostic:
    summary = f'environment "{environment.name}": no torch that is known matches "{environment.torch}"'
    why = f"The data was reviewed on {data.reviewed}; it knows torch {data.releases[-1].torch} to {data.newest.torch}."
    way_out = "correct `torch`; if it is newer than the data, what was published for it cannot be judged"
    return TORCH_UNKNOWN.found(summary, at=environment.place("torch"), why=why, help=way_out)


def _unpublished(environment: Environment, data: Data) -> Diagnostic:
    label = f' as "{environment.local}"' if environment.local else ""
    cuda = f' for CUDA "{environment.cuda}"' if environment.cuda else ""
    torch = f'torch "{environment.torch}"' if environment.torch else "torch"
    names = {each.torch for each in _admitted(environment, data)}
    return PAIR_UNPUBLISHED.found(
        f'environment "{environment.name}": {torch} was never published{cuda}{label}',
        at=environment.place("cuda" if environment.cuda else "local"),
        why=f"Published are: {_pairs([each for each in data.builds if each.torch in names])}.",
        help=_way_to_pair(environment, data),
    )


def _way_to_pair(environment: Environment, data: Data) -> str:
    """Where the CUDA that is wanted was published, if anywhere."""
    wanted = [each for each in data.builds if environment.cuda and environment.cuda.takes(each.cuda)]
    own = "if you build torch yourselves, write `build: source`"
    if not wanted:
        return f"declare one of these; {own}"
    last = wanted[0]
    return f"declare one of these (CUDA {last.cuda} was last published with torch {last.torch}); {own}"


def _pairs(builds: Iterable[PublishedBuild]) -> str:
    """`torch 2.9 with CUDA 12.6, 12.8, 13.0 (experimental)`, newest torch first, and not too many."""
    by_torch: dict[str, dict[str, str]] = {}
    for each in builds:
        note = NOTES.get(each.standing, "")
        by_torch.setdefault(each.torch, {}).setdefault(each.cuda, f"{each.cuda}{note}")
    texts = [f"torch {torch} with CUDA {', '.join(cudas.values())}" for torch, cudas in by_torch.items()]
    rest = [f"{len(texts) - MOST_PAIRS} older ones"] if len(texts) > MOST_PAIRS else []
    return "; ".join([*texts[:MOST_PAIRS], *rest])


def _judge_python(environment: Environment, data: Data) -> Iterator[Diagnostic]:
    python, releases = environment.python, _admitted(environment, data)
    if python is None or environment.torch is None or not releases or any(python.meets(r.pythons) for r in releases):
        return
    if environment.torch.meets(specify(f">={next_minor(data.newest.torch)}")):
        return
    known = "; ".join(f"torch {each.torch}: {each.oldest_python} to {each.newest_python}" for each in releases)
    yield PYTHON_UNSUPPORTED.found(
        f'environment "{environment.name}": torch "{environment.torch}" was not published for Python "{python}"',
        at=environment.place("python"),
        why=f"Published for Python are: {known}.",
        help="declare one of these",
    )


def _judge_capability(environment: Environment, data: Data, builds: tuple[PublishedBuild, ...]) -> Iterator[Diagnostic]:
    """A demand that several devices meet is good when one of them can be served."""
    capability = environment.gpu.capability if environment.gpu else None
    devices = [each for each in DEVICES if capability and capability.takes(each)]
    is_known = bool(builds) and all(each.capabilities for each in builds) and not _is_open(environment, data)
    if not devices or not is_known or any(_serves_any(each, devices) for each in builds):
        return
    held = sorted({each for build in builds for each in build.capabilities}, key=_as_numbers)
    serving = [each for each in data.builds if _serves_any(each, devices)]
    first = min(serving, key=lambda each: (_as_numbers(each.torch), _as_numbers(each.cuda)), default=None)
    other = f"torch {first.torch} for CUDA {first.cuda} is the first that does" if first else "no published build does"
    yield ARCH_NOT_IN_BUILD.found(
        f'environment "{environment.name}": no build that it admits holds code for compute capability "{capability}"',
        at=environment.place("compute-capability"),
        why=f"{_pairs(builds)}: code for {', '.join(held)}.",
        help=f"declare another build ({other}), or another GPU",
    )


def _is_open(environment: Environment, data: Data) -> bool:
    """True when a torch newer than the data will do as well."""
    return environment.torch is None or environment.torch.meets(specify(f">={next_minor(data.newest.torch)}"))


def _serves_any(build: PublishedBuild, devices: Iterable[str]) -> bool:
    return any(serves(build.arch_list, each, cuda=build.cuda) for each in devices)


def _judge_cudnn(environment: Environment, builds: tuple[PublishedBuild, ...]) -> Iterator[Diagnostic]:
    """torch takes the cuDNN that it was built with, or a newer one of the same major version."""
    wanted = environment.cudnn
    known = [each.cudnn for each in builds if each.cudnn]
    if wanted is None or not known or len(known) < len(builds):
        return
    if any(wanted.meets(specify(_newer_cudnn(each))) for each in known):
        return
    yield CUDNN_REFUSED.found(
        f'environment "{environment.name}": torch refuses cuDNN "{wanted}"',
        at=environment.place("cudnn"),
        why=f"It was built with {', '.join(dict.fromkeys(known))}, and takes that or a newer minor version.",
        help="leave `cudnn` out to take the one that torch brings, or declare a newer one",
    )


def _newer_cudnn(version: str) -> str:
    major, minor, *_ = version.split(".")
    return f">={major}.{minor},<{int(major) + 1}"


def _judge_driver(environment: Environment, data: Data) -> Iterator[Diagnostic]:
    """An error when no driver that is declared can do, a warning when some of them cannot."""
    if environment.driver is None or environment.is_cpu:
        return
    floors = sorted(_floors(environment, data), key=_as_numbers)
    if not floors or not environment.driver.meets(specify(f"<{floors[-1]}")):
        return
    is_hopeless = not environment.driver.meets(specify(f">={floors[0]}"))
    floor = floors[0] if is_hopeless else floors[-1]
    cuda = f'CUDA "{environment.cuda}"' if environment.cuda else "the CUDA of the declared torch"
    found = DRIVER_BELOW_FLOOR.found(
        f'environment "{environment.name}": {"no" if is_hopeless else "not every"} driver that'
        f' "{environment.driver}" admits runs {cuda}',
        at=environment.place("driver"),
        why=f"It needs driver {floor} or newer, unless a forward-compatible libcuda is in the image.",
        help=f'declare `driver: ">={floor.partition(".")[0]}"`, or an older CUDA',
    )
    yield found if is_hopeless else replace(found, severity=Severity.WARNING)


def _floors(environment: Environment, data: Data) -> set[str]:
    """The floors of every CUDA version that is declared, or that the declared torch was published for."""
    if environment.cuda is not None:
        cudas = [each.cuda for each in data.drivers if environment.cuda.takes(each.cuda)]
    else:
        cudas = [each.cuda for each in list_builds(environment, data)] if environment.torch else []
    return {floor for floor in map(data.floor, cudas) if floor}


def _judge_bad(environment: Environment, data: Data) -> Iterator[Diagnostic]:
    for bad in data.known_bad:
        releases = [
            each
            for release in data.releases
            for each in release.releases
            if environment.torch and environment.torch.takes(each) and bad.torch.takes(each)
        ]
        if releases and _concerns(bad, environment):
            yield KNOWN_BAD.found(
                f'environment "{environment.name}": torch {", ".join(releases)}: {bad.what}',
                at=environment.place("torch"),
                why=f"See {bad.evidence.source}.",
                help=f"{bad.way_out}; or waive `known-bad` with a reason",
            )


def _concerns(bad: KnownBad, environment: Environment) -> bool:
    is_cured = bad.cudnn_below and environment.cudnn and not environment.cudnn.meets(specify(f"<{bad.cudnn_below}"))
    return not is_cured and (environment.needs.compile or not bad.needs_compile)


def _judge_waivers(environment: Environment, today: date) -> Iterator[Diagnostic]:
    for each in environment.waivers:
        if not each.holds(today):
            summary = f'environment "{environment.name}": the waiver of `{each.check}` ended on {each.expires}'
            yield WAIVER_EXPIRED.found(summary, at=each.at, help="remove it, or judge anew and give it another day")


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split("."))
