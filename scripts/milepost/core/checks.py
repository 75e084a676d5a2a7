"""The ids of everything that is checked about an environment, and which of them a waiver may name."""

from __future__ import annotations

DECLARATION = (
    "requirements-drift",
    "pair-unpublished",
    "torch-unknown-to-data",
    "driver-below-floor",
    "arch-not-in-build",
    "python-unsupported",
    "cudnn-refused",
    "known-bad",
)
IMAGE = (
    "image-digest-mismatch",
    "image-platform-missing",
    "image-tag-moved",
    "image-no-digest",
    "image-label-differs",
    "image-label-absent",
    "image-require-cuda",
    "image-bakes-visible-devices",
)
TORCH = (
    "torch-missing",
    "torch-import",
    "torch-rocm",
    "torch-cpu-only",
    "torch-version",
    "torch-prerelease",
    "torch-local",
    "torch-cuda",
    "torchvision-version",
    "import-declared",
    "triton-version",
    "python-version",
    "cuda-initialised-by-import",
)
DRIVER = (
    "driver-missing",
    "driver-version",
    "driver-library-mismatch",
    "driver-works-below-floor",
    "forward-compat-unsupported",
    "nvml-failed",
)
DEVICES = (
    "gpu-none",
    "gpu-count",
    "gpu-name",
    "gpu-memory",
    "gpu-capability",
    "gpu-mig",
    "gpu-busy",
    "gpu-lost",
    "gpu-leftovers",
    "gpu-ecc",
    "gpu-remap-pending",
    "gpu-remap-failed",
    "gpu-not-initialised",
    "wrong-host",
)
LIBRARIES = ("cudnn-version", "cudnn-incompatible", "cudnn-mixed", "nccl-version", "library-foreign", "files-differ")
HOST = ("shm-too-small", "compiler-missing", "memory-limit")
PROBES = (
    "probe-init",
    "probe-alloc",
    "probe-matmul",
    "probe-transfer",
    "probe-conv2d",
    "probe-conv3d",
    "probe-sdpa",
    "probe-autograd",
    "probe-amp",
    "probe-graph",
    "probe-compile",
    "probe-dataloader",
    "probe-nccl",
    "probe-peer",
    "probe-again",
)
TOOL = ("probe-hung", "probe-crashed", "probe-garbage", "probe-unkillable", "facts-incomplete", "data-age", "drift")
# `waiver-expired` and unreadable requirements are no checks that anybody could waive.
WAIVABLE = (*DECLARATION, *IMAGE, *TORCH, *DRIVER, *DEVICES, *LIBRARIES, *HOST, *PROBES, *TOOL)
