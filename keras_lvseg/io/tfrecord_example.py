"""The message in a record, `tensorflow.Example`, without TensorFlow: a name for each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

Value = int | bytes

_Field = descriptor_pb2.FieldDescriptorProto
# A feature is one of these: field number, field, message, what the list holds.
_LISTS = (
    (1, "bytes_list", "BytesList", _Field.TYPE_BYTES),
    (2, "float_list", "FloatList", _Field.TYPE_FLOAT),
    (3, "int64_list", "Int64List", _Field.TYPE_INT64),
)


def encode_example(features: Mapping[str, Value]) -> bytes:
    """Write an Example of single whole numbers and byte strings.

    Args:
        features: A value for each name.

    Returns:
        The message; the same features give the same bytes.

    Example:
        >>> decode_example(encode_example({"height": 256, "name": b"SC-HF-I-1"}))
        {'height': 256, 'name': b'SC-HF-I-1'}
    """
    example = _example_class()()
    for name, value in features.items():
        feature = example.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    return example.SerializeToString(deterministic=True)


def decode_example(message: bytes) -> dict[str, Value]:
    """Read an Example's single whole numbers and byte strings, by name in alphabetical order.

    Features of another kind, and lists of none or several, are left out.

    Raises:
        ValueError: The bytes are no Example.
    """
    example = _example_class()()
    try:
        example.ParseFromString(message)
    except DecodeError:
        raise ValueError("holds something else than a tf.train.Example") from None
    features = {}
    for name, feature in sorted(example.features.feature.items()):
        kind = feature.WhichOneof("kind")
        values: Sequence[Value] = getattr(feature, kind).value if kind in ("bytes_list", "int64_list") else ()
        if len(values) == 1:
            features[name] = values[0]
    return features


@cache
def _example_class() -> Any:
    """The message's class; in a pool of its own, for TensorFlow's has the same one where TensorFlow is loaded."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name, message, element in _LISTS:
        values = file.message_type.add(name=message)
        values.field.add(name="value", number=1, type=element, label=_Field.LABEL_REPEATED)
        _add(feature, number, name, message).oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    _add(entry, 2, "value", "Feature")
    _add(features, 1, "feature", "Features.FeatureEntry").label = _Field.LABEL_REPEATED
    _add(file.message_type.add(name="Example"), 1, "features", "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


def _add(message: Any, number: int, name: str, kind: str) -> Any:
    return message.field.add(
        name=name, number=number, type=_Field.TYPE_MESSAGE, type_name=f".tensorflow.{kind}", label=_Field.LABEL_OPTIONAL
    )
