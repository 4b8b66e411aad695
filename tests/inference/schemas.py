"""The schemas of the JSON files, as the package has them."""

import json
from importlib.resources import files

STUDY_SCHEMA, SEGMENTATION_SCHEMA = (
    json.loads((files("keras_lvseg.inference") / f"{name}.schema.json").read_text())
    for name in ("study", "segmentation")
)
