"""One process of the inspected interpreter, with all that it starts: what it is given, and how it is ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

MOST_OUTPUT = 1024 * 1024
TERM_SECONDS = 3.0
KILL_SECONDS = 5.0
MARK = "MILEPOST_PROBE"
# What decides how torch behaves is handed on, so that the probe meets what the deployment will; nothing else is.
KEPT = frozenset(
    "PATH HOME USER LOGNAME LANG LANGUAGE TZ LD_LIBRARY_PATH LD_PRELOAD CC CXX VIRTUAL_ENV KUBERNETES_SERVICE_HOST "  # noqa: SIM905
    "PYTHONPATH PYTHONHOME PYTHONNOUSERSITE PYTHONUSERBASE".split()
)
KEPT_FAMILIES = tuple(
    "LC_ CONDA_ CUBLAS_ CUDA_ CUDNN_ GLOO_ KMP_ MALLOC_ MKL_ NCCL_ NVIDIA_ NV_ OMP_ OPENBLAS_ PYTORCH_ TORCH_ "  # noqa: SIM905
    "TORCHINDUCTOR_ TRITON_".split()
)
SECRET = re.compile("AUTH|COOKIE|CREDENTIAL|KEY|PASS|SECRET|TOKEN")


def clean_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """No secret, nothing of the runner, and every cache in our own folder: the image stays as it is."""
    kept = {
        name: value
        for name, value in environment.items()
        if (name in KEPT or name.startswith(KEPT_FAMILIES)) and not SECRET.search(name)
    }
    caches = {
        name: str(folder / name.lower())
        for name in ("CUDA_CACHE_PATH", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "XDG_CACHE_HOME")
    }
    ours = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return {**kept, **caches, **ours, "TMPDIR": str(folder)}


class Child:
    """A process in a session of its own, with an empty stdin and its output in a file that cannot grow for ever."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path, output: Path) -> None:
        self.mark = os.urandom(8).hex()
        self.output = output
        folder.mkdir()
        self.process = subprocess.Popen(
            command,
            cwd=str(folder),
            env={**environment, MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pump = threading.Thread(target=self._keep_output, daemon=True)
        self.pump.start()

    def wait(self, seconds: float) -> bool:
        """True when the process has ended, after at most that time."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self, scale: float) -> bool:
        """Asked to end, then made to; False when the kernel cannot end it, and it is left alone."""
        for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            _signal_group(self.process.pid, number)
            if self.wait(seconds * scale):
                return True
        return False

    def sweep(self) -> None:
        """Whatever the process started and left behind has been ended too."""
        _signal_group(self.process.pid, signal.SIGKILL)
        for pid in _list_marked(f"{MARK}={self.mark}"):
            _signal(pid, signal.SIGKILL)
        self.pump.join(timeout=1.0)

    def tail(self) -> str:
        """The last lines of its output."""
        try:
            text = self.output.read_bytes().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-8:])[-2000:]

    def _keep_output(self) -> None:
        pipe, left = self.process.stdout, MOST_OUTPUT
        assert pipe is not None
        with pipe, self.output.open("wb") as file:
            for block in iter(lambda: os.read(pipe.fileno(), 65536), b""):
                file.write(block[:left])
                file.flush()
                left -= min(left, len(block))


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except OSError:
        pass  # nobody is left in it


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass  # it has ended meanwhile


def _list_marked(mark: str) -> Iterator[int]:
    """The processes that inherited the mark: those in other sessions are found by it too."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode("ascii") in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
        except OSError:
            pass  # somebody else's, or gone
