"""Runs one command of Milepost: finds or makes a place with its packages, and hands over to milepost.cli.

Standard library only, and no syntax newer than Python 3.6: an interpreter that is too old must be able to say so.
The packages of a command stand in a folder of their own that only this process puts on its path, so nothing
of the caller is changed: no environment, no workspace, no interpreter.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from typing import Mapping

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
LOCKS = os.path.join(SCRIPTS, "locks")
OLDEST = (3, 10)
# `--help` and unknown commands look at every declaration, and so need what the largest one needs.
DEFAULT_LOCK = "sync"
COMPLETE = ".complete.json"
# The one place of the runner's machine that may outlive a job is not for these.
NEVER_KEPT_EVENTS = ("pull_request_target",)
NEVER_KEPT_COMMANDS = ("release",)
UNUSABLE, REFUSED = 2, 3


def main(argv: "list[str]") -> int:
    """The command has run; the value is its exit status."""
    if sys.version_info < OLDEST:
        return _fail(
            "Milepost needs Python 3.10 or newer, and this is Python %s (%s): add actions/setup-python before this step"
            % (platform.python_version(), sys.executable),
            UNUSABLE,
        )
    if os.name == "nt":
        return _fail("Milepost runs on Linux and macOS runners; this one is Windows", UNUSABLE)
    if not sys.flags.isolated and any(name.startswith("PYTHON") for name in os.environ):
        # Foreign settings may have put other people's modules in front of ours.
        os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *argv])
    try:
        folder = find_packages(argv[0] if argv else "")
    except NotInstalled as trouble:
        return _fail(str(trouble), REFUSED)
    sys.path[:] = [SCRIPTS, *([folder] if folder else []), *[path for path in sys.path if path not in ("", SCRIPTS)]]
    from milepost.cli import main as run

    return int(run(argv))


class NotInstalled(Exception):
    """The packages could not be installed by any way."""


def find_packages(command: str) -> "str | None":
    """The folder with the command's packages; None when the running interpreter has exactly these."""
    lock = find_lock(command)
    with open(lock, encoding="utf-8") as file:
        text = file.read()
    pins = read_pins(text)
    if _has(pins, None):
        return None
    root = _choose_root(command)
    folder = os.path.join(root, _key(text))
    if not is_complete(folder, text):
        _install(lock, folder, text)
    return folder


def find_lock(command: str) -> str:
    """The lock of the command."""
    name = command if re.match(r"[a-z][a-z-]*$", command) else DEFAULT_LOCK
    path = os.path.join(LOCKS, name + ".txt")
    return path if os.path.exists(path) else os.path.join(LOCKS, DEFAULT_LOCK + ".txt")


def read_pins(text: str) -> "dict[str, str]":
    """The versions that the lock pins for this interpreter, by normalised name."""
    pins = {}
    for found in re.finditer(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)[ ]*(?:;([^\\\n]*))?", text, re.MULTILINE):
        if applies(found.group(3) or ""):
            pins[_normal(found.group(1))] = found.group(2)
    return pins


def applies(marker: str) -> bool:
    """True when the environment marker, of the form that locks have, holds here."""
    tokens = re.findall(r"\(|\)|and\b|or\b|not in\b|in\b|[<>=!~]=|[<>]|'[^']*'|\"[^\"]*\"|\w+", marker)
    if not tokens:
        return True
    value, rest = _either(tokens)
    if rest:
        raise ValueError("a lock has the marker " + marker)
    return value


def is_complete(folder: str, text: str) -> bool:
    """True when the folder holds what this lock pins: whole, and nothing of it taken away since."""
    try:
        with open(os.path.join(folder, COMPLETE), encoding="utf-8") as file:
            if json.load(file) != _digest(text):
                return False
    except (OSError, ValueError):
        return False
    return _has(read_pins(text), folder)


def _either(tokens: "list[str]") -> "tuple[bool, list[str]]":
    value, rest = _both(tokens)
    while rest and rest[0] == "or":
        other, rest = _both(rest[1:])
        value = value or other
    return value, rest


def _both(tokens: "list[str]") -> "tuple[bool, list[str]]":
    value, rest = _term(tokens)
    while rest and rest[0] == "and":
        other, rest = _term(rest[1:])
        value = value and other
    return value, rest


def _term(tokens: "list[str]") -> "tuple[bool, list[str]]":
    if tokens[0] == "(":
        value, rest = _either(tokens[1:])
        return value, rest[1:]
    left, operator, right = tokens[:3]
    return _compare(_value(left), operator, _value(right), left), tokens[3:]


def _value(token: str) -> str:
    if token[0] in "'\"":
        return token[1:-1]
    return {
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version(),
        "implementation_name": sys.implementation.name,
        "platform_python_implementation": platform.python_implementation(),
        "platform_machine": platform.machine(),
        "platform_system": platform.system(),
        "sys_platform": sys.platform,
        "os_name": os.name,
    }[token]


def _compare(left: str, operator: str, right: str, name: str) -> bool:
    if operator in ("in", "not in"):
        return (left in right) == (operator == "in")
    if name.startswith("python_") and name != "python_implementation":
        ordered = [tuple(int(part) for part in re.findall(r"[0-9]+", text)[:3]) for text in (left, right)]
        width = max(map(len, ordered))
        first, second = (each + (0,) * (width - len(each)) for each in ordered)
        return {
            "<": first < second,
            "<=": first <= second,
            ">": first > second,
            ">=": first >= second,
            "==": first == second,
            "!=": first != second,
        }[operator]
    return {"==": left == right, "!=": left != right}[operator]


def _has(pins: "dict[str, str]", folder: "str | None") -> bool:
    """True when each pinned version is installed, in the folder or on the running interpreter's own path."""
    from importlib import metadata

    path = [folder] if folder else [each for each in sys.path if each not in ("", SCRIPTS)]
    found = {}  # type: dict[str, str]
    for each in metadata.distributions(path=path):
        name = each.metadata["Name"]
        if name:
            found.setdefault(_normal(name), each.version)
    return all(found.get(name) == version for name, version in pins.items())


def _choose_root(command: str) -> str:
    """Where package folders are kept: this job's own folder, the machine's when allowed, or the user's."""
    temporary, tools = os.environ.get("RUNNER_TEMP"), os.environ.get("RUNNER_TOOL_CACHE")
    if os.environ.get("MILEPOST_CACHE") == "tool" and tools:
        event = os.environ.get("GITHUB_EVENT_NAME", "")
        if event not in NEVER_KEPT_EVENTS and command not in NEVER_KEPT_COMMANDS:
            return os.path.join(tools, "milepost")
        _tell(
            "MILEPOST_CACHE=tool is not used for %s: every job on this machine could have written there"
            % (event if event in NEVER_KEPT_EVENTS else command)
        )
    if temporary:
        return os.path.join(temporary, "milepost")
    home = os.path.expanduser("~")
    is_mac = sys.platform == "darwin"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, "Library/Caches" if is_mac else ".cache")
    return os.path.join(cache, "milepost")


def _key(text: str) -> str:
    tag = "%s-%d%d-%s" % (sys.implementation.name, *sys.version_info[:2], sysconfig.get_platform())
    return re.sub(r"[^\w.-]", "_", "%s-%s" % (tag, _digest(text)[:16]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _install(lock: str, folder: str, text: str) -> None:
    """The folder is complete. It is built beside and moved into place, so that two processes can race."""
    parent = os.path.dirname(folder)
    try:
        os.makedirs(parent, exist_ok=True)
        beside = tempfile.mkdtemp(prefix=".building-", dir=parent)
    except OSError as trouble:
        raise NotInstalled("the packages need a folder to be written to: %s" % trouble) from None
    try:
        built = os.path.join(beside, "packages")
        _try_installers(lock, built, beside)
        with open(os.path.join(built, COMPLETE), "w", encoding="utf-8") as file:
            json.dump(_digest(text), file)
        if not is_complete(built, text):
            raise NotInstalled("the installed packages are not those of %s" % lock)
        _move_into_place(built, folder, beside, text)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _move_into_place(built: str, folder: str, beside: str, text: str) -> None:
    for _ in range(3):
        try:
            os.rename(built, folder)
            return
        except OSError:
            if is_complete(folder, text):
                return  # another process was faster, with the same packages
            _set_aside(folder, os.path.join(beside, "broken"))
    raise NotInstalled("%s is broken, and cannot be replaced" % folder)


def _set_aside(folder: str, where: str) -> None:
    try:
        os.rename(folder, where)
    except OSError:
        pass  # somebody else has set it aside


def _try_installers(lock: str, target: str, beside: str) -> None:
    """The packages of the lock stand in the target: by uv, by a uv that pip fetches, or by pip."""
    reasons = []
    for installer in (_with_uv, _with_fetched_uv, _with_pip):
        try:
            installer(lock, target, beside)
            return
        except NotInstalled as trouble:
            reasons.append(str(trouble))
            shutil.rmtree(target, ignore_errors=True)
    raise NotInstalled("the packages could not be installed. " + " ".join(reasons))


def _with_uv(lock: str, target: str, beside: str) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise NotInstalled("uv is not on PATH.")
    _run_uv(uv, lock, target, beside)


def _with_fetched_uv(lock: str, target: str, beside: str) -> None:
    tools = os.path.join(beside, "uv")
    _run_pip(os.path.join(LOCKS, "uv.txt"), tools, beside)
    _run_uv(os.path.join(tools, "bin", "uv"), lock, target, beside)


def _with_pip(lock: str, target: str, beside: str) -> None:
    _run_pip(lock, target, beside)


def _run_uv(uv: str, lock: str, target: str, beside: str) -> None:
    settings = read_pip_settings(os.environ)
    environment = _environment(
        "UV_", ("INDEX", "DEFAULT_INDEX", "NATIVE_TLS", "SYSTEM_CERTS", "INSECURE_HOST", "HTTP_")
    )
    if settings["index-url"] and not any(name.startswith(("UV_INDEX_URL", "UV_DEFAULT_INDEX")) for name in environment):
        environment["UV_DEFAULT_INDEX"] = settings["index-url"][0]
    if settings["extra-index-url"] and "UV_INDEX" not in environment:
        environment["UV_INDEX"] = " ".join(settings["extra-index-url"])
    if settings["cert"]:
        environment.setdefault("SSL_CERT_FILE", settings["cert"][0])
    command = [uv, "pip", "install", "--no-config", "--quiet", "--require-hashes", "--no-deps", "--no-build"]
    # Every file is checked against its hash, so any index may serve it, as with pip.
    command += ["--index-strategy", "unsafe-best-match", "--python", sys.executable, "--target", target]
    if os.environ.get("RUNNER_TEMP"):
        command += ["--cache-dir", os.path.join(beside, "cache")]
    _run("uv", [*command, "--requirements", lock], environment)


def _run_pip(lock: str, target: str, beside: str) -> None:
    settings = read_pip_settings(os.environ)
    python = sys.executable
    if subprocess.call([python, "-I", "-m", "pip", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        _run("venv", [python, "-I", "-m", "venv", os.path.join(beside, "venv")], _environment("PIP_", ()))
        python = os.path.join(beside, "venv", "bin", "python")
    command = [python, "-I", "-m", "pip", "--isolated", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--no-cache-dir", "--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    for name, values in settings.items():
        command += [part for value in values for part in ("--" + name, value)]
    environment = dict(_environment("PIP_", ()), PIP_CONFIG_FILE=os.devnull)
    _run("pip", [*command, "--target", target, "--requirement", lock], environment)


def read_pip_settings(environment: "Mapping[str, str]") -> "dict[str, list[str]]":
    """pip's index, proxy and certificate settings, from its files and variables; all others are passed over."""
    import configparser

    names = [
        "index-url",
        "extra-index-url",
        "find-links",
        "trusted-host",
        "cert",
        "client-cert",
        "proxy",
        "timeout",
        "retries",
    ]
    found = {name: [] for name in names}  # type: dict[str, list[str]]
    parser = configparser.RawConfigParser()
    try:
        parser.read(_pip_files(environment), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        pass  # pip itself will say what is wrong with its file
    for section in ("global", "install"):
        for name in names:
            if parser.has_option(section, name):
                found[name] = parser.get(section, name).split()
    for name in names:
        value = environment.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            found[name] = value.split()
    return found


def _pip_files(environment: "Mapping[str, str]") -> "list[str]":
    given = environment.get("PIP_CONFIG_FILE")
    if given == os.devnull:
        return []
    home = os.path.expanduser("~")
    config = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", os.path.join(home, ".pip", "pip.conf")]
    if sys.platform == "darwin":
        files.append(os.path.join(home, "Library", "Application Support", "pip", "pip.conf"))
    files += [os.path.join(config, "pip", "pip.conf"), os.path.join(sys.prefix, "pip.conf")]
    return files + ([given] if given else [])


def _environment(prefix: str, kept: "tuple[str, ...]") -> "dict[str, str]":
    """The caller's environment without foreign settings of Python and its installers, and without tokens."""
    dropped = ("PYTHON", "PIP_", "UV_", "INPUT_", "VIRTUAL_ENV", "CONDA_PREFIX", "GITHUB_TOKEN", "GH_TOKEN")
    allowed = tuple(prefix + name for name in kept)
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped) or (allowed and name.startswith(allowed))
    }


def _run(name: str, command: "list[str]", environment: "dict[str, str]") -> None:
    try:
        finished = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=SCRIPTS,
        )
    except OSError as trouble:
        raise NotInstalled("%s could not be started: %s." % (name, trouble)) from None
    if finished.returncode:
        said = finished.stdout.decode("utf-8", "replace").strip().splitlines()[-6:]
        raise NotInstalled("%s ended with %d: %s." % (name, finished.returncode, scrub(" / ".join(said))))


def scrub(text: str) -> str:
    """The text without the credentials that addresses of indexes may carry."""
    return re.sub(r"(\w+://)[^/\s@]+@", r"\1***@", text)


def _tell(text: str) -> None:
    sys.stderr.write("milepost: " + text + "\n")


def _fail(text: str, code: int) -> int:
    line = " ".join(text.split())
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write("::error::" + line.replace("%", "%25") + "\n")
    else:
        sys.stderr.write("milepost: " + line + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
