"""Our image, built for real with torch for CPUs, pushed to a real registry, run in a real container."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from milepost.core.environment import Environment, read_specifier
from milepost.core.image import judge_image
from milepost.diagnostics import Location
from milepost.images.client import read_image

pytestmark = pytest.mark.slow

PREFIX = "io.github.milepost"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running docker-registry; its host and port."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed here: apt-get install docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = {"version": 0.1, "log": {"level": "error"}, "http": {"addr": host}}
    config["storage"] = {"filesystem": {"rootdirectory": str(folder / "data")}}
    (folder / "registry.yml").write_text(json.dumps(config), encoding="utf-8")
    process = subprocess.Popen([program, "serve", str(folder / "registry.yml")], stderr=subprocess.DEVNULL)
    yield host
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def docker(docker_host: str) -> dict[str, str]:
    """The environment in which the program `docker` speaks to podman."""
    if shutil.which("docker") is None:
        pytest.skip("the program docker is not installed here")
    return {**os.environ, "DOCKER_HOST": docker_host, "DOCKER_BUILDKIT": "0"}


def python(engines: Any, image: str, program: str, *options: str) -> str:
    """What the program prints in a container of the image."""
    ran = engines.run(
        "podman", "--log-level=fatal", "run", "--rm", "--network=none", *options, image, "python3", "-c", program
    )
    return str(ran.stdout).strip()


def read_labels(engines: Any, image: str) -> dict[str, str]:
    """The image's own labels, by their names below our prefix."""
    inspected = json.loads(engines.run("buildah", "inspect", "--type=image", image).stdout)
    labels = inspected["Docker"]["config"]["Labels"]
    return {name.removeprefix(f"{PREFIX}."): value for name, value in labels.items()}


def test_the_image_says_what_is_installed_in_it(engines: Any, image: str) -> None:
    """The labels are what torch itself says, in an image with the real one."""
    program = "import torch, platform; print(torch.__version__, platform.python_version())"

    torch, version = python(engines, image, program).split()

    labels = read_labels(engines, image)
    assert "2.13.0+cpu" == torch
    assert (torch, version, "none") == (labels["torch"], labels["python"], labels["cuda"])
    assert not {"cudnn", "nccl", "triton", "torchvision"} & set(labels)


def test_the_image_starts_a_shell_and_nothing_that_listens(engines: Any, small_image: str) -> None:
    """User, folder, health check; and it does not choose GPUs."""
    config = json.loads(engines.run("buildah", "inspect", "--type=image", small_image).stdout)["Docker"]["config"]

    assert ("1001", "/workspace/project", ["bash"]) == (config["User"], config["WorkingDir"], config["Cmd"])
    assert ["CMD", "python3", "/opt/milepost/healthcheck.py"] == config["Healthcheck"]["Test"]
    assert not config.get("ExposedPorts")
    assert not [each for each in config["Env"] if "VISIBLE_DEVICES" in each]


def test_its_user_is_not_root_and_can_write_the_project(engines: Any, small_image: str) -> None:
    """And what needs a compiler finds one."""
    program = "import os, shutil; open('x', 'w').close(); print(os.getuid(), os.getcwd(), shutil.which('gcc'))"

    assert "1001 /workspace/project /usr/bin/gcc" == python(engines, small_image, program)


@pytest.mark.parametrize(("variable", "told"), [("", "healthy: no GPU was asked for"), ("all", "unhealthy: a GPU was")])
def test_its_health_check_knows_whether_a_gpu_was_asked_for(
    variable: str, told: str, engines: Any, small_image: str
) -> None:
    """A container for CPUs is healthy; one whose GPU is not there is not."""
    program = "import subprocess; print(subprocess.run(['python3', '/opt/milepost/healthcheck.py']).returncode)"

    said = python(engines, small_image, program, "--env", f"NVIDIA_VISIBLE_DEVICES={variable}")

    assert told in said
    assert said.endswith("1" if variable else "0")


def declared(**texts: str) -> Environment:
    demands = {name: read_specifier(text)[0] for name, text in texts.items()}
    assert all(demands.values())
    at = Location(file="milepost.yml", line=1, column=1)
    return Environment(name="prod", at=at, **demands)  # type: ignore[arg-type]


def test_its_labels_are_read_from_a_registry_and_fit_the_declaration(
    engines: Any, small_image: str, registry: str
) -> None:
    """What buildah pushed is what is judged; another declaration does not fit."""
    name, digest_file = f"{registry}/acme/pytorch-cuda", engines.folder / "digest"
    push = ["buildah", "push", "--quiet", "--tls-verify=false", f"--digestfile={digest_file}"]
    engines.run(*push, small_image, f"docker://{name}:v2.9")
    digest = digest_file.read_text(encoding="utf-8")

    image = read_image(f"{name}:v2.9@{digest}")

    assert digest == image.digest == image.tag_digest
    environment = declared(torch="==2.9.*", cuda="12.8", cudnn="9.10", nccl="2.27.5", python="3.11", driver=">=570")
    assert () == judge_image(image, environment)
    assert ["image-label-differs"] == [each.rule for each in judge_image(image, declared(cuda="13.0"))]


def test_a_second_cudnn_breaks_the_build(engines: Any, small_image: str, tmp_path: Path) -> None:
    """As a `-cudnn` base beside the wheels' own would bring it."""
    text = f"""\
FROM {small_image}
USER root
RUN mkdir /opt/one && touch /opt/one/libcudnn.so.9 /usr/lib/libcudnn.so.9.10.2 && ln -s ../one/libcudnn.so.9 /opt/x.so
RUN python3 /opt/milepost/describe.py
"""
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")

    ran = engines.run("buildah", "build", str(tmp_path), is_checked=False)

    assert ran.returncode != 0
    assert "cuDNN is there 2 times, in /opt/one and /usr/lib" in ran.stdout


def test_another_version_than_wanted_breaks_the_build(engines: Any, base: str, small_wheels: Any) -> None:
    """No image is left."""
    with pytest.raises(AssertionError, match=r"torch is 2\.9\.1\+cu128, wanted is 2\.10\.0"):
        engines.build("buildah", "localhost/milepost-test:wrong", small_wheels, torch="2.10.0", cuda="12.8")
    assert 0 != engines.run("podman", "image", "exists", "localhost/milepost-test:wrong", is_checked=False).returncode


def test_docker_builds_it_too(engines: Any, small_image: str, small_wheels: Any, docker: dict[str, str]) -> None:
    """With the same labels, through Docker's own program."""
    by_docker = type(engines)(folder=engines.folder, environment=docker)

    by_docker.build("docker", "localhost/milepost-test:docker", small_wheels, torch="2.9.1", cuda="12.8")

    ours = ("torch", "cuda", "cudnn", "nccl", "python", "org.opencontainers.image.version")
    expected, found = read_labels(engines, small_image), read_labels(engines, "localhost/milepost-test:docker")
    assert {name: expected[name] for name in ours} == {name: found[name] for name in ours}


def test_the_command_of_the_article_starts_it(small_image: str, docker: dict[str, str], tmp_path: Path) -> None:
    """Ports, a folder and a name as written there; without a terminal, which a test does not have."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "train.py").write_text("import torch; print(torch.__version__)", encoding="utf-8")
    command = ["docker", "run", "-i", "--gpus", "all", "-p", "127.0.0.1:8888:8888"]
    command += ["-v", f"{tmp_path}/project:/workspace/project", "--name", "pytorch-dev", small_image]

    ran = subprocess.run([*command, "python3", "train.py"], env=docker, capture_output=True, text=True, check=False)

    subprocess.run(["docker", "rm", "--force", "pytorch-dev"], env=docker, capture_output=True, check=False)
    assert "2.9.1+cu128" in ran.stdout, ran.stderr
