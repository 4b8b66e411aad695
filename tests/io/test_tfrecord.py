import os

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.errors import DataError
from keras_lvseg.io.tfrecord import encode_example, read_examples, write_examples

values = st.one_of(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=50))
features = st.dictionaries(st.text(max_size=10), values, max_size=6)
COMPRESSIONS = ("", "GZIP", "ZLIB")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "some.tfrecords"


def write_with_tensorflow(path, messages, compression=""):
    with tf.io.TFRecordWriter(str(path), compression or None) as writer:
        for message in messages:
            writer.write(message)


def tensorflow_example(features):
    example = tf.train.Example()
    for name, value in features.items():
        feature = example.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    return example.SerializeToString()


def crc32c(data):
    """Checksum of RFC 3720, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(crc):
    return (((crc >> 15 | crc << 17) % 2**32 + 0xA282EAD8) % 2**32).to_bytes(4, "little")


@given(examples=st.lists(features, min_size=1, max_size=4))
def test_write_examples_any_features_are_read_by_tensorflow(examples, path):
    write_examples(path, examples)
    messages = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    assert len(messages) == len(examples)
    for message, expected in zip(messages, examples, strict=True):
        theirs = tf.train.Example.FromString(message).features.feature
        assert set(theirs) == set(expected)
        for name, value in expected.items():
            kind = "bytes_list" if isinstance(value, bytes) else "int64_list"
            assert list(getattr(theirs[name], kind).value) == [value]
        assert message == encode_example(dict(reversed(expected.items())))


@given(examples=st.lists(features, min_size=1, max_size=4), compression=st.sampled_from(COMPRESSIONS))
def test_read_examples_written_by_tensorflow_are_equal(examples, compression, path):
    write_with_tensorflow(path, map(tensorflow_example, examples), compression)
    assert list(read_examples(path)) == examples
    for first in range(1, len(examples) + 1):
        assert list(read_examples(path, first=first, limit=2)) == examples[first - 1 : first + 1]


def test_read_examples_length_that_begins_like_gzip_is_read_as_plain(path):
    content = bytes(0x088B1F - len(encode_example({"a": bytes(559_000)})) + 559_000)
    write_examples(path, [{"a": content}])
    assert path.read_bytes()[:4] == b"\x1f\x8b\x08\x00"
    assert list(read_examples(path)) == [{"a": content}]


def test_read_examples_features_without_a_single_value_are_left_out(path):
    example = tf.train.Example()
    example.features.feature["several"].int64_list.value.extend([1, 2])
    example.features.feature["none"].bytes_list.SetInParent()
    example.features.feature["real"].float_list.value.append(1.5)
    example.features.feature["unset"].SetInParent()
    example.features.feature["one"].int64_list.value.append(-1)
    write_with_tensorflow(path, [example.SerializeToString()])
    assert list(read_examples(path)) == [{"one": -1}]


@pytest.mark.parametrize("number", [b"\x0a\x02\x80\x02", b"\x08\x80\x02"], ids=["packed", "unpacked"])
def test_read_examples_packed_and_unpacked_integers_are_equal(number, path):
    def field(tag, content):
        return bytes([tag, len(content)]) + content

    entry = field(0x0A, b"height") + field(0x12, field(0x1A, number))
    write_with_tensorflow(path, [field(0x0A, field(0x0A, entry))])
    assert list(read_examples(path)) == [{"height": 256}]


@given(message=st.binary(max_size=100))
def test_read_examples_any_message_is_rejected_or_read_as_tensorflow_does(message, path):
    write_with_tensorflow(path, [encode_example({"height": 1}), message])
    try:
        theirs = tf.train.Example.FromString(message)
    except Exception:
        with pytest.raises(
            DataError, match=r"some\.tfrecords: has an unknown message in record 2 \(.+\); expected a tf"
        ):
            list(read_examples(path))
    else:
        assert set(list(read_examples(path))[1]) <= set(theirs.features.feature)


@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4), data=st.data())
def test_read_examples_flipped_bit_is_an_error_with_the_record(sizes, data, path):
    write_examples(path, [{"a": os.urandom(size)} for size in sizes])
    content, ends = bytearray(path.read_bytes()), record_ends(sizes)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    number = np.searchsorted(ends, at, side="right")
    with pytest.raises(DataError, match=rf"some\.tfrecords: is damaged or cut short in record {number}; copy the file"):
        list(read_examples(path))


@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4), data=st.data())
def test_read_examples_truncated_file_is_an_error_with_the_record(sizes, data, path):
    write_examples(path, [{"a": os.urandom(size)} for size in sizes])
    content, ends = path.read_bytes(), record_ends(sizes)
    end = data.draw(st.integers(1, len(content)).filter(lambda end: end not in ends))
    path.write_bytes(content[:end])
    number = np.searchsorted(ends, end)
    with pytest.raises(DataError, match=rf"is damaged or cut short in record {number};"):
        list(read_examples(path))


def record_ends(sizes):
    return np.cumsum([0, *(len(encode_example({"a": bytes(size)})) + 16 for size in sizes)])


@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
def test_read_examples_damaged_compressed_file_is_an_error(compression, path):
    examples = [{"a": os.urandom(300)} for _ in range(5)]
    write_with_tensorflow(path, map(tensorflow_example, examples), compression)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-3] + b"abc", content[:600] + b"?" + content[601:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"is damaged or cut short in record \d"):
            list(read_examples(path))


@pytest.mark.parametrize("length", [2**30, 2**36, 2**62, 2**64 - 1])
def test_read_examples_length_beyond_the_file_is_an_error_and_takes_no_memory(length, path):
    # TensorFlow aborts the process if it cannot allocate the length.
    content = length.to_bytes(8, "little")
    path.write_bytes(content + masked(crc32c(content)) + bytes(100))
    with pytest.raises(DataError, match=r"some\.tfrecords: is damaged or cut short in record 1; copy the file again"):
        list(read_examples(path))


@pytest.mark.parametrize(
    ("compression", "problem"),
    [
        ("", "holds no record; expected at least one"),
        *((c, "is damaged or cut short in record 1") for c in ("GZIP", "ZLIB")),
    ],
)
def test_read_examples_without_records_is_an_error(compression, problem, path):
    write_with_tensorflow(path, [], compression)
    with pytest.raises(DataError, match=rf"some\.tfrecords: {problem}"):
        list(read_examples(path))


def test_read_examples_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="absent: cannot be read"):
        list(read_examples(tmp_path / "absent"))


def test_write_examples_interrupted_leaves_no_file(tmp_path):
    def examples():
        yield {"a": 1}
        raise RuntimeError("no second example")

    with pytest.raises(RuntimeError):
        write_examples(tmp_path / "some.tfrecords", examples())
    assert list(tmp_path.iterdir()) == []
