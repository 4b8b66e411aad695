import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.io.tfrecord_example import decode_example, encode_example

values = st.one_of(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=50))
features = st.dictionaries(st.text(max_size=10), values, max_size=6)


@given(features=features)
def test_tensorflow_reads_what_is_written(features):
    message = encode_example(features)
    theirs = tf.train.Example.FromString(message).features.feature
    assert set(theirs) == set(features)
    for name, value in features.items():
        kind = "bytes_list" if isinstance(value, bytes) else "int64_list"
        assert list(getattr(theirs[name], kind).value) == [value]
    assert message == encode_example(dict(reversed(features.items())))


@given(features=features)
def test_what_tensorflow_writes_is_read(features):
    example = tf.train.Example()
    for name, value in features.items():
        feature = example.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    assert decode_example(example.SerializeToString()) == features


@pytest.mark.parametrize("number", [b"\x0a\x02\x80\x02", b"\x08\x80\x02"])  # a list packed, and its elements alone
def test_numbers_are_read_packed_and_unpacked(number):
    def field(tag, content):
        return bytes([tag, len(content)]) + content

    entry = field(0x0A, b"height") + field(0x12, field(0x1A, number))
    message = field(0x0A, field(0x0A, entry))
    assert tf.train.Example.FromString(message).features.feature["height"].int64_list.value == [256]
    assert decode_example(message) == {"height": 256}


def test_what_is_no_single_value_is_left_out():
    example = tf.train.Example()
    example.features.feature["several"].int64_list.value.extend([1, 2])
    example.features.feature["none"].bytes_list.SetInParent()
    example.features.feature["real"].float_list.value.append(1.5)
    example.features.feature["unset"].SetInParent()
    example.features.feature["one"].int64_list.value.append(-1)
    assert decode_example(example.SerializeToString()) == {"one": -1}


@given(message=st.binary(max_size=100))
def test_anything_else_is_refused_or_read_as_tensorflow_does(message):
    try:
        theirs = tf.train.Example.FromString(message)
    except DecodeError:
        with pytest.raises(ValueError, match=r"something else than a tf\.train\.Example"):
            decode_example(message)
    else:
        assert set(decode_example(message)) <= set(theirs.features.feature)
