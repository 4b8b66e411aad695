import keras

from keras_lvseg.models.gpu import has_gpu


def test_has_gpu_agrees_with_the_device_of_a_tensor():
    tensor = keras.ops.zeros((1,))
    on_gpu = "gpu" in str(getattr(tensor, "device", "")).lower() or "cuda" in str(getattr(tensor, "device", ""))
    assert has_gpu() == on_gpu
