"""Runs one program of this folder: `python3 start.py PARENT PROGRAM ARGUMENTS`, for the process with that number.

The folder becomes a package of its own name, found by no search, so that neither it nor what stands beside it is on
the path of the inspected interpreter.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "milepost_probe"
PR_SET_PDEATHSIG = 1


def adopt() -> None:
    """`milepost_probe` can be imported, and no folder of ours is on the path."""
    place = os.path.join(HERE, "__init__.py")
    spec = importlib.util.spec_from_file_location(PACKAGE, place, submodule_search_locations=[HERE])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != HERE]


def follow_parent(parent: int) -> None:
    """When whoever started us dies, or has died, we die too: a job that is cancelled leaves nothing on the machine."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError, TypeError):
        pass  # only Linux has it
    if os.getppid() != parent:
        sys.exit("start.py: whoever started this has ended")


if PACKAGE not in sys.modules:  # also in processes that `multiprocessing` spawns: they unpickle our classes
    adopt()
if __name__ == "__main__":
    follow_parent(int(sys.argv[1]))
    sys.exit(importlib.import_module(PACKAGE + "." + sys.argv[2]).main(sys.argv[3:]))
