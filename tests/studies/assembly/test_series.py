from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.audit.contour_faults import contour_faults
from keras_lvseg.data.layouts import PatientFiles, index_tree
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import polygon_mask
from keras_lvseg.io import read_contour, write_contour
from keras_lvseg.io.dicom import Header, read_header
from keras_lvseg.studies.assembly import series
from keras_lvseg.studies.assembly.series import contour_fit, match_contours, select_contoured_series

KINDS = {300: "true", 301: "dark", 302: "shifted", 303: "long axis", 304: "repeated"}


class Folder:
    """The files of a phantom patient and the headers of its five series."""

    def __init__(self, files: PatientFiles):
        import pydicom

        self.files = files
        self.series: dict[str, list[Header]] = {}
        for path in files.images:
            number = pydicom.dcmread(path, specific_tags=["SeriesNumber"]).SeriesNumber
            self.series.setdefault(KINDS[int(number)], []).append(read_header(path))

    def headers(self, *kinds: str) -> list[Header]:
        return [header for kind in kinds for header in self.series[kind]]

    def chosen(self, headers: list[Header], files: PatientFiles | None = None) -> str:
        found = {header.path for header in select_contoured_series(files or self.files, headers)}
        (kind,) = [kind for kind, own in self.series.items() if found == {header.path for header in own}]
        return kind


@pytest.fixture(scope="module")
def folders(challenge_tree) -> list[Folder]:
    return [Folder(files) for files in index_tree(challenge_tree)]


def renamed(headers, series_uid="1.2.3", **changes):
    """The same frames as another series, in files of other names (which are not read where geometry decides)."""
    return [
        replace(
            h, series_instance_uid=series_uid, path=h.path.with_name(f"IM-9999-{h.instance_number:04d}.dcm"), **changes
        )
        for h in headers
    ]


def test_select_contoured_series_finds_it_among_all_decoys(folders):
    for folder in folders:
        assert set(folder.series) == set(KINDS.values())
        assert folder.chosen(folder.headers(*KINDS.values())) == "true"
        fits = {match.name: match.mean_fit for match in match_contours(folder.files, folder.headers(*KINDS.values()))}
        assert len(fits) == 5
        assert max(fits, key=fits.get).startswith(folder.series["true"][0].path.name)
        assert all(-1 <= fit <= 1 for fit in fits.values())


@pytest.mark.parametrize("decoy", ["dark", "shifted", "long axis", "repeated"])
def test_select_contoured_series_finds_it_beside_each_decoy(folders, decoy):
    for folder in folders:
        assert folder.chosen(folder.headers(decoy, "true")) == "true"


def test_split_series_shared_uid_is_split_by_file_names(folders):
    folder = folders[0]
    headers = [replace(header, series_instance_uid="1.2.3") for header in folder.headers(*KINDS.values())]
    assert folder.chosen(headers) == "true"


def test_select_contoured_series_of_one_series_returns_its_headers(folders):
    headers = folders[0].headers("long axis")
    assert select_contoured_series(folders[0].files, headers) == headers


def test_select_contoured_series_of_equal_fits_raises_with_fits(folders):
    folder = folders[0]
    twins = [replace(h, series_instance_uid="1.2.3") for h in folder.headers("true")]
    with pytest.raises(DataError, match="several series that may belong to the contours") as caught:
        select_contoured_series(folder.files, [*folder.headers("true", "shifted"), *twins])
    fit = max(match.mean_fit for match in match_contours(folder.files, folder.headers("true", "shifted")))
    assert str(caught.value).count(f"({fit:.2f})") == 2
    assert caught.value.path == str(folder.headers("true")[0].path.parent)


def test_select_contoured_series_by_few_contours_raises(folders):
    folder = folders[0]
    cavities = [c for c in folder.files.contours if c.border == "endocardium"]
    headers = folder.headers("true", "shifted")
    assert folder.chosen(headers, replace(folder.files, contours=tuple(cavities[:10]))) == "true"
    with pytest.raises(DataError, match="may belong to the contours"):
        select_contoured_series(replace(folder.files, contours=tuple(cavities[:5])), headers)


def test_select_contoured_series_without_contours_takes_only_cine_stack(folders):
    folder = folders[0]
    nothing = replace(folder.files, contours=())
    walls = replace(nothing, contours=tuple(c for c in folder.files.contours if c.border == "epicardium"))
    one_slice = renamed(folder.headers("dark"), position=(0.0, 0.0, 0.0))
    assert folder.chosen([*folder.headers("true"), *one_slice], nothing) == "true"
    for files in (nothing, walls):
        with pytest.raises(DataError, match="no endocardial contour to choose by"):
            select_contoured_series(files, folder.headers("true", "repeated"))
    with pytest.raises(DataError, match=r"none of them usable; expected a short-axis cine study, got .* is one slice"):
        select_contoured_series(nothing, [*one_slice, *renamed(one_slice, "1.2.4")])


def fewer(headers):
    return renamed(headers)[1:]


def twice(headers):
    return renamed([*headers, headers[0]])


def turned(headers):
    other = renamed(headers)
    return [replace(other[0], orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)), *other[1:]]


def one_slice(headers):
    return renamed(headers, position=headers[0].position)


def one_phase(headers):
    step = np.array([0.0, 0.0, 5.0])
    place = {"orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)}
    return [replace(h, position=tuple(i * step), **place) for i, h in enumerate(renamed(headers))]


def small(headers):
    return renamed(headers, rows=100, columns=100)


@pytest.mark.parametrize(("margin", "fits"), [(0.9, True), (1.1, False)])
def test_match_contours_outside_image_agrees_with_audit(folders, tmp_path, margin, fits):
    folder = folders[0]
    contour = folder.files.contours[0]
    points = read_contour(contour.path)
    path = tmp_path / contour.path.name
    points[:, 0] += 199 + margin - points[:, 0].max()
    write_contour(path, points)
    files = replace(folder.files, contours=(replace(contour, path=path),))
    (match,) = match_contours(files, renamed(folder.headers("true"), columns=200))
    assert match.problem == (None if fits else f"is too small for the contour of frame {contour.number}")
    image = np.zeros((match.headers[0].rows, 200))
    faults = {code for code, *_ in contour_faults(image, (1.4, 1.4), {"epicardium": read_contour(path)})}
    assert ("outside-image" in faults) is not fits


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (fewer, "lacks frame"),
        (twice, "holds InstanceNumber .* more than once"),
        (turned, "is not a stack of parallel slices"),
        (one_slice, "is one slice"),
        (one_phase, "is of one phase"),
        (small, "is too small for the contour of frame"),
    ],
)
def test_select_contoured_series_by_geometry_reads_no_pixels(folders, make, reason, monkeypatch):
    def unread(path):
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(series, "read_pixels", unread)
    folder = folders[0]
    true = folder.headers("true")
    assert folder.chosen([*make(true), *true]) == "true"
    with pytest.raises(DataError, match=f"none of them usable; expected one that fits the contours, got .* {reason}"):
        select_contoured_series(folder.files, [*make(true), *renamed(true, "1.2.4")[1:]])


def test_match_contours_names_series_by_folder(folders):
    folder = folders[0]
    there = [replace(h, path=h.path.parent / "CINESAX_301" / h.path.name) for h in renamed(folder.headers("true")[1:])]
    names = Counter(
        match.name.split("/")[0] for match in match_contours(folder.files, [*folder.headers("true"), *there])
    )
    assert names["CINESAX_301"] == 1


def cliffs_delta(inside, outside):
    return np.sign(np.subtract.outer(inside, outside)).mean()


@given(
    seed=st.integers(0, 1000),
    centre=st.tuples(st.floats(-3, 33), st.floats(-3, 27)),
    radius=st.floats(2, 11),
    spacing=st.tuples(st.floats(0.7, 2), st.floats(0.7, 2)),
)
def test_contour_fit_equals_cliffs_delta(seed, centre, radius, spacing):
    image = np.random.default_rng(seed).integers(0, 50, (24, 30))
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    points = np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)
    fit = contour_fit(image, points, spacing)
    mask = polygon_mask(points, image.shape)
    if not mask.any() or mask.all():
        assert fit == 0
        return
    # Each pixel's distance to the nearest one on the other side, all pairs compared.
    where = np.argwhere(np.ones_like(mask)) * spacing
    apart = np.linalg.norm(where[:, None] - where[None], axis=-1)
    near = np.where(mask.ravel()[:, None] != mask.ravel()[None], apart, np.inf).min(axis=1).reshape(mask.shape) <= 3
    assert fit == pytest.approx(cliffs_delta(image[mask & near], image[~mask & near]), abs=1e-9)
    assert contour_fit(7 * image + 100, points, spacing) == pytest.approx(fit, abs=1e-9)
    assert contour_fit(-image, points, spacing) == pytest.approx(-fit, abs=1e-9)


def test_contour_fit_of_real_contours_is_high(sunnybrook):
    from keras_lvseg.data import SAXDataset
    from keras_lvseg.io.dicom import read_pixels

    frames = [frame for frame in SAXDataset(sunnybrook).frames if frame.endocardium]
    fits = [contour_fit(read_pixels(f.path), read_contour(f.endocardium), f.pixel_spacing) for f in frames]
    assert len(fits) == 56
    assert min(fits) > 0.2
    assert np.mean(fits) > 0.5


def test_match_contours_names_are_relative_to_patient(folders):
    for match in match_contours(folders[0].files, folders[0].headers("true", "dark")):
        assert not Path(match.name).is_absolute()
        assert match.name.endswith(f".dcm and {len(match.headers) - 1} more")
