from keras_lvseg.models.gpu import has_gpu
from keras_lvseg.training.devices import preferred_dtype


def test_preferred_dtype_is_bfloat16_on_a_gpu_only():
    assert preferred_dtype() == ("mixed_bfloat16" if has_gpu() else "float32")
