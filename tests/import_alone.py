"""A script that reports the modules that `import keras_lvseg` adds to `import keras`."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    import keras  # noqa: F401

    before = set(sys.modules)
    import keras_lvseg

    added = sorted(set(sys.modules) - before)
    # Modules of data load TensorFlow on use only.
    import keras_lvseg.audit
    import keras_lvseg.data
    import keras_lvseg.io.course_record  # noqa: F401

    report = {"added": added, "loaded": sorted(sys.modules)}
    Path(sys.argv[1]).write_text(json.dumps(report))
