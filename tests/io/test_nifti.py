import gzip
import logging
import struct
from contextlib import contextmanager, suppress

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import LONG_AXIS
from keras_lvseg.io.nifti import (
    is_nifti,
    nifti_stem,
    read_nifti_header,
    read_nifti_pixels,
    write_nifti_labels,
    write_nifti_stack,
)

ROW = np.array([0.77038, 0.618446, 0.155046])  # a real short-axis image, in DICOM's coordinates
COLUMN = np.array([-0.15161, 0.41389, -0.897613])
SHAPE = (24, 20, 5, 3)  # x, y, slice, phase


def affine_of(row, column, step, spacing=(1.25, 1.5)):
    lps = np.eye(4)
    lps[:3, :3] = np.stack([row * spacing[1], column * spacing[0], step], axis=1)
    lps[:3, 3] = (10, -20, 30)
    return np.diag([-1, -1, 1, 1]) @ lps


def write(path, values, affine, code=1, units="mm"):
    image = nibabel.Nifti1Image(values, None)
    image.set_sform(affine, code)
    image.set_qform(affine, 0)
    image.header.set_xyzt_units(units)
    image.to_filename(path)
    return path


def patch(path, offset, numbers):
    """Overwrite numbers in the header of a file."""
    content = bytearray(path.read_bytes())
    content[offset : offset + 4 * len(numbers)] = np.array(numbers, "<f4").tobytes()
    path.write_bytes(content)
    return path


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)


@pytest.mark.parametrize("flipped", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("reverse", [False, True])
def test_read_short_axis_is_as_the_scanner_wrote_it(values, tmp_path, flipped, reverse):
    """Whatever axes a program flips, the image is the scanner's: dcm2niix flips y, others x, or both, or none."""
    step = 8 * np.cross(ROW, COLUMN) * (-1 if reverse else 1)
    affine = affine_of(ROW, COLUMN, step)
    stored = np.flip(values, flipped)
    for axis in flipped:
        flip = np.eye(4)
        flip[axis, axis], flip[axis, 3] = -1, SHAPE[axis] - 1
        affine = affine @ flip
    header = read_nifti_header(write(tmp_path / "sax.nii.gz", stored, affine))
    np.testing.assert_allclose(header.orientation, [*ROW, *COLUMN], atol=1e-4)
    np.testing.assert_allclose(header.positions, [(10, -20, 30) + k * step for k in range(5)], atol=1e-4)
    assert (header.rows, header.columns, header.slices, header.phases) == (20, 24, 5, 3)
    assert header.pixel_spacing == pytest.approx((1.25, 1.5), rel=1e-5)
    assert header.slice_spacing == pytest.approx(8, rel=1e-3)
    assert header.from_base == (step @ LONG_AXIS > 0)
    for slice_ in range(5):
        for phase in range(3):
            image = read_nifti_pixels(tmp_path / "sax.nii.gz", header.number(slice_, phase))
            np.testing.assert_array_equal(image, values[:, :, slice_, phase].T)


@given(seed=st.integers(0, 2**32 - 1), shear=st.floats(-0.5, 0.5))
def test_positions_are_those_of_the_affine(tmp_path_factory, seed, shear):
    """For any direction, position and pixels of the image are those that the affine gives for the voxel."""
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(rng=seed).as_matrix()
    affine = affine_of(rotation[0], rotation[1], 8 * rotation[2] + shear * rotation[0])
    stored = rng.integers(0, 1000, SHAPE).astype(np.int16)
    path = write(tmp_path_factory.mktemp("any") / "any.nii", stored, affine)
    header = read_nifti_header(path)
    row, column = rng.integers(header.rows), rng.integers(header.columns)
    slice_, phase = rng.integers(5), rng.integers(3)
    along_row, along_column = np.reshape(header.orientation, (2, 3))
    place = header.positions[slice_] + column * header.pixel_spacing[1] * along_row
    place = np.diag([-1, -1, 1]) @ (place + row * header.pixel_spacing[0] * along_column)
    voxel = np.rint(np.linalg.inv(affine) @ [*place, 1])[:3].astype(int)
    assert read_nifti_pixels(path, header.number(slice_, phase))[row, column] == stored[(*voxel, phase)]


@given(seed=st.integers(0, 2**32 - 1), dimensions=st.integers(2, 4))
def test_labels_are_stored_in_the_order_of_the_file(tmp_path_factory, seed, dimensions):
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("labels")
    rotation = Rotation.random(rng=seed).as_matrix()
    stored = rng.integers(1, 3, SHAPE[:dimensions]).astype(np.uint8)
    like = write(folder / "image.nii", stored, affine_of(rotation[0], rotation[1], 8 * rotation[2]))
    header = read_nifti_header(like)
    numbers = range(1, header.slices * header.phases + 1)
    labels = {number: read_nifti_pixels(like, number) for number in numbers}
    write_nifti_labels(folder / "labels.nii.gz", labels, like=like)
    written = nibabel.load(folder / "labels.nii.gz")
    np.testing.assert_array_equal(written.get_fdata(), stored)
    np.testing.assert_allclose(written.affine, nibabel.load(like).affine)
    assert written.get_data_dtype() == np.uint8
    del labels[1]
    write_nifti_labels(folder / "fewer.nii.gz", labels, like=like)
    assert not read_nifti_pixels(folder / "fewer.nii.gz", 1).any()


def test_read_applies_slope_and_leaves_out_what_is_no_number(tmp_path):
    values = np.arange(24 * 20, dtype=np.int16).reshape(24, 20)
    path = write(tmp_path / "scaled.nii", values, affine_of(ROW, COLUMN, np.cross(ROW, COLUMN)))
    patch(path, 112, [2.5, -3.0])  # scl_slope and scl_inter
    np.testing.assert_allclose(read_nifti_pixels(path, 1), values.T * 2.5 - 3)
    floats = values.astype(np.float32)
    floats[3, 4] = np.nan
    path = write(tmp_path / "nan.nii", floats, affine_of(ROW, COLUMN, np.cross(ROW, COLUMN)))
    assert read_nifti_pixels(path, 1)[4, 3] == 0


def test_read_without_affine_turns_nothing(tmp_path):
    values = np.arange(24 * 20 * 3, dtype=np.int16).reshape(24, 20, 3)
    path = patch(write(tmp_path / "plain.nii", values, np.eye(4), code=0), 80, [1.5, 1.25, 8])  # pixdim
    header = read_nifti_header(path)
    assert (header.pixel_spacing, header.slice_spacing, header.from_base) == ((1.25, 1.5), 8, True)
    np.testing.assert_array_equal(read_nifti_pixels(path, 2), values[:, :, 1].T)


def test_read_of_metres_is_in_mm(tmp_path):
    affine = affine_of(ROW, COLUMN, 8 * np.cross(ROW, COLUMN))
    values = np.zeros((24, 20, 3), np.uint8)
    in_metres = np.diag([0.001, 0.001, 0.001, 1]) @ affine
    header = read_nifti_header(write(tmp_path / "m.nii", values, in_metres, units="meter"))
    same = read_nifti_header(write(tmp_path / "mm.nii", values, affine))
    np.testing.assert_allclose(header.pixel_spacing, same.pixel_spacing, rtol=1e-5)
    np.testing.assert_allclose(header.positions, same.positions, rtol=1e-4)


@contextmanager
def bare_loggers():
    """Take the handlers of pytest and nibabel away: a logger without a handler prints its warnings."""
    with pytest.MonkeyPatch.context() as patch:
        for logger in (logging.root, nibabel.imageglobals.logger):
            patch.setattr(logger, "handlers", [])
        yield


def test_header_that_nibabel_mends_is_read_without_output(values, tmp_path, capfd):
    path = write(tmp_path / "sax.nii", values, affine_of(ROW, COLUMN, np.cross(ROW, COLUMN)))
    header = bytearray(path.read_bytes())
    header[80:84] = struct.pack("<f", -1.5)  # pixdim[1]
    path.write_bytes(header)
    with bare_loggers():
        nibabel.load(path)
        assert "pixdim[1,2,3] should be positive" in capfd.readouterr().err
        assert read_nifti_pixels(path, 1).shape == (20, 24)
        assert capfd.readouterr() == ("", "")
        nibabel.load(path)
        assert "pixdim[1,2,3] should be positive" in capfd.readouterr().err  # as before


def test_damaged_files_raise_data_error_without_output(values, tmp_path, capfd):
    path = write(tmp_path / "sax.nii.gz", values, affine_of(ROW, COLUMN, np.cross(ROW, COLUMN)))
    whole, content = path.read_bytes(), gzip.decompress(path.read_bytes())
    rng = np.random.default_rng(0)
    changed = whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 4]) + whole[len(whole) // 2 + 1 :]
    for damaged in (changed, *(whole[:end] for end in (0, 10, 200, len(whole) // 2, len(whole) - 1))):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="is damaged"):
            read_nifti_pixels(path, 1)
    plain = tmp_path / "sax.nii"
    for at in rng.integers(0, 352, 200):  # in the header
        damaged = bytearray(content)
        damaged[at] = rng.integers(256)
        plain.write_bytes(damaged)
        with suppress(DataError), bare_loggers():
            assert read_nifti_pixels(plain, 1).ndim == 2
    with pytest.raises(DataError, match="cannot be read"):
        read_nifti_header(tmp_path / "absent.nii")
    assert capfd.readouterr() == ("", "")


def test_files_of_other_kinds_raise(tmp_path):
    affine = np.eye(4)
    colours = np.zeros((9, 9, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(DataError, match="is a colour image"):
        read_nifti_header(write(tmp_path / "rgb.nii", colours, affine))
    flat = patch(write(tmp_path / "flat.nii", np.zeros((9, 9, 3), np.uint8), affine), 280, [0] * 12)  # srow
    with pytest.raises(DataError, match="has an invalid affine"):
        read_nifti_header(flat)
    with pytest.raises(DataError, match=r"has an invalid size; .* got 9 x 9 x 1001"):
        read_nifti_header(write(tmp_path / "many.nii", np.zeros((9, 9, 1001), np.uint8), affine))
    path = write(tmp_path / "one.nii", np.zeros((9, 9, 3), np.uint8), affine)
    with pytest.raises(DataError, match="has no image 4; expected 1 to 3"):
        read_nifti_pixels(path, 4)


def test_changed_file_is_read_again(tmp_path):
    affine = affine_of(ROW, COLUMN, np.cross(ROW, COLUMN))
    path = tmp_path / "a.nii.gz"
    write_nifti_stack(path, np.zeros((9, 9, 2), np.uint8), affine)
    assert not read_nifti_pixels(path, 1).any()
    write_nifti_stack(path, np.ones((9, 9, 2), np.uint8), affine)
    assert read_nifti_pixels(path, 1).all()


def test_same_labels_give_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_nifti_stack(tmp_path / f"{name}.nii.gz", np.ones((9, 9, 2), np.uint8), np.eye(4))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz"]
    with pytest.raises(ValueError, match=r"a name that ends in \.nii or \.nii\.gz"):
        write_nifti_stack(tmp_path / "c.gz", np.ones((9, 9, 2), np.uint8), np.eye(4))


def test_names(tmp_path):
    assert [is_nifti(tmp_path / name) for name in ("a.nii", "A.NII.GZ", "a.gz", "a.nii.txt")] == [
        True,
        True,
        False,
        False,
    ]
    assert nifti_stem(tmp_path / "A.v1.NII.GZ") == "A.v1"
