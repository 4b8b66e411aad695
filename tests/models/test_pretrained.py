import hashlib
import inspect
import io
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from keras_lvseg import SparseDiceCE
from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError
from keras_lvseg.inference.predict import predict_masks
from keras_lvseg.models import pretrained, unet
from keras_lvseg.models.pretrained import WEIGHTS, load_pretrained, pretrained_info, pretrained_names, write_pretrained
from tests.harness import BACKEND, arrays_of, outputs_of
from tests.models.reference import unet_logits

TINY = {"filters": 2, "depth": 1}


def parts(**architecture):
    return {"architecture": architecture, "data": {"intensity": "zscore"}, "inference": {}, "training": {"images": 260}}


def values_of(model):
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def disturbed(**architecture):
    """A network none of whose weights is at its start: 0, 1, or what fits float16."""
    model = unet(**architecture)
    for weight, noise in zip(model.weights, arrays_of([weight.shape for weight in model.weights]), strict=True):
        weight.assign(np.abs(noise) if "variance" in weight.path else noise)
    return model


def write_archive(folder, arrays):
    """An archive with a JSON whose SHA-256 fits, whatever is in it."""
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    write_signed(folder, archive.getvalue())


def write_signed(folder, data):
    folder.mkdir(exist_ok=True)
    (folder / "tiny.npz").write_bytes(data)
    info = {**parts(**TINY), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "tiny.json").write_text(json.dumps(info))


def refusal(folder, model=None):
    """The line that refuses the weights; the network keeps its own."""
    model = model or unet(**TINY)
    before = values_of(model)
    with pytest.raises(DataError) as caught:
        load_pretrained(model, "tiny", folder)
    after = values_of(model)
    assert all((after[path] == before[path]).all() for path in before)
    assert Path(caught.value.path).parent == folder
    assert len(str(caught.value).splitlines()) == 1
    return f"{Path(caught.value.path).name} {caught.value.reason}"


# What the package ships ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sax_lv():
    return unet(weights="sax-lv")


def test_every_backend_gives_the_logits_of_plain_numpy(sax_lv):
    """Each within half of 1e-4 of one reference: any two within 1e-4 of each other."""
    image = gaussian_filter(np.random.default_rng(0).normal(size=(93, 110)), 3)
    image = ((image - image.mean()) / image.std()).astype("float32")[..., None]
    with np.load(WEIGHTS / "sax-lv.npz", allow_pickle=False) as weights:
        expected = unet_logits(weights, image, pretrained_info("sax-lv")["architecture"]["depth"])
    logits = outputs_of(sax_lv, image[None])[0]
    assert np.ptp(expected[..., 1] - expected[..., 0]) > 1e-2  # so that there is something to agree on
    np.testing.assert_allclose(logits, expected, rtol=0, atol=5e-5)


def test_the_files_are_small():
    for name in pretrained_names():
        assert (WEIGHTS / f"{name}.npz").stat().st_size <= 5_000_000
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 7_000_000  # the wheel is to stay under 8 MB


def test_what_travels_with_them_is_what_others_take():
    info = pretrained_info("sax-lv")
    assert {*info["architecture"]} == {*inspect.signature(unet).parameters} - {"weights", "name"}
    assert {*info["data"]} == {"target", "image_size", "pixel_spacing", "intensity", "contour_origin"}
    inspect.signature(SAXDataset).bind_partial(**info["data"])
    Preprocessing(tuple(info["data"]["image_size"]), info["data"]["pixel_spacing"], intensity=info["data"]["intensity"])
    assert info["data"]["target"] == "endocardium"
    assert -1 <= info["data"]["contour_origin"] <= 0
    inspect.signature(predict_masks).bind_partial(**info["inference"])
    assert info["keras_lvseg"][0].isdigit()
    assert info["training"]


def test_they_train_on():
    model = unet(weights="sax-lv")
    (images,) = arrays_of([(2, 32, 32, 1)])
    before = values_of(model)
    model.compile("adam", loss=SparseDiceCE(), run_eagerly=BACKEND != "jax")  # or the compiler takes seconds
    model.fit(images, images > 0.5, verbose=0)
    after = values_of(model)
    assert all(np.isfinite(array).all() for array in after.values())
    for path in ("down_0/conv_1/kernel", "bottom/norm_1/moving_mean", "logits/kernel"):
        assert (after[path] != before[path]).any()


def test_images_may_have_a_size_that_is_known(sax_lv):
    sized = unet((32, 48, 1), num_classes=2, filters=16, depth=4, weights="sax-lv")
    assert sized.output_shape == (None, 32, 48, 2)
    (image,) = arrays_of([(1, 32, 48, 1)])
    np.testing.assert_allclose(outputs_of(sized, image), outputs_of(sax_lv, image), atol=1e-5)


@pytest.mark.parametrize(
    ("argument", "value", "due"),
    [
        ("input_shape", (None, None, 3), "[None, None, 1]"),
        ("num_classes", 3, "2"),
        ("filters", 32, "16"),
        ("depth", 3, "4"),
        ("normalization", "none", "'batch'"),
        ("dropout", 0.1, "0.0"),
        ("residual", True, "False"),
    ],
)
def test_arguments_that_contradict_a_name_raise(argument, value, due):
    with pytest.raises(ValueError, match="Received") as caught:
        unet(**{argument: value}, weights="sax-lv")
    shown = list(value) if argument == "input_shape" else value
    assert str(caught.value) == (
        f"Invalid value for argument `{argument}`. Expected {due}, as in the weights 'sax-lv'. "
        f"Received: {argument}={shown!r}"
    )


def test_a_name_is_no_path(tmp_path, monkeypatch, sax_lv):
    monkeypatch.chdir(tmp_path)
    Path("sax-lv").write_text("a file of that name")
    model = unet(weights="sax-lv")
    assert all((a == b).all() for a, b in zip(model.get_weights(), sax_lv.get_weights(), strict=True))
    Path("sax-lv").unlink()
    with pytest.raises(ValueError, match=r"\(sax-lv\).*Received: weights='sax-lv'"):
        unet(weights=Path("sax-lv"))


# Any that are written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{}, {"normalization": "none", "residual": True}, {"normalization": "group", "num_classes": 3}]
)
def test_what_is_written_is_read(more, tmp_path):
    architecture = {**TINY, **more}
    model = disturbed(**architecture)
    info = parts(**architecture)
    write_pretrained(model, tmp_path / "new", "tiny", info)
    again = unet(**architecture)
    load_pretrained(again, "tiny", tmp_path / "new")
    written, read = values_of(model), values_of(again)
    for path, array in written.items():
        assert (read[path] == array.astype(np.float16)).all()
    assert {weight.dtype for weight in again.weights} == {"float32"}
    found = pretrained_info("tiny", tmp_path / "new")
    assert {key: found[key] for key in info} == info
    assert pretrained_names(tmp_path / "new") == ("tiny",)
    write_pretrained(model, tmp_path, "tiny", info)
    assert (tmp_path / "tiny.npz").read_bytes() == (tmp_path / "new" / "tiny.npz").read_bytes()


@pytest.mark.parametrize("value", [1e6, -1e6, np.nan, np.inf])
def test_a_weight_that_float16_cannot_hold_is_not_written(value, tmp_path):
    model = unet(**TINY)
    model.get_layer("logits").weights[1].assign([0.0, value])
    with pytest.raises(ValueError, match=r"finite in float16. Received: logits/bias"):
        write_pretrained(model, tmp_path, "tiny", parts(**TINY))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (parts(filters=3, depth=1), r"architecture.*Received: .*'filters': 3"),
        ({"architecture": TINY, "data": {}}, "needs the parts .*Received: architecture, data"),
        ({**parts(**TINY), "sha256": "0"}, "needs the parts"),
    ],
)
def test_ill_information_is_not_written(info, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_pretrained(unet(**TINY), tmp_path, "tiny", info)
    assert not any(tmp_path.iterdir())


def test_weights_that_are_too_large_are_neither_written_nor_read(tmp_path, monkeypatch):
    model = unet(**TINY)
    write_pretrained(model, tmp_path, "tiny", parts(**TINY))
    monkeypatch.setattr(pretrained, "_LARGEST", 2000)
    with pytest.raises(ValueError, match="2,000 bytes at most"):
        write_pretrained(model, tmp_path / "new", "tiny", parts(**TINY))
    assert not (tmp_path / "new").exists()
    assert "tiny.npz is too large" in refusal(tmp_path)


# Files that are not as they were -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    write_pretrained(disturbed(**TINY), folder, "tiny", parts(**TINY))
    return (folder / "tiny.npz").read_bytes(), (folder / "tiny.json").read_bytes()


@pytest.mark.parametrize("harm", [lambda x: x[:-1], lambda x: b"", lambda x: x[:500] + b"?" + x[501:], lambda x: x + x])
def test_a_changed_archive_is_refused(harm, sound, tmp_path):
    (tmp_path / "tiny.npz").write_bytes(harm(sound[0]))
    (tmp_path / "tiny.json").write_bytes(sound[1])
    assert refusal(tmp_path) == ("tiny.npz is damaged: tiny.json gives another SHA-256; install keras-lvseg again")


@pytest.mark.parametrize("missing", ["tiny.npz", "tiny.json"])
def test_a_missing_file_is_named(missing, sound, tmp_path):
    for name, data in zip(("tiny.npz", "tiny.json"), sound, strict=True):
        if name != missing:
            (tmp_path / name).write_bytes(data)
    assert refusal(tmp_path).startswith(f"{missing} cannot be read")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\xff", "[" * 100_000, '{"sha256": 3}'])
def test_a_damaged_json_is_refused(text, sound, tmp_path):
    (tmp_path / "tiny.npz").write_bytes(sound[0])
    (tmp_path / "tiny.json").write_text(text, encoding="latin-1")
    assert refusal(tmp_path).startswith("tiny.json is damaged: it ")


@pytest.mark.parametrize("part", ["architecture", "data", "inference", "training", "sha256"])
def test_a_json_that_lacks_a_part_is_refused(part, sound, tmp_path):
    info = json.loads(sound[1])
    for without in ({**info, part: 3}, {key: value for key, value in info.items() if key != part}):
        (tmp_path / "tiny.json").write_text(json.dumps(without))
        with pytest.raises(DataError, match=rf"tiny.json: is damaged: it has to hold .*{part}"):
            pretrained_info("tiny", tmp_path)


def test_arrays_that_do_not_fit_are_refused(sound, tmp_path):
    with np.load(io.BytesIO(sound[0])) as archive:
        arrays = dict(archive)
    bias = arrays["logits/bias"]
    for changed, told in [
        ({**arrays, "logits/bias": bias[:1]}, "logits/bias is float16 (1,); float16 (2,) is due"),
        ({**arrays, "logits/bias": bias.astype("float32")}, "logits/bias is float32 (2,); float16 (2,) is due"),
        ({**arrays, "more": bias}, "more is float16 (2,); nothing is due"),
        ({key: array for key, array in arrays.items() if key != "logits/bias"}, "logits/bias is nothing; float16 (2,)"),
    ]:
        write_archive(tmp_path, changed)
        assert f"tiny.npz does not fit the network: {told}" in refusal(tmp_path)
    write_archive(tmp_path, arrays)
    assert "does not fit the network" in refusal(tmp_path, unet(filters=3, depth=1))


class Harm:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("harm"),)


def test_no_pickle_is_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = {path: array.astype(np.float16) for path, array in values_of(unet(**TINY)).items()}
    write_archive(tmp_path, {**arrays, "logits/bias": np.array([Harm(), Harm()])})
    with np.load("tiny.npz", allow_pickle=True) as archive:
        archive["logits/bias"]
    Path("harm").unlink()  # so it would have run
    assert "tiny.npz is no archive of plain arrays (Object arrays cannot be loaded" in refusal(tmp_path)
    assert not Path("harm").exists()


@given(st.data())
@settings(max_examples=40)
def test_damage_that_is_signed_is_loaded_whole_or_refused(sound, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "signed"
    damaged = bytearray(sound[0])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    write_signed(folder, bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    model = unet(**TINY)
    try:
        load_pretrained(model, "tiny", folder)
    except DataError:
        refusal(folder, model)
    else:
        with np.load(io.BytesIO(sound[0])) as arrays:
            assert all((array == arrays[path]).all() for path, array in values_of(model).items())
