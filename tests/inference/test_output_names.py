from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.inference.output_names import contour_names, image_names
from keras_lvseg.studies.study import Study
from tests.inference.planted import frame

NAMES = st.sampled_from(["1.dcm", "1.png", "1", "A.dcm", "a.dcm", "a", "a.DCM", "1.dcm.png", "1.2.3"])
IMAGES = st.lists(st.tuples(st.sampled_from(["x", "x/y", "z/y", "."]), NAMES), min_size=1, max_size=8, unique=True)


@given(IMAGES)
def test_image_names_are_unique_and_inside_folder(images):
    paths = [Path("root", *image) for image in images]
    # Files that only the case of a letter tells apart lie on a file system on which that is enough.
    assert len(set(image_names(paths))) == len(paths)
    assert not any(name.startswith(("/", "..")) or "/../" in name for name in image_names(paths))


@given(IMAGES)
def test_image_names_are_file_names_if_unique(images):
    paths = [Path(*image) for image in images]
    names = [path.name for path in paths]
    stems = [name.rpartition(".")[0] if name.lower().endswith((".dcm", ".png")) else name for name in names]
    for own in (stems, names):
        if len({name.casefold() for name in own}) == len(own):
            assert image_names(paths) == own
            return
    for name, path in zip(image_names(paths), paths, strict=True):
        assert f"/{path.as_posix()}".endswith((f"/{name}", f"/{name}{path.suffix}"))


@given(st.lists(st.integers(-2, 12_000), min_size=1, max_size=6))
def test_contour_names_use_unique_instance_numbers(numbers):
    frames = tuple(frame(Path(f"f{i}.dcm"), instance_number=number) for i, number in enumerate(numbers))
    names = contour_names(Study("heart", frames))
    assert len(set(names)) == len(names)
    if len(set(numbers)) == len(numbers) and min(numbers) > 0:
        assert names == [f"heart/IM-0001-{number:04}-icontour-auto.txt" for number in numbers]
    else:
        assert names == [f"heart/f{i}-icontour-auto.txt" for i in range(len(numbers))]
