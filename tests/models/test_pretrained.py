import copy
import hashlib
import inspect
import io
import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from keras_lvseg import SparseDiceCE
from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError
from keras_lvseg.files import write_json
from keras_lvseg.inference.predict import predict_masks
from keras_lvseg.models import pretrained, unet
from keras_lvseg.models.build import _largest_kernel, build_network, load_network
from keras_lvseg.models.pretrained import (
    CERTAINTY,
    WEIGHTS,
    PretrainedInfo,
    load_pretrained,
    pretrained_info,
    pretrained_names,
    write_pretrained,
)
from tests.harness import BACKEND, arrays_of, outputs_of
from tests.models.reference import unet_logits

SHAPE = [None, None, 1]
UNET = {"input_shape": SHAPE, "num_classes": 2, "filters": 2, "depth": 1, "normalization": "batch"}
UNET |= {"dropout": 0.0, "residual": False}
DATA = {"target": "endocardium", "image_size": [32, 32], "pixel_spacing": 1.5, "intensity": "zscore"}
DATA |= {"contour_origin": -0.75}
INFERENCE = {"flip_tta": True, "postprocess": False}


def described(network="unet", architecture=UNET, **data):
    return PretrainedInfo(network, architecture, {**DATA, **data}, INFERENCE, {"images": 260})


def values_of(model):
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def disturbed(network="unet", **architecture):
    """Return a network in which no weight has its initial value."""
    model = build_network(network, architecture)
    for weight, noise in zip(model.weights, arrays_of([weight.shape for weight in model.weights]), strict=True):
        weight.assign(np.abs(noise) if "variance" in weight.path else noise)
    return model


def write_arrays(folder, arrays):
    """Write an archive and a JSON file with its SHA-256, whatever the archive holds."""
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    return write_signed(folder, archive.getvalue())


def write_signed(folder, data):
    folder.mkdir(exist_ok=True)
    (folder / "tiny.npz").write_bytes(data)
    write_json(folder / "tiny.json", asdict(replace(described(), sha256=hashlib.sha256(data).hexdigest())))
    return folder / "tiny.json"


def loading_error(path, model=None):
    """Return the one line of the error. The network keeps its weights."""
    model = model or unet(**UNET)
    before = values_of(model)
    with pytest.raises(DataError) as caught:
        load_pretrained(model, path)
    after = values_of(model)
    assert all((after[key] == before[key]).all() for key in before)
    assert Path(caught.value.path).parent == path.parent
    assert len(str(caught.value).splitlines()) == 1
    return f"{Path(caught.value.path).name} {caught.value.reason}"


# Bundled weights ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sax_lv():
    return unet(weights="sax-lv")


def test_bundled_unet_gives_the_logits_of_plain_numpy(sax_lv):
    """Each within half of 1e-4 of one reference: any two within 1e-4 of each other."""
    image = gaussian_filter(np.random.default_rng(0).normal(size=(93, 110)), 3)
    image = ((image - image.mean()) / image.std()).astype("float32")[..., None]
    with np.load(WEIGHTS / "sax-lv.npz", allow_pickle=False) as weights:
        expected = unet_logits(weights, image, pretrained_info("sax-lv").architecture["depth"])
    logits = outputs_of(sax_lv, image[None])[0]
    assert np.ptp(expected[..., 1] - expected[..., 0]) > 1e-2  # so that there is something to agree on
    np.testing.assert_allclose(logits, expected, rtol=0, atol=5e-5)


def test_bundled_files_are_small():
    for name in pretrained_names():
        assert (WEIGHTS / f"{name}.npz").stat().st_size <= 5_000_000
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 7_000_000  # the wheel is to stay under 8 MB


def test_pretrained_info_parts_are_keyword_arguments():
    info = pretrained_info("sax-lv")
    assert {*info.architecture} == {*inspect.signature(unet).parameters} - {"weights", "name"}
    assert {*info.data} == {"target", "image_size", "pixel_spacing", "intensity", "contour_origin"}
    inspect.signature(SAXDataset).bind_partial(**info.data)
    Preprocessing(tuple(info.data["image_size"]), info.data["pixel_spacing"], intensity=info.data["intensity"])
    assert info.data["target"] == "myocardium"
    assert -1 <= info.data["contour_origin"] <= 0
    inspect.signature(predict_masks).bind_partial(**info.inference)
    assert info.keras_lvseg[0].isdigit()
    assert info.training


def test_bundled_unet_can_be_trained():
    model = unet(weights="sax-lv")
    (images,) = arrays_of([(2, 32, 32, 1)])
    before = values_of(model)
    model.compile("adam", loss=SparseDiceCE(), run_eagerly=BACKEND != "jax")  # or the compiler takes seconds
    model.fit(images, images > 0.5, verbose=0)
    after = values_of(model)
    assert all(np.isfinite(array).all() for array in after.values())
    for path in ("down_0/conv_1/kernel", "bottom/norm_1/moving_mean", "logits/kernel"):
        assert (after[path] != before[path]).any()


def test_bundled_unet_fixed_image_size_gives_the_same_logits(sax_lv):
    sized = unet((32, 48, 1), num_classes=3, filters=16, depth=4, weights="sax-lv")
    assert sized.output_shape == (None, 32, 48, 3)
    (image,) = arrays_of([(1, 32, 48, 1)])
    np.testing.assert_allclose(outputs_of(sized, image), outputs_of(sax_lv, image), atol=1e-5)


@pytest.mark.parametrize(
    ("argument", "value", "due"),
    [
        ("input_shape", (None, None, 3), "[None, None, 1]"),
        ("num_classes", 2, "3"),
        ("filters", 32, "16"),
        ("depth", 3, "4"),
        ("normalization", "none", "'batch'"),
        ("dropout", 0.1, "0.0"),
        ("residual", True, "False"),
    ],
)
def test_bundled_unet_contradicting_argument_raises(argument, value, due):
    with pytest.raises(ValueError, match="Received") as caught:
        unet(**{argument: value}, weights="sax-lv")
    shown = list(value) if argument == "input_shape" else value
    assert str(caught.value) == (
        f"Invalid value for argument `{argument}`. Expected {due}, as in the weights 'sax-lv'. "
        f"Received: {argument}={shown!r}"
    )


def test_bundled_unet_name_wins_over_a_file_of_that_name(tmp_path, monkeypatch, sax_lv):
    monkeypatch.chdir(tmp_path)
    Path("sax-lv").write_text("a file of that name")
    model = unet(weights="sax-lv")
    assert all((a == b).all() for a, b in zip(model.get_weights(), sax_lv.get_weights(), strict=True))
    Path("sax-lv").unlink()
    with pytest.raises(ValueError, match=r"\(sax-lv\).*Received: weights='sax-lv'"):
        unet(weights=Path("sax-lv"))


# Writing and reading -------------------------------------------------------------------------------------------------

NETWORKS = {
    "unet": UNET,
    "residual unet": {**UNET, "normalization": "none", "residual": True},
    "myocardium unet": {**UNET, "normalization": "group", "num_classes": 3},
    "fcn": {"input_shape": [32, 32, 1], "num_classes": 2, "filters": [2, 3, 4, 5]},
    "fully_connected": {"input_shape": [32, 32, 1], "num_classes": 2, "hidden_units": 3},
}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_write_pretrained_is_read_back_by_load_pretrained(name, dtype, tmp_path):
    network, architecture = name.split()[-1], NETWORKS[name]
    model = disturbed(network, **architecture)
    info = described(network, architecture, target="myocardium" if "myocardium" in name else "endocardium")
    path = tmp_path / "new" / "tiny.json"
    write_pretrained(path, model, info, dtype=dtype)
    again = build_network(network, architecture)
    load_pretrained(again, path)
    written, read = values_of(model), values_of(again)
    for key, array in written.items():
        assert (read[key] == array.astype(dtype)).all()
    assert {weight.dtype for weight in again.weights} == {"float32"}
    found = pretrained_info(path)
    assert replace(found, sha256="") == info
    assert found.sha256 == hashlib.sha256((tmp_path / "new" / "tiny.npz").read_bytes()).hexdigest()
    write_pretrained(tmp_path / "tiny.json", model, info, dtype=dtype)
    assert (tmp_path / "tiny.npz").read_bytes() == (tmp_path / "new" / "tiny.npz").read_bytes()


def test_load_pretrained_within_name_scope_assigns_the_same_weights(sax_lv):
    with keras.name_scope("outer"), keras.name_scope("inner"):
        scoped = unet(weights="sax-lv")
    assert scoped.weights[0].path == "outer/inner/down_0/conv_1/kernel"
    assert all((a == b).all() for a, b in zip(scoped.get_weights(), sax_lv.get_weights(), strict=True))


def test_write_pretrained_within_name_scope_writes_the_same_file(tmp_path):
    with keras.name_scope("outer"):
        scoped = disturbed(**UNET)
    for name, model in (("scoped", scoped), ("plain", disturbed(**UNET))):
        write_pretrained(tmp_path / f"{name}.json", model, described())
    assert (tmp_path / "scoped.npz").read_bytes() == (tmp_path / "plain.npz").read_bytes()


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("float16", 1e6), ("float16", -1e6), *[(dtype, x) for dtype in ("float16", "float32") for x in (np.nan, np.inf)]],
)
def test_write_pretrained_weight_not_finite_raises_and_writes_nothing(dtype, value, tmp_path):
    model = unet(**UNET)
    model.get_layer("logits").weights[1].assign([0.0, value])
    with pytest.raises(ValueError, match=f"finite in {dtype}. Received: model='logits/bias'"):
        write_pretrained(tmp_path / "tiny.json", model, described(), dtype=dtype)
    assert not any(tmp_path.iterdir())


# Values that break their rule ----------------------------------------------------------------------------------------

INVALID = {
    "network": [("network",), ["vnet", None, 3, [], {}]],
    "architecture": [("architecture",), [None, 3, [], {}, {"filters": 2}, {**UNET, "weights": "/etc/passwd"}]],
    "data": [("data",), [None, [], {}, {**DATA, "path": "x"}]],
    "inference": [("inference",), [None, [], {}, {"flip_tta": 1, "postprocess": True}, {**INFERENCE, "x": True}]],
    "training": [("training",), [None, 3, []]],
    "certainty": [
        ("certainty",),
        [None, [], {}, {"end": 0.9}, {**CERTAINTY, "x": 1}, {**CERTAINTY, "end": "1"}, {**CERTAINTY, "flag": 1.1}],
    ],
    "keras_lvseg": [("keras_lvseg",), [None, 3]],
    "sha256": [("sha256",), [None, 3, []]],
    "target": [("data", "target"), ["ventricle", None, []]],
    "image_size": [
        ("data", "image_size"),
        [5, 2.5, None, "xy", {}, [5], [0, 5], [-1, 5], [5, 5, 5], [200000, 200000], [5.5, 5], [True, 5], [None, 5]],
    ],
    "pixel_spacing": [("data", "pixel_spacing"), [0, -1, 1e-9, 1e9, float("nan"), float("inf"), "1", True, [1.5, 1.5]]],
    "intensity": [("data", "intensity"), ["log", 3, ["zscore"]]],
    "contour_origin": [("data", "contour_origin"), [None, float("nan"), float("inf"), 10**400, "0", True, [0]]],
    "input_shape": [("architecture", "input_shape"), [None, 3, [None, None, 3], [32, 32, 1], [10**9, 10**9, 1]]],
    "num_classes": [("architecture", "num_classes"), [None, 1, 3, 10**9, "2"]],
    "depth": [("architecture", "depth"), [None, 0, -1, 9, 10**9, 1.5, "1", True]],
}


@pytest.mark.parametrize("name", INVALID)
def test_pretrained_info_invalid_value_is_one_line_with_file_and_name(name, tmp_path):
    (*parents, last), values = INVALID[name]
    for value in values:
        content = copy.deepcopy(asdict(described()))
        place = content
        for key in parents:
            place = place[key]
        place[last] = value
        (tmp_path / "tiny.json").write_text(json.dumps(content))
        with pytest.raises(DataError) as caught:
            pretrained_info(tmp_path / "tiny.json")
        assert str(caught.value).startswith(f"{tmp_path / 'tiny.json'}: does not describe a network (")
        assert len(str(caught.value).splitlines()) == 1
        assert f"argument `{name}`" in str(caught.value)
        with pytest.raises(ValueError, match=f"argument `{name}`"):
            PretrainedInfo(**content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_load_network_mutated_json_loads_or_is_one_line(sound, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "mutated"
    folder.mkdir(exist_ok=True)
    (folder / "tiny.npz").write_bytes(sound[0])
    content = json.loads(sound[1])
    place, path = content, folder / "tiny.json"
    while isinstance(place[key := data.draw(st.sampled_from(sorted(place)))], dict) and data.draw(st.booleans()):
        place = place[key]
    if data.draw(st.booleans()):
        place[key] = data.draw(json_values)
    else:
        del place[key]
    path.write_text(json.dumps(content))
    try:
        model, info = load_network(path)
    except DataError as error:
        line = str(error)
    else:
        line = f"{path}: {model.output_shape[-1]} classes on {len(info.data['image_size'])} axes"
    assert line.startswith((str(path), str(folder / "tiny.npz")))
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("damaged", [False, True])
def test_load_network_leaves_no_variables_to_keras(sound, tmp_path, damaged):
    (tmp_path / "tiny.npz").write_bytes(sound[0])
    content = json.loads(sound[1])
    if damaged:
        content["architecture"]["filters"] = 10**6
    (tmp_path / "tiny.json").write_text(json.dumps(content))
    if damaged:
        with pytest.raises(DataError, match=r"larger than its arrays; expected [\d,]+ values, got"):
            load_network(tmp_path / "tiny.json")
    else:
        load_network(tmp_path / "tiny.json")
    with keras.StatelessScope():
        pass  # initializes whatever a scope before it left without values, or raises


@pytest.mark.parametrize("name", NETWORKS)
def test_largest_kernel_bounds_the_kernels_of_the_network(name):
    network, architecture = name.split()[-1], NETWORKS[name]
    if network == "fcn":  # whose last kernel has a fixed size, the largest in a tiny network
        architecture = {**architecture, "filters": [16, 24, 32, 40]}
    info = described(network, architecture, target="myocardium" if "myocardium" in name else "endocardium")
    largest = max(array.size for array in values_of(build_network(network, architecture)).values())
    assert largest / 16 <= _largest_kernel(info) <= largest


# Damaged and hostile files -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "tiny.json"
    write_pretrained(path, disturbed(**UNET), described(), dtype="float16")
    return path.with_suffix(".npz").read_bytes(), path.read_bytes()


@pytest.mark.parametrize("harm", [lambda x: x[:-1], lambda x: b"", lambda x: x[:500] + b"?" + x[501:], lambda x: x + x])
def test_load_pretrained_changed_archive_is_one_line(harm, sound, tmp_path):
    (tmp_path / "tiny.npz").write_bytes(harm(sound[0]))
    (tmp_path / "tiny.json").write_bytes(sound[1])
    assert "tiny.npz has another SHA-256 than its JSON file gives" in loading_error(tmp_path / "tiny.json")


@pytest.mark.parametrize("missing", ["tiny.npz", "tiny.json"])
def test_load_pretrained_missing_file_is_named(missing, sound, tmp_path):
    for name, data in zip(("tiny.npz", "tiny.json"), sound, strict=True):
        if name != missing:
            (tmp_path / name).write_bytes(data)
    assert loading_error(tmp_path / "tiny.json").startswith(f"{missing} cannot be read")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3", "\xff", "[" * 100_000, '{"sha256": 3}', "9" * 10_000])
def test_load_pretrained_damaged_json_is_one_line(text, sound, tmp_path):
    (tmp_path / "tiny.npz").write_bytes(sound[0])
    (tmp_path / "tiny.json").write_text(text, encoding="latin-1")
    message = loading_error(tmp_path / "tiny.json")
    assert message.startswith(("tiny.json is not valid JSON (", "tiny.json does not describe a network ("))


@pytest.mark.parametrize("key", ["network", "architecture", "data", "inference", "training", "sha256"])
def test_load_pretrained_lacking_key_is_one_line(key, sound, tmp_path):
    content = json.loads(sound[1])
    del content[key]
    (tmp_path / "tiny.npz").write_bytes(sound[0])
    (tmp_path / "tiny.json").write_text(json.dumps(content))
    message = loading_error(tmp_path / "tiny.json")
    assert "SHA-256" in message if key == "sha256" else f"'{key}'" in message


def test_pretrained_info_without_certainty_has_that_of_the_package(sound, tmp_path):
    content = json.loads(sound[1])
    assert content.pop("certainty") == CERTAINTY
    (tmp_path / "tiny.json").write_text(json.dumps(content))
    assert pretrained_info(tmp_path / "tiny.json").certainty == CERTAINTY


def test_load_pretrained_file_too_large_is_not_read(sound, tmp_path, monkeypatch):
    path = write_signed(tmp_path, sound[0])
    monkeypatch.setattr(pretrained, "_MAX_BYTES", 2000)
    assert "tiny.npz is too large" in loading_error(path)


def test_load_pretrained_archive_that_expands_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "_MAX_BYTES", 1 << 20)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(1 << 21))
    assert len(data.getvalue()) < 1 << 14
    assert "tiny.npz has too large arrays" in loading_error(write_signed(tmp_path, data.getvalue()))


def test_load_pretrained_arrays_that_do_not_fit_are_named(sound, tmp_path):
    with np.load(io.BytesIO(sound[0])) as archive:
        arrays = dict(archive)
    bias = arrays["logits/bias"]
    for changed, message in [
        ({**arrays, "logits/bias": bias[:1]}, "does not fit the network at logits/bias; expected (2,), got (1,)"),
        ({**arrays, "more": bias}, "does not fit the network at more; expected nothing, got (2,)"),
        (
            {key: array for key, array in arrays.items() if key != "logits/bias"},
            "does not fit the network at logits/bias; expected (2,), got nothing",
        ),
        (
            {**arrays, "logits/bias": bias.astype("float64")},
            "has a wrong type of logits/bias; expected float16 or float32, got float64",
        ),
        ({**arrays, "logits/bias": np.array([0, np.nan], "float32")}, "has values in logits/bias that are not finite"),
    ]:
        assert f"tiny.npz {message}" in loading_error(write_arrays(tmp_path, changed))
    assert "does not fit the network" in loading_error(write_arrays(tmp_path, arrays), unet(filters=3, depth=1))


class Harm:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("harm"),)


def test_load_pretrained_pickle_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = {**values_of(unet(**UNET)), "logits/bias": np.array([Harm(), Harm()])}
    path = write_arrays(tmp_path, arrays)
    with np.load("tiny.npz", allow_pickle=True) as archive:
        archive["logits/bias"]
    Path("harm").unlink()  # so it would have run
    assert "tiny.npz is not an archive of plain arrays (Object arrays cannot be loaded" in loading_error(path)
    assert not Path("harm").exists()


@pytest.mark.parametrize("member", ["../outside", "/outside", "a/../../outside", "..\\outside"])
def test_load_pretrained_member_outside_the_archive_is_not_written(member, sound, tmp_path):
    with np.load(io.BytesIO(sound[0])) as archive:
        arrays = dict(archive)
    path = write_arrays(tmp_path / "run", {**arrays, member: np.zeros(2, np.float32)})
    assert "does not fit the network" in loading_error(path)
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["tiny.json", "tiny.npz"]


@given(st.data())
def test_load_pretrained_signed_damage_is_loaded_whole_or_one_line(sound, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "signed"
    damaged = bytearray(sound[0])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = write_signed(folder, bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    model = unet(**UNET)
    try:
        load_pretrained(model, path)
    except DataError:
        loading_error(path, model)
    else:
        with np.load(io.BytesIO(sound[0])) as arrays:
            assert all((array == arrays[key]).all() for key, array in values_of(model).items())
