import keras

from keras_lvseg.training.devices import has_gpu, preferred_dtype


def test_bfloat16_is_for_gpus():
    assert preferred_dtype() == ("mixed_bfloat16" if has_gpu() else "float32")


def test_a_gpu_is_what_the_backend_computes_on():
    tensor = keras.ops.zeros((1,))
    on_gpu = "gpu" in str(getattr(tensor, "device", "")).lower() or "cuda" in str(getattr(tensor, "device", ""))
    assert has_gpu() == on_gpu
