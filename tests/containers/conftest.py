"""Container engines with storage of their own, a base image, torch for CPUs, and the image built from both.

Nothing comes from Docker Hub: the base is made by mmdebstrap from Debian's packages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Program, and the Debian package that has it.
PROGRAMS = {each: each for each in ("buildah", "podman", "mmdebstrap", "runc", "docker-registry")}
# Folders and files, any of which will do, and the package that has one.
FILES = {
    ("/usr/lib/cni", "/usr/lib/podman/netavark"): "containernetworking-plugins",
    ("/usr/share/keyrings/debian-archive-keyring.gpg",): "debian-archive-keyring",
}
BASE = "localhost/milepost-test-base:bookworm"
IMAGE = "localhost/milepost-test:cpu"
SMALL_IMAGE = "localhost/milepost-test:small"
JOB_IMAGE = "localhost/milepost-test:job"
TORCH = "2.13.0"
PYTHON_OF_BASE = "3.11"
INCLUDED = "ca-certificates,gcc,libc6-dev,python3,python3-dev,python3-venv"
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
# What watched over a finished step would stay for five minutes.
exit_command_delay = 1
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


@dataclass(frozen=True, kw_only=True)
class Engines:
    """Where the engines keep everything, and how they are called."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def run(self, *command: str, is_checked: bool = True) -> subprocess.CompletedProcess[str]:
        """The command has run; its output is both streams."""
        finished = subprocess.run(
            command,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert finished.returncode == 0 or not is_checked, f"{command}\n{finished.stdout[-4000:]}"
        return finished

    def build(self, engine: str, tag: str, wheels: Wheels, *, torch: str, cuda: str) -> None:
        """container/build has built the image from the wheels."""
        command = [sys.executable, str(ROOT / "container" / "build"), "--engine", engine, "--tag", tag, "--base", BASE]
        command += ["--torch", torch, "--cuda", cuda, "--lock", str(wheels.lock)]
        self.run(*command, "--", *wheels.options)


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """Wheels that are listed on loopback, and the lock of exactly those files."""

    lock: Path
    url: str

    @property
    def options(self) -> tuple[str, ...]:
        """Options of a build that takes wheels from there, and from nowhere else."""
        named = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.url}
        return (
            "--network",
            "host",
            *(part for name, value in named.items() for part in ("--build-arg", f"{name}={value}")),
        )


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Engines that see no image of this machine, and leave none."""
    if os.geteuid() != 0:
        pytest.skip("container tests need root: sudo python3 scripts/check.py --containers")
    _install()
    folder = tmp_path_factory.mktemp("engines")
    (folder / "containers.conf").write_text(CONTAINERS, encoding="utf-8")
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder), encoding="utf-8")
    own = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }
    found = Engines(folder=folder, environment={**os.environ, **own})
    yield found
    found.run("podman", "rm", "--all", "--force", "--time=0", is_checked=False)
    found.run("buildah", "rm", "--all", is_checked=False)
    found.run("umount", str(folder / "storage" / "overlay"), is_checked=False)
    shutil.rmtree(folder, ignore_errors=True)


def _install() -> None:
    """The programs are here, by apt when they were not."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    missing += [package for paths, package in FILES.items() if not any(map(os.path.exists, paths))]
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt is None:
        pytest.skip(f"not installed here, and there is no apt-get: {', '.join(missing)}")
    for command in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *missing]):
        finished = subprocess.run([apt, *command], capture_output=True, text=True, check=False)
        if finished.returncode:
            pytest.skip(f"apt-get {command[0]} fails here: {finished.stderr[-300:]}")


@pytest.fixture(scope="session")
def base(engines: Engines) -> str:
    """A Debian with Python and a compiler, and nothing of CUDA."""
    archive = engines.folder / "base.tar"
    # Nothing here must survive a power cut.
    slim = [
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
    ]
    engines.run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}", *slim, "bookworm", str(archive))
    engines.run("podman", "import", "--quiet", str(archive), BASE)
    archive.unlink()
    return BASE


@pytest.fixture(scope="session")
def wheels(engines: Engines) -> Iterator[Wheels]:
    """torch for CPUs and what it needs."""
    folder = engines.folder / "wheels"
    wanted = [f"torch=={TORCH}+cpu", "numpy"]
    trouble = _download(folder, *wanted)
    if trouble:
        trouble = _download(folder, "--extra-index-url=https://download.pytorch.org/whl/cpu", *wanted)
    if trouble:
        pytest.skip(f"no wheel of torch for CPUs can be had: {trouble}")
    with _listed(folder) as listed:
        yield listed


def _download(folder: Path, *wanted: str) -> str:
    """Wheels for the base's Python are in the folder; else pip's last words."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--retries=1", "--only-binary=:all:"]
    command += [f"--dest={folder}", f"--python-version={PYTHON_OF_BASE}"]
    command += [f"--platform=manylinux_2_{minor}_x86_64" for minor in (28, 17)] + ["--platform=manylinux2014_x86_64"]
    finished = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False)
    return finished.stderr[-300:] if finished.returncode else ""


@pytest.fixture(scope="session")
def small_wheels(engines: Engines) -> Iterator[Wheels]:
    """One small wheel that says that it is torch 2.9.1 for CUDA 12.8, so that a build takes seconds."""
    folder = engines.folder / "small-wheels"
    folder.mkdir()
    name = "torch-2.9.1+cu128"
    files = {
        "torch/__init__.py": "from torch import backends, cuda, version\n__version__ = '2.9.1+cu128'\n",
        "torch/version.py": "cuda = '12.8'\n",
        "torch/backends/__init__.py": "from torch.backends import cudnn\n",
        "torch/backends/cudnn.py": "def version():\n    return 91002\n",
        "torch/cuda/__init__.py": "from torch.cuda import nccl\n",
        "torch/cuda/nccl.py": "def version():\n    return (2, 27, 5)\n",
        f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: torch\nVersion: 2.9.1+cu128\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    with _listed(folder) as listed:
        yield listed


@contextmanager
def _listed(folder: Path) -> Iterator[Wheels]:
    lock = folder.with_suffix(".txt")
    lock.write_text("".join(_requirement(each) for each in sorted(folder.glob("*.whl"))), encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Wheels(lock=lock, url=f"http://127.0.0.1:{server.server_address[1]}/")
    server.shutdown()
    server.server_close()
    thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Lists and gives files without a word."""

    def log_message(self, *_: object) -> None:
        pass


def _requirement(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}\n"


@pytest.fixture(scope="session")
def image(engines: Engines, base: str, wheels: Wheels) -> str:
    """Our image with torch for CPUs, built by buildah."""
    engines.build("buildah", IMAGE, wheels, torch=TORCH, cuda="none")
    return IMAGE


@pytest.fixture(scope="session")
def small_image(engines: Engines, base: str, small_wheels: Wheels) -> str:
    """Our image with what says that it is torch for CUDA 12.8, built by buildah."""
    engines.build("buildah", SMALL_IMAGE, small_wheels, torch="2.9.1", cuda="12.8")
    return SMALL_IMAGE


@pytest.fixture(scope="session")
def job_image(engines: Engines, image: str) -> str:
    """Our image with Milepost's own packages, as a team prepares it for its jobs."""
    folder = engines.folder / "job"
    trouble = _download(folder / "wheels", "--require-hashes", f"--requirement={ROOT}/scripts/locks/verify-gpu.txt")
    if trouble:
        pytest.skip(f"the packages of verify-gpu cannot be had: {trouble}")
    text = f"""\
FROM {image}
USER root
COPY wheels /opt/wheels
RUN pip install --quiet --no-index --no-deps /opt/wheels/*.whl
"""
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
    engines.run("buildah", "build", "--format=docker", f"--tag={JOB_IMAGE}", str(folder))
    return JOB_IMAGE


@pytest.fixture(scope="session")
def docker_host(engines: Engines) -> Iterator[str]:
    """The address at which podman answers like Docker."""
    socket = engines.folder / "podman.sock"
    command = ["podman", "system", "service", "--time=0", f"unix://{socket}"]
    process = subprocess.Popen(command, env=dict(engines.environment), stderr=subprocess.DEVNULL)
    for _ in range(200):
        if socket.exists():
            break
        time.sleep(0.05)
    yield f"unix://{socket}"
    process.terminate()
    process.wait(10)
