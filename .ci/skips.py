"""Count what was skipped, say why, and fail where it was not expected.

A test that is skipped in one run has to run in another one, unless its reason stands in `NOWHERE`.
"""

import os
import re
import shutil
import sys
from collections import Counter, defaultdict
from xml.etree import ElementTree

# Reasons that are good as long as the test runs elsewhere.
ELSEWHERE = [
    r"could not import '(torch|jax|monai|torchmetrics|distributed|optuna|pandas)'",  # not in the bare environment
    r"needs the extras? '(openvino|onnx)'",
    r"the extra 'codecs'",  # one test wants it to be missing, others want it
    r"torch is the reference of the loss",
    r"TensorFlow's convolutions on a CPU need channels last",
    r"only TensorFlow has sizes that are not known in advance",
    r"keras runs PyTorch eagerly",
    r"TensorFlow is the backend",
    r"keras has no distribution for PyTorch",
    r"several processes train on JAX alone",
]
# Reasons that are good even if the test ran nowhere.
NOWHERE = [r"needs rights that this user lacks"]
if not os.environ.get("KERAS_LVSEG_DATA"):
    NOWHERE.append(r"KERAS_LVSEG_DATA is not set")
NOWHERE += [f"{program} is not installed" for program in ("dciodvfy", "dcm2niix") if not shutil.which(program)]

ran: set[str] = set()
skipped: dict[str, list[str]] = defaultdict(list)
for path in sys.argv[1:]:
    reasons = Counter()
    cases = list(ElementTree.parse(path).iter("testcase"))
    for case in cases:
        name, module = f"{case.get('classname')}::{case.get('name')}", case.get("classname") or case.get("name")
        skip = case.find("skipped")
        if skip is None:
            ran.update([name, module])
            continue
        reason = skip.get("message") or ""
        if reason == "collection skipped":  # a module, by its first lines
            name, reason = module, (skip.text or "").rpartition("Skipped: ")[2].rstrip(')"')
        skipped[name].append(reason)
        reasons[reason] += 1
    print(f"{os.path.basename(path)}: {len(cases)} tests, {sum(reasons.values())} skipped")
    for reason, count in reasons.most_common():
        print(f"  {count:4d}  {reason}")


def listed(reason: str, patterns: list[str]) -> bool:
    return any(re.search(pattern, reason) for pattern in patterns)


faults = [
    f"{name}: {reason}"
    for name, reasons in skipped.items()
    for reason in reasons
    if not listed(reason, NOWHERE) and not (listed(reason, ELSEWHERE) and name in ran)
]
if faults:
    print(f"{len(faults)} skips that should not be:", *faults, sep="\n  ")
    sys.exit(1)
