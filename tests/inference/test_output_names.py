from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.inference.output_names import SUMMARY_FILES, contour_names, image_names, safe_name, study_folders
from tests.inference.planted import frame

NAMES = st.sampled_from(["1.dcm", "1.png", "1", "A.dcm", "a.dcm", "a", "a.DCM", "1.dcm.png", "1.2.3", "n" * 250])
IMAGES = st.lists(st.tuples(st.sampled_from(["x", "x/y", "z/y", "."]), NAMES), min_size=1, max_size=8, unique=True)
TEXTS = st.text(st.characters(), max_size=300)


@given(IMAGES)
def test_image_names_are_unique_and_inside_folder(images):
    names = image_names([frame(Path("root", *image)) for image in images], placed=False)
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not name.startswith(("/", ".."))
        assert "/../" not in name
        assert all(len(part.encode()) <= 160 for part in name.split("/"))


@given(IMAGES)
def test_image_names_are_file_names_if_unique(images):
    paths = [Path(*image) for image in images]
    names = [path.name for path in paths]
    stems = [name.rpartition(".")[0] if name.lower().endswith((".dcm", ".png")) else name for name in names]
    named = image_names([frame(path) for path in paths], placed=False)
    for own in (stems, names):
        if len({name.casefold() for name in own}) == len(own):
            assert named == [safe_name(name) for name in own]
            return


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40)), min_size=1, max_size=9, unique=True))
def test_image_names_of_one_file_are_slice_and_phase(places):
    frames = [frame(Path("a.nii.gz"), slice=s, phase=p, record=i) for i, (s, p) in enumerate(places, 1)]
    assert image_names(frames, placed=True) == [f"slice{s:02d}_phase{p:02d}" for s, p in places]
    numbered = [f"a_frame{number:04d}" for number in range(1, len(places) + 1)]
    assert image_names(frames, placed=False) == numbered


@given(IMAGES, st.booleans())
def test_image_names_anonymous_have_nothing_of_the_file(images, placed):
    frames = [frame(Path(*image), slice=number) for number, image in enumerate(images)]
    names = image_names(frames, placed=placed, anonymous=True)
    pattern = "slice{:02d}_phase00" if placed else "image{:04d}"
    assert names == [pattern.format(number + (not placed)) for number in range(len(images))]


@given(st.lists(st.integers(-2, 12_000), min_size=1, max_size=6))
def test_contour_names_use_unique_instance_numbers(numbers):
    frames = [frame(Path(f"f{i}.dcm"), instance_number=number) for i, number in enumerate(numbers)]
    names = contour_names(frames, [f"f{i}" for i in range(len(numbers))])
    assert len(set(names)) == len(names)
    if len(set(numbers)) == len(numbers) and min(numbers) > 0:
        assert names == [f"IM-0001-{number:04}" for number in numbers]
    else:
        assert names == [f"f{i}" for i in range(len(numbers))]


@given(st.lists(TEXTS, max_size=6))
def test_study_folders_are_unique_single_components(names):
    folders = study_folders(names)
    assert len({folder.casefold() for folder in folders} | set(SUMMARY_FILES)) == len(names) + 3
    for folder in folders:
        assert folder.isprintable()
        assert Path(folder).parts == (folder,)
        assert not folder.startswith(".")
        assert 0 < len(folder.encode()) <= 160


@given(TEXTS)
def test_safe_name_keeps_what_is_safe(text):
    assert safe_name(safe_name(text)) == safe_name(text)
    plain = "".join(c for c in text if c.isascii() and c.isalnum())
    assert safe_name(plain[:100]) == (plain[:100] or "study")
