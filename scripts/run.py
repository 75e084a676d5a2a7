"""Runs one command of Milepost: judges the interpreter, isolates it, finds the packages, and hands over.

Its syntax is an old one, so that an interpreter that is too old can read it, and say so.
Until the process is isolated it imports nothing that a foreign PYTHONPATH could replace.
"""

import os
import sys

FILE = os.path.abspath(__file__)
SCRIPTS = os.path.dirname(FILE)
OLDEST = (3, 10)
UNUSABLE, REFUSED, INTERRUPTED = 2, 3, 130


def main(argv):
    # type: (list[str]) -> int
    """The command has run; the value is its exit status."""
    unfit = _judge_interpreter()
    if unfit:
        return _fail(unfit, UNUSABLE)
    if not sys.flags.isolated:
        # Here end PYTHON* settings, the user's own site-packages and the working directory.
        command = [sys.executable, "-I", FILE]
        command.extend(argv)
        os.execv(sys.executable, command)
    sys.path.insert(0, SCRIPTS)
    from folder import NotInstalled
    from packages import find_packages, keep_only

    try:
        folder = find_packages(argv[0] if argv else "")
    except NotInstalled as trouble:
        return _fail(str(trouble), REFUSED)
    except KeyboardInterrupt:
        return INTERRUPTED
    if folder:
        keep_only(folder)
    from milepost.cli import main as run

    return int(run(argv))


def _judge_interpreter():
    # type: () -> str
    """Why this interpreter cannot run Milepost; empty when it can."""
    if os.name == "nt":
        return "Milepost runs on Linux and macOS runners; this one is Windows"
    if sys.version_info < OLDEST:
        found = "Python %s (%s)" % (".".join(map(str, sys.version_info[:3])), sys.executable)
        mend = "add actions/setup-python before this step, or put a newer python3 first on PATH"
        return "Milepost needs Python 3.10 or newer, and this is " + found + ": " + mend
    return ""


def _fail(text, code):
    # type: (str, int) -> int
    line = " ".join(text.split())
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write("::error::" + line.replace("%", "%25") + "\n")
    else:
        sys.stderr.write("milepost: " + line + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
