"""Examples in docstrings that need an extra are tested where it is installed."""

from importlib.util import find_spec

collect_ignore = []
if not (find_spec("onnx") and find_spec("onnxruntime")):
    collect_ignore += [f"keras_lvseg/inference/engines/{name}.py" for name in ("export", "network_graph")]
