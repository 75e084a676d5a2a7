"""container/build and the locks: what is refused before anything is built, and what is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONTAINER = Path(__file__).parents[3] / "container"
LOCKS = sorted((CONTAINER / "locks").glob("*.txt"))


def build(tmp_path: Path, *options: str, engine: str = "exit 0") -> subprocess.CompletedProcess[str]:
    """container/build ran, with a program `docker` that does what `engine` says."""
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n{engine}\n", encoding="utf-8")
    docker.chmod(0o755)
    command = [sys.executable, str(CONTAINER / "build"), "--engine", "docker", "--tag", "acme/torch:v2.9", *options]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_base_without_a_digest_is_refused(tmp_path: Path) -> None:
    """A tag is another base tomorrow."""
    ran = build(tmp_path, "--base", "ubuntu:24.04")

    assert 2 == ran.returncode
    assert "the base ubuntu:24.04 has no digest" in ran.stderr


def test_a_version_without_a_lock_is_refused_with_those_that_have_one(tmp_path: Path) -> None:
    """Nothing is installed without hashes; the article's own pair is one of those that never were."""
    ran = build(tmp_path, "--torch", "2.9.1", "--cuda", "11.8")

    assert 2 == ran.returncode
    assert "there is torch-2.15.0-cuda-13.2.txt, torch-2.9.1-cuda-12.8.txt" in ran.stderr


def test_an_engine_that_fails_fails_the_build(tmp_path: Path) -> None:
    """And what failed is named."""
    ran = build(tmp_path, engine="exit 7")

    assert 1 == ran.returncode
    assert "build: docker build failed with 7" in ran.stderr


def test_both_passes_reach_the_engine(tmp_path: Path) -> None:
    """What is given after `--` goes to the first; the labels that the image itself tells go to the second."""
    engine = f'echo "$@" >> {tmp_path}/calls; [ "$1" = run ] && echo "{{\\"io.github.milepost.torch\\": \\"2.9.1\\"}}"; exit 0'

    ran = build(tmp_path, "--target", "jupyter", "--", "--network", "host", engine=engine)

    first, second, third, fourth = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert 0 == ran.returncode
    assert "--target jupyter" in first
    assert "--build-arg TORCH_VERSION=2.9.1 --build-arg CUDA_VERSION=12.8" in first
    assert "--network host" in first
    assert second.startswith("run --rm --network none --entrypoint python3")
    assert "--label io.github.milepost.torch=2.9.1 --label org.opencontainers.image.version=2.9.1" in third
    assert re.search(r"--label org\.opencontainers\.image\.base\.digest=sha256:[0-9a-f]{64} ", third)
    assert "--tag acme/torch:v2.9" in third
    assert fourth.startswith("rmi localhost/milepost-unlabelled:")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_has_versions_and_hashes_only(lock: Path) -> None:
    """One requirement each with at least one hash; no address, no option."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")

    for line in text.splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.!]+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", line), line


@pytest.mark.parametrize("lock", [each for each in LOCKS if each.stem != "jupyter"], ids=lambda path: path.stem)
def test_a_lock_is_of_the_torch_in_its_name(lock: Path) -> None:
    """With one cuDNN; and what JupyterLab needs, too, is there in the same version."""
    found, jupyter = read_versions(lock), read_versions(CONTAINER / "locks" / "jupyter.txt")

    version, cuda = re.fullmatch(r"torch-([\d.]+)-cuda-([\d.]+)", lock.stem).groups()  # type: ignore[union-attr]
    assert version == found["torch"]
    assert [f"nvidia-cudnn-cu{cuda.partition('.')[0]}"] == [each for each in found if "cudnn" in each]
    assert {name: found[name] for name in found.keys() & jupyter} == {
        name: jupyter[name] for name in found.keys() & jupyter
    }


def read_versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_default_base_has_a_digest() -> None:
    """And the Dockerfile names no other image."""
    text = (CONTAINER / "Dockerfile").read_text(encoding="utf-8")

    assert re.search(r"^ARG BASE=ubuntu:24\.04@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert ["${BASE}", "torch", "torch", "torch"] == re.findall(r"^FROM (\S+) AS", text, re.MULTILINE)
