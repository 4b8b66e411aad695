"""The course's TFRecords, both editions, written and read with no TensorFlow."""

from keras_lvseg.data.tfrecords.write import write_course_records

__all__ = ["write_course_records"]
