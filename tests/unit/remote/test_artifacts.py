"""Archives that anybody may have written: what is opened, and what is refused before it does harm."""

from __future__ import annotations

import base64
import io
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from milepost.errors import Refused
from milepost.remote.artifacts import MOST_ARCHIVE_BYTES, MOST_BYTES, MOST_FILES, list_artifacts, read_artifact


def test_folders_are_left_out(new_bench: Callable[..., Any]) -> None:
    """They hold nothing of their own."""
    assert {"a/b.txt": b"text"} == _read(new_bench, _pack({"a/": b"", "a/b.txt": b"text"}))


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/passwd", "a//b", "./x", "C:/x", "a\\b", "..\\x", "a\nb", "a\x1b[31m", "\u202e"],
)
def test_a_path_that_leads_elsewhere_is_refused(name: str, new_bench: Callable[..., Any]) -> None:
    """Nothing is written to a disk here, and still nobody gets such a name."""
    assert "path" in _refusal(new_bench, _pack({"ok": b"", name: b"x"}))


def test_a_bomb_is_refused(new_bench: Callable[..., Any]) -> None:
    """In one file or in several, and whatever it says of its own size."""
    half = b"\0" * (MOST_BYTES // 2 + 1)
    small = _pack({"a": b"\0" * (MOST_BYTES + 1)})
    lying = small.replace((MOST_BYTES + 1).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    assert "unpacks to more" in _refusal(new_bench, small)
    assert "unpacks to more" in _refusal(new_bench, _pack({"a": half, "b": half}))
    assert "not one that is opened" in _refusal(new_bench, lying)
    assert len(small) < 100_000


def test_as_many_bytes_as_may_be_are_read(new_bench: Callable[..., Any]) -> None:
    """The limit itself is allowed."""
    assert MOST_BYTES == len(_read(new_bench, _pack({"a": b"\0" * MOST_BYTES}))["a"])


def test_too_many_files_are_refused(new_bench: Callable[..., Any]) -> None:
    """Twenty are read."""
    files = {f"f{each}": b"" for each in range(MOST_FILES)}

    assert files == _read(new_bench, _pack(files))
    assert "21 files" in _refusal(new_bench, _pack({**files, "more": b""}))


def test_an_archive_that_is_too_large_is_refused(new_bench: Callable[..., Any]) -> None:
    """Before it is opened."""
    assert "more than 5,242,880 bytes" in _refusal(new_bench, b"\0" * (MOST_ARCHIVE_BYTES + 1), "file-too-large")


def test_a_name_that_is_there_twice_is_refused(new_bench: Callable[..., Any]) -> None:
    """Two readers could take another one each."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a", "1")
        archive.writestr("a", "2")

    assert "twice" in _refusal(new_bench, written.getvalue())


def test_links_and_unusual_archives_are_refused(new_bench: Callable[..., Any]) -> None:
    """A symbolic link, another compression, and one that is encrypted."""
    link = zipfile.ZipInfo("a")
    link.external_attr = 0o120777 << 16
    plain = _pack({"a": b"text"})
    encrypted = bytearray(plain)
    encrypted[plain.index(b"PK\x01\x02") + 8] |= 1

    assert "is a link" in _refusal(new_bench, _pack({link: b"/etc/passwd"}))
    assert "unusual" in _refusal(new_bench, _pack({"a": b"text"}, zipfile.ZIP_BZIP2))
    assert "encrypted" in _refusal(new_bench, bytes(encrypted))


@pytest.mark.parametrize("cut", [0, 1, 20, -1, -30])
def test_what_is_no_whole_archive_is_refused(cut: int, new_bench: Callable[..., Any]) -> None:
    """Cut off, or never one."""
    whole = _pack({"a": b"text" * 100})
    data = whole[:cut] if cut else b"<html>Sign in</html>"

    assert "not one that is opened" in _refusal(new_bench, data)


def test_a_damaged_file_is_refused(new_bench: Callable[..., Any]) -> None:
    """Its checksum tells."""
    whole = bytearray(_pack({"a": b"text" * 100}))
    whole[35] ^= 0xFF

    assert "not one that is opened" in _refusal(new_bench, bytes(whole))


def _pack(files: dict[Any, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in files.items():
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method
            info.filename = info.filename if isinstance(name, zipfile.ZipInfo) else name
            archive.writestr(info, data)
    return written.getvalue()


def _read(new_bench: Callable[..., Any], data: bytes) -> Any:
    bench = new_bench(
        {
            "runs": [{"id": 7, "workflow": "w.yml", "event": "push"}],
            "artifacts": [{"run": 7, "name": "proof", "content": base64.b64encode(data).decode()}],
        }
    )
    client = bench.client()
    return read_artifact(client, list_artifacts(client, "proof")[0])


def _refusal(new_bench: Callable[..., Any], data: bytes, rule: str = "bad-artifact") -> str:
    with pytest.raises(Refused) as found:
        _read(new_bench, data)
    assert rule == found.value.diagnostic.rule
    return found.value.diagnostic.summary
