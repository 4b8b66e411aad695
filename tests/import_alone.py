"""A script that reports the modules and seconds that `import keras_lvseg` adds to `import keras`."""

import json
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    import keras  # noqa: F401

    before = set(sys.modules)
    start = time.process_time()
    import keras_lvseg  # noqa: F401

    seconds = time.process_time() - start
    report = {"seconds": seconds, "added": sorted(set(sys.modules) - before), "loaded": sorted(sys.modules)}
    Path(sys.argv[1]).write_text(json.dumps(report))
