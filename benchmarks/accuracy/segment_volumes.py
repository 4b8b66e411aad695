"""Volumes of held-out real patients by `Segmenter`, beside the manual ones.

    python -m benchmarks.accuracy.segment_volumes DICOM RUNS docs/validation/segment_volumes.md

DICOM is the sample with contours. RUNS is the folder of `cross_validation`'s runs. Of its five networks, the one that
was trained without the patient segments the patient, each image by itself.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.table import write_table
from keras_lvseg import SAXDataset, Segmenter
from keras_lvseg.geometry import ejection_fraction, stack_volume
from keras_lvseg.training import RunFolder


def network_for(patient_id: str, runs: Path) -> Path:
    """Return the run that held the patient out for the test."""
    for path in sorted(runs.glob("recipe-fold*")):
        if RunFolder(path).roles().get(patient_id) == "test":
            return path
    raise SystemExit(f"{runs} holds no network that {patient_id} was left out of")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with DICOM and contours")
    parser.add_argument("runs", type=Path, help="folder of the five training runs")
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()

    rows = []
    for patient in SAXDataset(arguments.data).patients:
        segmenter = Segmenter(network_for(patient.patient_id, arguments.runs), independent=True)
        (found,) = segmenter.segment(patient.frames[0].path.parent)
        own = {frame.key: mask == 1 for frame, mask in zip(found.study.frames, found.masks, strict=True)}

        def volume(phase: int | None, contoured: bool, patient=patient, masks=own) -> float:
            frames = [f for f in patient.frames if f.phase == phase and (f.endocardium is not None or not contoured)]
            areas = [np.count_nonzero(masks[frame.key]) * frame.pixel_area for frame in frames]
            return stack_volume(areas, patient.slice_spacing)

        both = [[volume(phase, drawn) for phase in (patient.ed_phase, patient.es_phase)] for drawn in (True, False)]
        (ed, es), (ed_all, es_all) = both
        manual = patient.edv_ml, patient.esv_ml
        off = [f"{100 * (own / due - 1):+.1f} %" for own, due in zip((ed, es), manual, strict=True)]
        fractions = [ejection_fraction(*pair) for pair in (manual, (ed, es), (ed_all, es_all))]
        rows.append(
            f"| {patient.patient_id} | {manual[0]:.0f} | {ed:.0f} ({off[0]}) | {ed_all:.0f} "
            f"| {manual[1]:.0f} | {es:.0f} ({off[1]}) | {es_all:.0f} "
            f"| {fractions[0]:.1f} | {fractions[1]:.1f} ({fractions[1] - fractions[0]:+.1f}) | {fractions[2]:.1f} |"
        )
    lines = [
        "# Volumes by segment",
        "",
        "Volumes in mL at the manual contours' end-diastole and end-systole, ejection fraction in percent; each",
        'patient by a network that never saw the patient. "contoured": summed over the slices that have a manual',
        'contour, as the manual volume is; "all": over every slice of the study that has an image at that phase. Each',
        "image is decided by itself; [volumes with masks decided together](consistency.md) have a page of their own.",
        "",
        "| patient | EDV manual | contoured | all | ESV manual | contoured | all | EF manual | contoured | all |",
        f"|{' --- |' * 10}",
        *rows,
    ]
    command = f"python -m benchmarks.accuracy.segment_volumes DICOM RUNS {arguments.table}"
    write_table(arguments.table, lines, command, ("keras-lvseg", "keras", "tensorflow", "numpy"))


if __name__ == "__main__":
    main()
