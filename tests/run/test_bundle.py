"""A bundle: the same bytes each time, whole, told by a valid bill of materials, and enough where there is no network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import bundle
import pytest
import sbom
from bundled import describe_missing
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

SCRIPTS = Path(__file__).parents[2] / "scripts"
MOMENT = 1_800_000_000
OTHER_MACHINE = ("manylinux_2_28_aarch64", "3.10")
# In a network of its own that knows only itself: the embedded GitHub, and the action that is run against it twice.
STORY = """
import fcntl, os, socket, struct, subprocess, sys
run, plan, is_alone = sys.argv[1], sys.argv[2], sys.argv[3] == "alone"
if is_alone:
    with socket.socket() as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sH22x", b"lo", 0x1 | 0x40))  # the loopback is up and running
    print("interfaces:", *(name for _, name in socket.if_nameindex()))
milepost = [sys.executable, "-I", run]
with subprocess.Popen([*milepost, "simulate"], stdout=subprocess.PIPE, text=True) as server:
    where = ["--repository", "octo/widgets", "--token", "admin-token", "--api-url", server.stdout.readline().strip()]
    for _ in range(2):
        status = subprocess.call([*milepost, "sync", "--plan", plan, "--mode", "apply", "--pace", "9999/s", *where])
        print("status:", status, flush=True)
        if status:
            break
    server.terminate()
if status:
    sys.exit()
print("help:", subprocess.call([*milepost, "--help"], stdout=subprocess.DEVNULL))
generate = os.path.join(os.path.dirname(run), "generate.py")
edition = ["--workflows", "--uses", "tools/milepost@v1", "--into", "workflows"]
print("edition:", subprocess.call([sys.executable, "-I", generate, *edition], stdout=subprocess.DEVNULL))
"""
PLAN = "version: 1\nmilestones:\n  - {title: v1, due: 2027-01-31, issues: [{title: First}]}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the bundle of one action and the simulator, for this Python on this machine."""
    folder = tmp_path_factory.mktemp("bundle")
    make(folder)
    return folder


@pytest.fixture
def suite(made: Path, tmp_path: Path) -> Path:
    """The bundle, unpacked."""
    with zipfile.ZipFile(next(made.glob("*.zip"))) as archive:
        archive.extractall(tmp_path / "unpacked é")
    return next((tmp_path / "unpacked é").iterdir())


def make(folder: Path, *arguments: str) -> None:
    """bundle.py has run, as a person runs it."""
    command = [
        sys.executable,
        "-I",
        str(SCRIPTS / "bundle.py"),
        "--action",
        "sync",
        "simulate",
        "--output",
        str(folder),
    ]
    settings = {**os.environ, "SOURCE_DATE_EPOCH": str(MOMENT)}
    found = subprocess.run([*command, *arguments], env=settings, capture_output=True, text=True, check=False)
    assert 0 == found.returncode, found.stdout + found.stderr


def play(suite: Path, home: Path, *, with_uv: bool) -> subprocess.CompletedProcess[str]:
    """The story has run without a network: in a namespace where that may be made, and with every address closed."""
    home.mkdir()
    (home / "plan.yml").write_text(PLAN)
    uv = os.path.dirname(shutil.which("uv") or "")
    closed = "http://127.0.0.1:9"
    settings = {
        "PATH": os.pathsep.join([uv, "/usr/bin", "/bin"] if with_uv else ["/usr/bin", "/bin"]),
        "HOME": str(home),
        "RUNNER_TEMP": str(home / "temp"),
        "NO_PROXY": "127.0.0.1",
        **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"), closed),
    }
    alone = ["unshare", "--map-root-user", "--net"]
    can_be_alone = shutil.which("unshare") and subprocess.run([*alone, "true"], check=False).returncode == 0
    command = [*(alone if can_be_alone else []), sys.executable, "-I", "-c", STORY]
    arguments = [str(suite / "scripts" / "run.py"), str(home / "plan.yml"), "alone" if can_be_alone else "closed"]
    return subprocess.run(
        [*command, *arguments], env=settings, cwd=home, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("with_uv", [True, False], ids=["with uv", "without uv"])
def test_an_unpacked_bundle_needs_no_network(with_uv: bool, suite: Path, tmp_path: Path) -> None:
    """An action and the embedded GitHub run from it: what the plan asks is made, and the second run has nothing to do."""
    found = play(suite, tmp_path / "home", with_uv=with_uv)

    assert ["status: 0", "status: 0"] == [each for each in found.stdout.splitlines() if each.startswith("status")], (
        found.stdout + found.stderr
    )
    assert {"interfaces: lo"} >= {each for each in found.stdout.splitlines() if each.startswith("interfaces")}
    assert 'milestone "v1"' in found.stdout
    assert {"help: 0", "edition: 0"} <= set(found.stdout.splitlines()), found.stderr
    assert (tmp_path / "home" / "workflows" / "apply.yml").exists()
    assert "trying another way" not in found.stderr


@pytest.mark.slow
def test_a_wheel_that_is_not_there_is_told(suite: Path, tmp_path: Path) -> None:
    """By name and version, with the Python that asked for it, and what to do; no index is asked instead."""
    next((suite / "wheels").glob("[Pp]y[Yy][Aa][Mm][Ll]-*.whl")).unlink()

    found = play(suite, tmp_path / "home", with_uv=False)

    version = "{}.{}".format(*sys.version_info[:2])
    assert "status: 3" in found.stdout
    assert f"has no pyyaml 6.0.3 for cpython {version} on {sys.platform}" in found.stderr
    assert f"scripts/bundle.py --python {version}" in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("with_uv", [True, False], ids=["with uv", "without uv"])
def test_a_wheel_that_was_changed_is_refused(with_uv: bool, suite: Path, tmp_path: Path) -> None:
    """The hashes of the lock count for what a bundle brings, too."""
    wheel = next((suite / "wheels").glob("*jsonschema-4*.whl"))
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("jsonschema/extra.py", "raise SystemExit('owned by them')")

    found = play(suite, tmp_path / "home", with_uv=with_uv)

    assert "status: 3" in found.stdout
    assert f"Got {hashlib.sha256(wheel.read_bytes()).hexdigest()}" in " ".join(
        found.stderr.replace("got", "Got").split()
    )


@pytest.mark.slow
def test_the_same_input_makes_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """All three files; the archive knows no time but the one that it was given."""
    make(tmp_path / "again")

    first, again = (
        {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}
        for folder in (made, tmp_path / "again")
    )
    assert 3 == len(first)
    assert first == again


@pytest.mark.slow
def test_the_bill_and_the_checksums_speak_of_what_is_in_the_archive(made: Path) -> None:
    """Every wheel is a distribution with its hash; every package has its licence; every pin of the lock is there."""
    text = next(made.glob("*.cdx.json")).read_text()
    bill = json.loads(text)
    with zipfile.ZipFile(next(made.glob("*.zip"))) as archive:
        names = {each.split("/", 1)[1]: each for each in archive.namelist()}
        wheels = {
            name: hashlib.sha256(archive.read(each)).hexdigest()
            for name, each in names.items()
            if name.startswith("wheels/")
        }

    told = {
        each["url"]: each["hashes"][0]["content"] for part in bill["components"] for each in part["externalReferences"]
    }
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert wheels == told
    assert [] == [each["name"] for each in bill["components"] if not each.get("licenses")]
    assert {"pygithub", "pyyaml", "jsonschema", "graphql-core"} <= {each["name"] for each in bill["components"]}
    assert {"LICENSE", "action.yml", "actions/sync/action.yml", "scripts/run.py", "scripts/locks/sync.txt"} <= set(
        names
    )
    assert not any(name.startswith(("tests/", ".git")) or "__pycache__" in name for name in names)
    sums = dict(reversed(line.split("  ")) for line in next(made.glob("*.sha256")).read_text().splitlines())
    assert sums == {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in sums}
    assert 2 == len(sums)


@pytest.mark.slow
def test_a_bundle_for_another_machine_has_its_wheels(tmp_path: Path) -> None:
    """By its platform and its Python, whose markers count: typing-extensions is for old Pythons only."""
    platform, python = OTHER_MACHINE

    make(tmp_path, "--python", python, "--platform", platform)

    with zipfile.ZipFile(tmp_path / f"milepost-{bundle.__version__}-{platform}.zip") as archive:
        wheels = [each.rpartition("/")[2] for each in archive.namelist() if each.endswith(".whl")]
    native = [each for each in wheels if not each.endswith("-any.whl")]
    assert all(each.endswith("aarch64.whl") for each in native)
    assert {"cp310"} == {each.split("-")[2] for each in native if each.startswith("cffi")}
    assert any(each.startswith("typing_extensions") for each in wheels)


def test_an_action_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With the names that there are; nothing is written."""
    status = bundle.main(["--action", "nope", "--output", str(tmp_path / "dist")])

    assert (3, False) == (status, (tmp_path / "dist").exists())
    assert "--action nope has no lock; there are " in capsys.readouterr().err


@pytest.mark.parametrize("python", ["2.7", "3.9", "3", "3.11.4", "3.x"])
def test_a_python_that_cannot_run_it_is_refused(python: str) -> None:
    """As a wrong question."""
    with pytest.raises(SystemExit) as ended:
        bundle.main(["--python", python])

    assert 2 == ended.value.code


def test_a_platform_takes_the_wheels_of_older_ones() -> None:
    """Under their old names, too; what is not known is passed on as it is."""
    assert ["manylinux_2_6_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64"] == bundle.list_tags(
        "manylinux_2_6_x86_64"
    )
    assert "manylinux2014_aarch64" in bundle.list_tags("manylinux_2_28_aarch64")
    assert ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"] == bundle.list_tags("musllinux_1_2_x86_64")
    assert ["macosx_11_0_arm64"] == bundle.list_tags("macosx_11_0_arm64")


def test_only_wheels_of_this_interpreter_count(tmp_path: Path) -> None:
    """Its own tags, the stable ABI of older ones, and pure ones; not those of others."""
    major, minor = sys.version_info[:2]
    here = f"manylinux_2_17_{os.uname().machine}"
    for tags in (
        f"own-1-cp{major}{minor}-cp{major}{minor}-{here}",
        f"stable-1-cp{major}{minor - 1}-abi3-{here}",
        "pure-1-py2.py3-none-any",
        f"newer-1-cp{major}{minor + 1}-abi3-{here}",
        f"other-1-cp{major}{minor - 1}-cp{major}{minor - 1}-{here}",
        f"far-1-cp{major}{minor}-cp{major}{minor}-manylinux_2_17_pdp11",
        "Odd_Name-2-py3-none-any",
    ):
        (tmp_path / f"{tags}.whl").write_text("")

    fitting = {"own": "1", "stable": "1", "pure": "1", "odd-name": "2"}
    assert "" == describe_missing(fitting, tmp_path)
    told = describe_missing({**fitting, "newer": "1", "other": "1", "far": "1", "pure": "2"}, tmp_path)
    assert "has no pure 2, newer 1, other 1, far 1 for " in told


@pytest.fixture
def wheel(tmp_path: Path) -> Callable[..., Path]:
    """Makes a wheel that says this of itself."""

    def make(name: str, tag: str = "py3-none-any", **metadata: str | list[str]) -> Path:
        message = Message()
        for key, value in {"Name": name, "Version": "1.0", **metadata}.items():
            for each in [value] if isinstance(value, str) else value:
                message[key.replace("_", "-")] = each
        path = tmp_path / f"{name.replace('-', '_')}-1.0-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name.replace('-', '_')}-1.0.dist-info/METADATA", message.as_string())
        return path

    return make


def test_a_bill_is_valid_and_the_same_each_time(wheel: Callable[..., Path]) -> None:
    """By CycloneDX's own schema, with version, purl, hashes and licence of each package, and what it depends on."""
    wheels = [
        wheel("Spelled_Out", License_Expression="MIT AND Apache-2.0"),
        wheel("old-style", License="BSD"),
        wheel("whole-text", License="Permission is hereby granted " * 9, Classifier="License :: OSI Approved :: ISC"),
        wheel("silent"),
        wheel("native", "cp310-cp310-linux_x86_64", License="Apache-2.0"),
        wheel("native", "cp311-cp311-linux_x86_64", License="Apache-2.0"),
    ]

    text = sbom.render_sbom(wheels, "0.1.0", MOMENT)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == sbom.render_sbom(reversed(wheels), "0.1.0", MOMENT)
    bill = json.loads(text)
    parts = {each["name"]: each for each in bill["components"]}
    assert ["native", "old-style", "silent", "spelled-out", "whole-text"] == sorted(parts)
    assert {"expression": "MIT AND Apache-2.0"} == parts["spelled-out"]["licenses"][0]
    assert {"license": {"name": "BSD"}} == parts["old-style"]["licenses"][0]
    assert {"license": {"name": "ISC"}} == parts["whole-text"]["licenses"][0]
    assert "licenses" not in parts["silent"]
    assert "pkg:pypi/native@1.0" == parts["native"]["purl"]
    assert 2 == len(parts["native"]["externalReferences"])
    assert ["milepost"] == [each["ref"] for each in bill["dependencies"] if each.get("dependsOn")]
    assert "2027-01-15T08:00:00+00:00" == bill["metadata"]["timestamp"]


def test_a_bill_that_lacks_something_is_not_valid(wheel: Callable[..., Path]) -> None:
    """The check by the schema is one."""
    bill = json.loads(sbom.render_sbom([wheel("one")], "0.1.0", MOMENT))
    del bill["components"][0]["type"]

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is not None
