"""Files from outside: whatever they hold, they are read within bounds or refused in words."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicafit.reading import (
    UnreadableError,
    is_folder,
    is_there,
    read_arrays,
    read_bytes,
    read_text,
)

ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3),
    "b": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "c": np.array("text"),
    "d": np.array([]),
    "e": np.array(["x", "yy"]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_as_they_were(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    found["a"][0, 0] = 7


def npy(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,)}"), "no .npz"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"), "its shape"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", b"0" * 8), "its shape"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", b"0" * 8), "its shape"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", b"0" * 8), "Python objects"),
        (npy("{'descr': '<f8'}"), "no .npz"),
        (npy("(" * 100), "no .npz"),
        (npy("{}", version=b"\x09\x09"), "version"),
        (b"raw bytes", "no .npz"),
        (b"", "no .npz"),
    ],
)
def test_headers_that_lie(tmp_path, content, words):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(UnreadableError, match=words):
        read_arrays(tmp_path / "a.npz")


def test_what_unfolds_to_too_much_is_refused_before_it_does(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**6), b=np.zeros(10**6))
    assert (tmp_path / "a.npz").stat().st_size < 30_000
    with pytest.raises(UnreadableError, match=r"take 0.0 GB, and at most 0.0 GB .* split it"):
        read_arrays(tmp_path / "a.npz", most=10**7)


@given(data=st.data())
def test_any_damage_is_refused_or_harmless(tmp_path_factory, data):
    whole = io.BytesIO()
    np.savez_compressed(whole, **ARRAYS)
    content = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    path = tmp_path_factory.mktemp("damage") / "a.npz"
    path.write_bytes(content)
    with suppress(UnreadableError):
        read_arrays(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/", "a\0b", "x" * 5000, "/dev/null/a"])
def test_paths_that_lead_to_no_file(path):
    with pytest.raises(UnreadableError):
        read_bytes(Path(path), 1000)


def test_text_and_pipes(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none", 10)
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfabc")
    assert read_text(tmp_path / "a", 10) == "abc"
    (tmp_path / "a").write_bytes(b"ab\xff")
    with pytest.raises(UnreadableError, match="byte 2 is not UTF-8"):
        read_text(tmp_path / "a", 10)
    reading, writing = os.pipe()
    writer = threading.Thread(target=_fill, args=(writing,), daemon=True)
    writer.start()
    assert len(read_bytes(Path(f"/dev/fd/{reading}"), 10**7)) == 10**6
    os.close(reading)


def _fill(pipe: int) -> None:
    with os.fdopen(pipe, "wb") as stream:
        stream.write(b"x" * 10**6)


@pytest.mark.parametrize("name", ["no", "a" * 300, "a/" * 3000, "a\0b"], ids=range(4))
def test_where_nothing_can_be_nothing_is(tmp_path: Path, name: str):
    assert not is_there(tmp_path / name)
    assert not is_folder(tmp_path / name)
    assert is_folder(tmp_path)
