import keras

from keras_lvseg.training.devices import has_gpu, preferred_dtype


def test_preferred_dtype_is_bfloat16_on_a_gpu_only():
    assert preferred_dtype() == ("mixed_bfloat16" if has_gpu() else "float32")


def test_has_gpu_agrees_with_the_device_of_a_tensor():
    tensor = keras.ops.zeros((1,))
    on_gpu = "gpu" in str(getattr(tensor, "device", "")).lower() or "cuda" in str(getattr(tensor, "device", ""))
    assert has_gpu() == on_gpu
