import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.errors import DataError
from keras_lvseg.io.tfrecord import read_record, read_records, write_records

contents = st.lists(st.binary(max_size=200), max_size=5)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("framing") / "some.tfrecords"


def crc32c(data):
    """Bit by bit, as RFC 3720 has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(crc):
    return (((crc >> 15 | crc << 17) % 2**32 + 0xA282EAD8) % 2**32).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("data", "crc"),
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E), (b"123456789", 0xE3069283)],
)
def test_checksums_of_the_standard_s_examples(data, crc, path):
    assert crc32c(data) == crc
    write_records(path, [data])
    length = len(data).to_bytes(8, "little")
    assert path.read_bytes() == length + masked(crc32c(length)) + data + masked(crc)


@given(records=contents)
def test_the_bytes_are_those_that_tensorflow_writes(records, path):
    write_records(path, records)
    theirs = path.with_name("theirs.tfrecords")
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in records:
            writer.write(record)
    assert path.read_bytes() == theirs.read_bytes()
    assert [bytes(record) for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()] == records
    found = list(read_records(theirs))
    assert [record for _, record in found] == records
    assert [read_record(theirs, offset) for offset, _ in found] == records


@given(records=st.lists(st.binary(max_size=60), min_size=1, max_size=4), data=st.data())
def test_a_bit_flip_anywhere_is_found(records, data, path):
    write_records(path, records)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"some\.tfrecords: is damaged in the record at byte \d+: its (length|content)"):
        list(read_records(path))


@given(records=st.lists(st.binary(max_size=60), min_size=1, max_size=4), data=st.data())
def test_an_end_that_comes_too_soon_is_found(records, data, path):
    write_records(path, records)
    content = path.read_bytes()
    ends = np.cumsum([0, *(len(record) + 16 for record in records)])
    end = data.draw(st.integers(0, len(content)).filter(lambda end: end not in ends))
    path.write_bytes(content[:end])
    with pytest.raises(DataError, match=rf"is cut short in the record at byte {ends[ends < end][-1]}"):
        list(read_records(path))


def test_a_length_beyond_the_file_takes_no_memory(path):
    length = (2**62).to_bytes(8, "little")
    path.write_bytes(length + masked(crc32c(length)) + bytes(100))
    with pytest.raises(DataError, match="is cut short in the record at byte 0"):
        list(read_records(path))


def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path):
    def records():
        yield b"one"
        raise RuntimeError("the second cannot be had")

    with pytest.raises(RuntimeError):
        write_records(tmp_path / "some.tfrecords", records())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_and_a_place_past_the_end_are_named(tmp_path, path):
    with pytest.raises(DataError, match="absent: cannot be read"):
        list(read_records(tmp_path / "absent"))
    with pytest.raises(DataError, match="absent: cannot be read"):
        read_record(tmp_path / "absent", 0)
    write_records(path, [b"one"])
    with pytest.raises(DataError, match="is cut short in the record at byte 1,000"):
        read_record(path, 1000)
