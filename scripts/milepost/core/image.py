"""An image as its registry describes it, judged against a declared environment.

Labels are what the maker of the image says; only the running machine proves it. Two claims are never believed:
`org.opencontainers.image.version`, which an image inherits from its base (a PyTorch image says "22.04"), and the
base's `CUDA_VERSION`, because a wheel brings its own CUDA. The keys under `io.github.milepost` are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from milepost.core.environment import Environment, Specifier
from milepost.core.image_name import ImageName
from milepost.diagnostics import Diagnostic, Rule, Severity

TAG_MOVED = Rule("image-tag-moved", Severity.WARNING, "An image's tag no longer stands for the declared digest.")
NO_DIGEST = Rule("image-no-digest", Severity.WARNING, "An image is declared without its digest.")
LABEL_DIFFERS = Rule("image-label-differs", Severity.ERROR, "An image's label says another version than declared.")
LABEL_ABSENT = Rule("image-label-absent", Severity.NOTICE, "An image has no label for a declared version.")
REQUIRE_CUDA = Rule(
    "image-require-cuda", Severity.WARNING, "An image refuses to start under a driver that the declaration allows."
)
BAKES_VISIBLE_DEVICES = Rule(
    "image-bakes-visible-devices", Severity.WARNING, "An image itself says which GPUs a container sees."
)
RULES = (TAG_MOVED, NO_DIGEST, LABEL_DIFFERS, LABEL_ABSENT, REQUIRE_CUDA, BAKES_VISIBLE_DEVICES)

PREFIX = "io.github.milepost"
# What is declared, and the key of the label that says it.
LABELS = {name: f"{PREFIX}.{name}" for name in ("torch", "torchvision", "cuda", "cudnn", "nccl", "triton", "python")}
VISIBLE_DEVICES = ("NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
# NVIDIA's own word for a container without a GPU.
NO_DEVICES = ("", "void")
MOST_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image of one platform; `digest` is that of what was asked for, an index or a manifest.

    `tag_digest` is what the tag stands for today when the name has both: empty when the tag is gone, None when
    nobody knows.
    """

    name: ImageName
    digest: str
    platform: str
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    tag_digest: str | None = None

    @property
    def ref(self) -> str:
        """The name by which a job pulls exactly this image."""
        return self.name.pinned(self.digest)


def judge_image(image: Image, environment: Environment) -> tuple[Diagnostic, ...]:
    """Everything about the image that does not fit the declaration, in the order of RULES."""
    return (
        *_judge_name(image, environment),
        *_judge_labels(image, environment),
        *_judge_require_cuda(image, environment),
        *_judge_visible_devices(image, environment),
    )


def _judge_name(image: Image, environment: Environment) -> Iterator[Diagnostic]:
    name = image.name
    if name.digest is None:
        yield NO_DIGEST.found(
            f"the image {name} is declared without a digest",
            at=environment.at,
            why="a tag can stand for another image tomorrow",
            help=f"write {name}@{image.digest}",
        )
    elif image.tag_digest is not None and image.tag_digest != name.digest:
        now = f"stands for {image.tag_digest}" if image.tag_digest else "is gone"
        yield TAG_MOVED.found(
            f"the tag {name.tag} of {name.host}/{name.repository} {now}",
            at=environment.at,
            why=f"declared, and used, is {name.digest}",
            help="declare the new digest when the new image is meant; else nothing needs to be done",
        )


def _judge_labels(image: Image, environment: Environment) -> Iterator[Diagnostic]:
    absent = []
    for key, demand in _list_demands(environment):
        said = image.labels.get(key)
        if said is None:
            absent.append(key)
        elif not demand.takes(said, has_prerelease=environment.has_prerelease):
            yield _differs(image, environment, f"{key} is {said[:MOST_SHOWN]!r}", demand.text)
    yield from _judge_local(image, environment)
    if absent:
        yield LABEL_ABSENT.found(
            f"the image {image.name} has no label {', '.join(absent)}",
            at=environment.at,
            why="what it holds is known only where it runs",
            help="`container/build` writes the labels from what is installed",
        )


def _judge_local(image: Image, environment: Environment) -> Iterator[Diagnostic]:
    said = image.labels.get(LABELS["torch"])
    if environment.local is not None and said is not None:
        found = said.partition("+")[2]
        if found != environment.local:
            yield _differs(
                image,
                environment,
                f"{LABELS['torch']} is {said[:MOST_SHOWN]!r}",
                f"the local version {environment.local}",
            )


def _differs(image: Image, environment: Environment, found: str, declared: str) -> Diagnostic:
    return LABEL_DIFFERS.found(
        f"the image {image.name} says that {found}; declared is {declared}",
        at=environment.at,
        help="declare what the image holds, or build the image that is declared; an image built on another one "
        "must write its labels anew",
    )


def _list_demands(environment: Environment) -> Iterator[tuple[str, Specifier]]:
    for name, key in LABELS.items():
        demand = getattr(environment, name)
        if demand is not None:
            yield key, demand


def _judge_require_cuda(image: Image, environment: Environment) -> Iterator[Diagnostic]:
    """The container toolkit starts no container whose NVIDIA_REQUIRE_CUDA the driver does not meet."""
    wanted = re.search(r"\bcuda>=([0-9]+\.[0-9]+)", image.env.get("NVIDIA_REQUIRE_CUDA", ""))
    if wanted is None or image.env.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true"):
        return
    reason = _starts_too_seldom(wanted[1], environment)
    if reason:
        yield REQUIRE_CUDA.found(
            f"the image {image.name} starts only under a driver for CUDA {wanted[1]} or newer; {reason}",
            at=environment.at,
            why=f"NVIDIA_REQUIRE_CUDA of the image asks for {wanted[0]}",
            help="declare the `driver` that the machines have, or build on a base for an older CUDA or without one",
        )


def _starts_too_seldom(required: str, environment: Environment) -> str:
    """Why a machine that fits the declaration may not start the image; nothing when none is known."""
    declared = environment.cuda
    if declared is not None and _numbers(required) > _newest_named(declared.text):
        return f"declared is CUDA {declared.text}"
    return "" if environment.driver is not None else "no driver is declared"


def _newest_named(specifier: str) -> tuple[int, ...]:
    return max((_numbers(each) for each in re.findall(r"[0-9]+(?:\.[0-9]+)*", specifier)), default=())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split("."))


def _judge_visible_devices(image: Image, environment: Environment) -> Iterator[Diagnostic]:
    baked = {name: image.env[name] for name in VISIBLE_DEVICES if image.env.get(name, "") not in NO_DEVICES}
    if baked and environment.gpu is not None:
        said = ", ".join(f"{name}={value}" for name, value in baked.items())
        yield BAKES_VISIBLE_DEVICES.found(
            f"the image {image.name} holds {said}",
            at=environment.at,
            why="it can undo which GPUs the container was given",
            help="leave it out of the image; `--gpus` or the device plugin sets it",
        )
