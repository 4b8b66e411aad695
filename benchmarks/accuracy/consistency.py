"""Volumes of whole real studies with the masks decided together and image by image, beside the manual ones.

    python -m benchmarks.accuracy.consistency TABLE STUDIES [STUDIES ...] --run RUN

STUDIES are trees of DICOM and contours with all frames. The contours are used for the manual volumes only. Without
`--run`, the bundled weights segment, which have seen the patients of the challenge's training part.
"""

import argparse
from pathlib import Path

from benchmarks.table import write_table
from keras_lvseg import SAXDataset, Segmenter
from keras_lvseg.geometry import ejection_fraction


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("studies", type=Path, nargs="+", help="folders with DICOM and contours")
    parser.add_argument("--run", type=Path, help="a training run that never saw the patients")
    arguments = parser.parse_args()

    rows = []
    for patient in (patient for folder in arguments.studies for patient in SAXDataset(folder).patients):
        manual = patient.edv_ml, patient.esv_ml
        if len({frame.phase for frame in patient.frames}) < 3:
            continue  # only the contoured frames
        rows.append(_row(patient.patient_id, "manual", *manual, patient.ed_phase, patient.es_phase, ""))
        for title, independent in (("together", False), ("each by itself", True)):
            segmenter = Segmenter(arguments.run, independent=independent)
            (found,) = segmenter.segment(patient.frames[0].path.parent)
            volumes = found.volumes
            flags = " ".join(f"`{flag.code}`" for flag in volumes.flags)
            phases = volumes.ed and volumes.ed.phase, volumes.es and volumes.es.phase
            rows.append(_row(patient.patient_id, title, volumes.edv_ml, volumes.esv_ml, *phases, flags))
    lines = [
        "# Volumes of whole studies",
        "",
        "| patient | masks | EDV, mL | ESV, mL | EF, % | ED phase | ES phase | flags |",
        f"|{' --- |' * 8}",
        *rows,
    ]
    command = "python -m benchmarks.accuracy.consistency TABLE STUDIES --run RUN"
    write_table(arguments.table, lines, command, ("keras-lvseg", "keras", "tensorflow", "numpy"))


def _row(
    patient: str, masks: str, edv: float | None, esv: float | None, ed: int | None, es: int | None, flags: str
) -> str:
    if edv is None or esv is None:
        return f"| {patient} | {masks} | | | | | | {flags} |"
    return (
        f"| {patient} | {masks} | {edv:.0f} | {esv:.0f} | {ejection_fraction(edv, esv):.1f} | {ed} | {es} | {flags} |"
    )


if __name__ == "__main__":
    main()
