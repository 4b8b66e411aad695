import json
import os
import resource
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from pydicom.uid import RLELossless

from keras_lvseg.data import SAXDataset, cache, decoding
from keras_lvseg.data.cache import FrameCache, cache_folder
from keras_lvseg.errors import DataError
from tests.data.small_tree import edit
from tests.harness import run_in_new_process

_opened: list[str] | None = None


def _note(event, arguments):
    if event == "open" and _opened is not None and str(arguments[0]).endswith(".dcm"):
        _opened.append(str(arguments[0]))


sys.addaudithook(_note)  # cannot be taken away again


@contextmanager
def dicom_opened():
    """The DICOM files that this process opens within the block."""
    global _opened
    _opened = opened = []
    try:
        yield opened
    finally:
        _opened = None


@pytest.fixture
def tree(phantom_tree, tmp_path):
    return shutil.copytree(phantom_tree, tmp_path / "tree")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache, the one in use."""
    monkeypatch.setenv("KERAS_LVSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def settled(monkeypatch):
    """Take a file for settled at once, as it is seconds after it was written."""
    monkeypatch.setattr(cache, "_SETTLED", 0)
    time.sleep(0.02)


def images(tree):
    return sorted(tree.glob("dicoms/*/*.dcm"))


def assert_arrays_are_the_files(frames, paths):
    for path in paths:
        pixels, expected = frames.read(path), pydicom.dcmread(path).pixel_array
        assert pixels.dtype == expected.dtype
        np.testing.assert_array_equal(pixels, expected)


def together(batches):
    return [np.concatenate(part) for part in zip(*batches, strict=True)]


@pytest.mark.parametrize("serial_below", [1, 10_000])
def test_each_file_is_decoded_once_and_right(tree, folder, settled, monkeypatch, serial_below):
    monkeypatch.setattr(decoding, "SERIAL_BELOW", serial_below)
    paths = images(tree)
    squeezed = pydicom.dcmread(paths[1])
    squeezed.compress(RLELossless, generate_instance_uid=False)
    squeezed.save_as(paths[1])
    time.sleep(0.02)
    told = []
    frames = FrameCache(folder)
    assert frames.decode(paths, lambda *progress: told.append(progress)) == len(paths)
    assert told[-1] == (len(paths), len(paths))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    for again in (frames, FrameCache(folder)):
        with dicom_opened() as opened:
            assert again.decode(paths) == 0
            arrays = [again.read(path) for path in paths]
        assert opened == []
        assert len(arrays) == len(paths)
        assert_arrays_are_the_files(again, paths)


@given(
    st_numpy.arrays(
        st.sampled_from([np.dtype(kind) for kind in ("uint8", "int16", "uint16")]),
        st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=9),
    )
)
def test_any_size_and_depth_comes_back(phantom_tree, tmp_path_factory, pixels):
    folder = tmp_path_factory.mktemp("one")
    path = shutil.copy(images(phantom_tree)[0], folder / "1.dcm")
    depth = {
        "BitsAllocated": 8 * pixels.itemsize,
        "BitsStored": 8 * pixels.itemsize,
        "HighBit": 8 * pixels.itemsize - 1,
    }
    depth["PixelRepresentation"] = int(pixels.dtype.kind == "i")
    even = pixels.tobytes() + bytes(pixels.nbytes % 2)
    edit(path, Rows=pixels.shape[0], Columns=pixels.shape[1], PixelData=even, **depth)
    frames = FrameCache(folder / "cache")
    frames.decode([path])
    assert frames.read(path).dtype == pixels.dtype
    np.testing.assert_array_equal(frames.read(path), pixels)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_changed_pixel_is_seen_whatever_the_file_s_times_say(tree, folder, monkeypatch, fresh):
    if not fresh:
        monkeypatch.setattr(cache, "_SETTLED", 0)
        time.sleep(0.02)
    (path, *_) = paths = images(tree)
    before = path.stat()
    frames = FrameCache(folder)
    frames.decode(paths)
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    for again in (frames, FrameCache(folder)):
        again.decode(paths)
        assert_arrays_are_the_files(again, paths)


def test_the_content_counts_and_not_the_place(tree, folder, tmp_path):
    FrameCache(folder).decode(images(tree))
    elsewhere = images(shutil.copytree(tree, tmp_path / "elsewhere"))
    frames = FrameCache(folder)
    assert frames.decode(elsewhere) == 0
    assert_arrays_are_the_files(frames, elsewhere)


def test_every_setting_and_form_gives_the_same_bits_cold_and_warm(tree, folder, settled, monkeypatch):
    # One patient's images of another size than the others', two slices' worth of phases short.
    for path in images(tree):
        if path.parent.name == "PHANTOM0002":
            pixels = pydicom.dcmread(path).pixel_array[:192, :160]
            edit(path, Rows=192, Columns=160, PixelData=pixels.tobytes())
    time.sleep(0.02)
    settings = [{}, {"image_size": (200, 180), "intensity": None}, {"pixel_spacing": 1.5, "intensity": np.sqrt}]
    for keywords in settings:
        data = SAXDataset(tree, **keywords)
        with monkeypatch.context() as patch:
            patch.setenv("KERAS_LVSEG_CACHE", "")
            uncached = data.as_arrays("all")
        data.as_arrays("all")
        with dicom_opened() as opened:
            warm = data.as_arrays("all")
            epochs = [together(data.as_dataset("all", 7).as_numpy_iterator()) for _ in range(2)]
            loader = data.as_pydataset("all", 7)
        assert opened == []
        others = [warm, *epochs, together(loader[i] for i in range(len(loader)))]
        for other in others:
            for part, expected in zip(other, uncached, strict=True):
                assert part.dtype == expected.dtype
                np.testing.assert_array_equal(part, expected)
    native = SAXDataset(tree, intensity=None)
    for image, frame in zip(native.as_arrays("all")[0], native.labelled_frames("all"), strict=True):
        top, left = (256 - frame.rows) // 2, (256 - frame.columns) // 2
        inner = image[top : top + frame.rows, left : left + frame.columns, 0]
        np.testing.assert_array_equal(inner, pydicom.dcmread(frame.path).pixel_array)


def test_killed_at_random_moments_and_many_at_once(phantom_tree, tmp_path):
    """A real `kill -9`, 30 times; then 4 processes that want the same at the same time."""
    report = tmp_path / "report.json"
    script = Path(__file__).with_name("killed_while_decoding.py")
    run_in_new_process(script, str(phantom_tree), str(tmp_path / "caches"), str(report), OPENBLAS_NUM_THREADS="1")
    found = json.loads(report.read_text())
    assert len(found["there"]) == 30
    assert sum(0 < there < found["files"] for there in found["there"]) >= 5  # in the midst of it
    assert sum(there == found["files"] for there in found["there"]) >= 10  # after the last array
    assert found["left"] == []
    assert sorted(found["decoded"]) == [0, 0, 0, found["files"]]


@pytest.mark.parametrize("executable", ["dead", "", None])
def test_without_workers_all_is_decoded_all_the_same(tree, folder, monkeypatch, tmp_path, executable):
    monkeypatch.setattr(decoding, "SERIAL_BELOW", 1)
    if executable == "dead":
        (tmp_path / "dead.py").write_text("raise SystemExit(1)\n")
        monkeypatch.setattr(decoding, "_WORKER", tmp_path / "dead.py")
    else:
        monkeypatch.setattr(sys, "executable", executable)
    frames = FrameCache(folder)
    assert frames.decode(images(tree)) == len(images(tree))
    assert_arrays_are_the_files(frames, images(tree))


@pytest.mark.parametrize("serial_below", [1, 10_000])
def test_the_first_file_that_cannot_be_decoded_is_named(tree, folder, monkeypatch, serial_below):
    monkeypatch.setattr(decoding, "SERIAL_BELOW", serial_below)
    paths = images(tree)
    for path in (paths[20], paths[9]):
        path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"damaged|cut short") as caught:
        FrameCache(folder).decode(paths)
    assert caught.value.path == str(paths[9])
    paths[9].unlink()
    with pytest.raises(DataError, match="cannot be read") as caught:
        FrameCache(folder).decode(paths)
    assert caught.value.path == str(paths[9])


def test_a_damaged_array_is_made_anew(tree, folder, settled):
    paths = images(tree)[:3]
    FrameCache(folder).decode(paths)
    for kept, array in zip((0, 50, 1000), folder.glob("*/arrays/*/*.npy"), strict=True):
        array.write_bytes(array.read_bytes()[:kept])
    for decoded in (0, 3):  # what it is found by is the reading
        frames = FrameCache(folder)
        assert frames.decode(paths) == decoded
        assert_arrays_are_the_files(frames, paths)


@pytest.mark.parametrize(
    "content",
    ['{"1.dcm": [', "[]", "7", "[" * 100_000, '{"1.dcm": []}', '{"1.dcm": 3}', '{"1.dcm": [1, 2, 3, 4, 5]}', "\xff"],
)
def test_a_damaged_list_costs_no_more_than_time(tree, folder, settled, content):
    paths = images(tree)[:3]
    FrameCache(folder).decode(paths)
    (damaged,) = folder.glob("*/lists/*.json")
    whole = damaged.read_text()
    damaged.write_bytes(content.encode("latin-1"))
    assert FrameCache(folder).decode(paths) == 0
    assert json.loads(damaged.read_text()) == json.loads(whole)


def test_an_array_that_cannot_be_read_is_not_missed(tree, folder):
    paths = images(tree)[:3]
    frames = FrameCache(folder)
    frames.decode(paths)
    for array in folder.glob("*/arrays/*/*.npy"):
        array.unlink()
        array.mkdir()
    assert_arrays_are_the_files(frames, paths)


def test_a_cache_that_is_removed_is_made_anew(tree, folder):
    frames = FrameCache(folder)
    frames.decode(images(tree))
    shutil.rmtree(folder)
    assert_arrays_are_the_files(frames, images(tree)[:2])
    assert frames.decode(images(tree)) == len(images(tree))


def test_a_folder_that_cannot_be_made_costs_a_warning(tree, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_LVSEG_CACHE", str(tmp_path / "file" / "cache"))
    data = SAXDataset(tree, intensity=None)
    with pytest.warns(UserWarning, match=r"file/cache: cannot be written \(Not a directory\)") as told:
        stored, _ = data.as_arrays("all")
    assert len(told) == 1
    np.testing.assert_array_equal(
        stored[..., 0], [pydicom.dcmread(frame.path).pixel_array for frame in data.labelled_frames("all")]
    )


def test_a_disk_that_fills_up_costs_a_warning(tree, folder):
    data = SAXDataset(tree, intensity=None)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # a write past this fails half-way
    try:
        with pytest.warns(UserWarning, match="cannot be written"):
            short_of_space, _ = data.as_arrays("all")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(folder.glob("*/arrays/*/*"))
    for leftover in folder.glob("*/scratch/*"):
        leftover.rename(leftover.with_name("of a process that was killed"))
    np.testing.assert_array_equal(short_of_space, data.as_arrays("all")[0])
    assert not list(folder.glob("*/scratch/*"))  # what was left of it is gone


def test_where_the_cache_lies(monkeypatch, tmp_path, tree):
    monkeypatch.setenv("KERAS_LVSEG_CACHE", "")
    assert cache_folder() is None
    SAXDataset(tree).as_arrays("all")
    monkeypatch.delenv("KERAS_LVSEG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "keras-lvseg"
    assert not cache_folder().exists()
    SAXDataset(tree).as_arrays("all")
    assert cache_folder().stat().st_mode & 0o077 == 0  # nobody else's to read
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "keras-lvseg"
