"""Says as labels what this image holds; fails when that is not what was to be installed, or holds two cuDNN.

python3 describe.py [--torch VERSION] [--cuda VERSION]      runs in the image, with the image's own Python
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from importlib import metadata

import torch

PREFIX = "io.github.milepost"
CUDNN = re.compile(r"libcudnn\.so\.[0-9]+")
# What is no part of the image.
ELSEWHERE = ("/proc", "/sys", "/dev")


def main(argv: list[str]) -> int:
    """The labels are printed; 1 with the reasons when the image is not the one that was meant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", help="the version that must be installed, without its local part")
    parser.add_argument("--cuda", help="the CUDA version that torch must be built for, or none")
    wanted = parser.parse_args(argv)
    found = read_versions()
    problems = [*judge(found, wanted.torch, wanted.cuda), *judge_cudnn(find_cudnn("/"))]
    for problem in problems:
        print(f"describe: {problem}", file=sys.stderr)
    print(json.dumps({f"{PREFIX}.{name}": version for name, version in found.items()}, indent=2))
    return 1 if problems else 0


def read_versions() -> dict[str, str]:
    """What is installed, by the names of the labels; what is not there has none."""
    found = {
        "torch": torch.__version__,
        "torchvision": read_distribution("torchvision"),
        "cuda": torch.version.cuda or "none",
        "cudnn": say_cudnn(torch.backends.cudnn.version()),
        "nccl": ".".join(map(str, torch.cuda.nccl.version())) if torch.version.cuda else "",
        "triton": read_distribution("triton"),
        "python": platform.python_version(),
    }
    return {name: str(version) for name, version in found.items() if version}


def judge(found: dict[str, str], wanted_torch: str | None, wanted_cuda: str | None) -> list[str]:
    """In what the image differs from what was meant."""
    problems = []
    if wanted_torch and found["torch"].partition("+")[0] != wanted_torch:
        problems.append(f"torch is {found['torch']}, wanted is {wanted_torch}; give the lock of that version")
    if wanted_cuda and found["cuda"] != wanted_cuda:
        problems.append(
            f"torch is built for CUDA {found['cuda']}, wanted is {wanted_cuda}; give the lock of that build"
        )
    return problems


def find_cudnn(root: str) -> list[str]:
    """Every folder that holds a cuDNN."""
    folders = set()
    for folder, inner, files in os.walk(root):
        inner[:] = [each for each in inner if os.path.join(folder, each) not in ELSEWHERE]
        folders |= {
            os.path.dirname(os.path.realpath(os.path.join(folder, each))) for each in files if CUDNN.match(each)
        }
    return sorted(folders)


def judge_cudnn(folders: list[str]) -> list[str]:
    """Two would mix in one process: CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH."""
    if len(folders) < 2:
        return []
    return [f"cuDNN is there {len(folders)} times, in {' and '.join(folders)}; use a base without it"]


def read_distribution(name: str) -> str:
    """The version of an installed distribution, or nothing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def say_cudnn(number: int | None) -> str:
    """91002 is 9.10.2; before version 9 the digits were counted otherwise: 8907 is 8.9.7."""
    if not number:
        return ""
    major = 10_000 if number >= 90_000 else 1_000
    return f"{number // major}.{number % major // 100}.{number % 100}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
