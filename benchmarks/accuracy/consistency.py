"""Masks of real studies decided together and image by image: the tables of `docs/validation/consistency.md`.

    python -m benchmarks.accuracy.consistency TABLE CACHE --official RUN --other-way RUN --studies SAMPLE STUDIES
        --training PNG --validation PNG --online PNG

The first RUN has a network that was trained on the training part of the 2009 challenge. It is tested on the other two
parts. The network of the second was trained on these two, and never saw the patients of the training part, the whole
studies among them. The bundled weights saw all patients. CACHE keeps the probabilities of each study, so an interrupted
command resumes, and phantoms of a seed that no network was trained on. The table of phantom hearts has its own command.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy.cached_studies import CachedStudy, cached_study
from benchmarks.table import write_table
from keras_lvseg import SAXDataset, Segmenter
from keras_lvseg.data import draw_label
from keras_lvseg.evaluation import dice
from keras_lvseg.geometry import CONTOUR_ORIGIN, ejection_fraction, stack_volume
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.inference.consistency.one_heart import StackCavities
from keras_lvseg.phantom import write_phantom
from keras_lvseg.phantom.phantom_patient import PhantomPatient
from keras_lvseg.studies import Patient, Study, StudyVolumes

WAYS = {"together": True, "each by itself": False}
PARTS = {
    "axis only": ("choose",),
    "axis, apex and base": ("choose", "remove_ends"),
    "axis and phases": ("choose", "resolve"),
    "all": ("choose", "remove_ends", "resolve"),
}
WRONG_DICE = 0.8
WRONG_VOLUME = 0.1  # of the manual volume of the contoured slices, at end-diastole or end-systole
THRESHOLDS = (0.80, 0.85, 0.90, 0.92, 0.94, 0.95)
PHANTOMS, PHANTOM_SEED = 12, 77

Cases = Mapping[str, Sequence[tuple[Patient, CachedStudy]]]
"""Whole studies by network, each with its patient of known volumes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("cache", type=Path, help="folder for the probabilities")
    parser.add_argument("--official", type=Path, required=True, help="a run on the training part")
    parser.add_argument("--other-way", type=Path, required=True, help="a run on the validation and online parts")
    parser.add_argument("--studies", type=Path, nargs="+", required=True, help="trees of DICOM and contours")
    for part in ("training", "validation", "online"):
        parser.add_argument(f"--{part}", type=Path, required=True, help=f"PNG tree of the {part} part")
    arguments = parser.parse_args()

    official, other_way = (
        TrainedNetwork.from_run(run, engine="auto") for run in (arguments.official, arguments.other_way)
    )
    bundled = TrainedNetwork.bundled(engine="auto")
    whole = [*whole_studies(arguments.studies)]
    cases = {
        title: [(patient, cached_study(study, network, arguments.cache)) for patient, study in whole]
        for title, network in (("held out", other_way), ("bundled", bundled))
    }
    folder = arguments.cache / f"phantoms-{PHANTOM_SEED}"
    if not folder.exists():
        write_phantom(folder, patients=PHANTOMS, seed=PHANTOM_SEED)
    phantoms = [(patient, Study(patient.patient_id, patient.frames)) for patient in SAXDataset(folder).patients]
    empty = {f"three studies, {title}": own for title, own in cases.items()}
    for title, network in (("held out", other_way), ("bundled", bundled)):
        own = [(patient, cached_study(study, network, arguments.cache / "phantoms")) for patient, study in phantoms]
        empty[f"phantoms, {title}"] = own
    without = {
        patient.patient_id: beyond(PhantomPatient(k, PHANTOM_SEED), patient.phases)
        for k, (patient, _) in enumerate(phantoms)
    }
    parts = {}
    for part, network in (("validation", official), ("online", official), ("training", other_way)):
        patients = SAXDataset(getattr(arguments, part), labels_include_outline=True).patients
        studies = [Study(patient.patient_id, patient.frames) for patient in patients]
        parts[part] = [cached_study(study, network, arguments.cache) for study in studies]
    tables = (
        volume_lines(cases),
        slice_lines(cases),
        ablation_lines(cases),
        empty_lines(empty, without),
        image_lines(parts),
    )
    lines = ["# One heart per study", *(line for table in tables for line in table)]
    command = (
        "python -m benchmarks.accuracy.consistency TABLE CACHE --official RUN --other-way RUN --studies SAMPLE STUDIES "
        "--training PNG --validation PNG --online PNG"
    )
    write_table(arguments.table, lines, command, ("keras-lvseg", "keras", "tensorflow", "numpy"))


def whole_studies(folders: Sequence[Path]) -> Iterator[tuple[Patient, Study]]:
    """Yield the patients with all phases and their studies, found without the contours."""
    segmenter = Segmenter()
    for patient in (patient for folder in folders for patient in SAXDataset(folder).patients):
        if len({frame.phase for frame in patient.frames}) > 2:
            (study,) = segmenter.segment(patient.frames[0].path.parent).studies
            yield patient, study


def volume_lines(cases: Cases) -> list[str]:
    """Return the volumes of whole studies, and the errors by network and way."""
    rows: dict[str, list[str]] = {}
    errors: dict[str, list[tuple[float, ...]]] = {}
    for title, own in cases.items():
        for patient, case in own:
            edv, esv, ed, es = patient.edv_ml, patient.esv_ml, patient.ed_phase, patient.es_phase
            manual = ejection_fraction(edv, esv)
            name = patient.patient_id
            rows.setdefault(name, [f"| {name} | manual | | {edv:.0f} | {esv:.0f} | {manual:.1f} | {ed} | {es} | |"])
            for way, together in WAYS.items():
                volumes, flags = case.volumes(case.decide(together))
                key = f"| {title} | {way}"
                own_ed, own_es = volumes.ed.phase, volumes.es.phase
                found = volumes.edv_ml, volumes.esv_ml
                off = [100 * (own_ml / manual_ml - 1) for own_ml, manual_ml in zip(found, (edv, esv), strict=True)]
                cells = [f"{own_ml:.0f} ({round(error):+d} %)" for own_ml, error in zip(found, off, strict=True)]
                shifts = [_cyclic(own_ed - ed, patient.phases), _cyclic(own_es - es, patient.phases)]
                errors.setdefault(key, []).append((*off, volumes.ejection_fraction - manual, *shifts))
                cells += [f"{volumes.ejection_fraction:.1f}", str(own_ed), str(own_es)]
                cells.append(" ".join(f"`{flag}`" for flag in flags))
                rows[name].append(f"| {key} | {' | '.join(cells)} |")
    summary = []
    for key, own in errors.items():
        sizes = np.abs(own)
        cells = [f"{mean:.1f} (worst {worst:.1f})" for mean, worst in zip(sizes.mean(0), sizes.max(0), strict=True)]
        summary.append(f"{key} | {' | '.join(cells[:3])} | {sizes[:, 3:].max():.0f} |")
    return [
        "",
        *_head("patient", "network", "masks", "EDV", "ESV", "EF", "ED phase", "ES phase", "flags"),
        *(row for own in rows.values() for row in own),
        "",
        *_head("network", "masks", "EDV, %", "ESV, %", "EF, points", "ED and ES: phases off, worst"),
        *summary,
    ]


def slice_lines(cases: Cases) -> list[str]:
    """Return volumes at the manual end-diastole and end-systole, in the slices with a contour and in the others."""
    rows = []
    for title, own in cases.items():
        for patient, case in own:
            contoured = {frame.key for frame in patient.frames if frame.endocardium is not None}
            cells = []
            for phase, manual in ((patient.ed_phase, patient.edv_ml), (patient.es_phase, patient.esv_ml)):
                areas: dict[bool, list[float]] = {True: [], False: []}
                for frame, mask in zip(case.study.frames, case.decide(True).masks, strict=True):
                    if frame.phase == phase:
                        areas[frame.key in contoured].append(np.count_nonzero(mask == 1) * frame.pixel_area)
                found = [stack_volume(areas[inside], patient.slice_spacing) for inside in (True, False)]
                cells += [f"{manual:.0f}", f"{found[0]:.0f}", f"{found[1]:.0f}"]
            rows.append(f"| {patient.patient_id} | {title} | {' | '.join(cells)} |")
    columns = [f"{moment} {name}" for moment in ("ED", "ES") for name in ("manual", "contoured slices", "other slices")]
    return ["", *_head("patient", "network", *columns), *rows]


def ablation_lines(cases: Cases) -> list[str]:
    """Return EDV and ESV with some of the three steps."""
    rows = []
    for title, own in cases.items():
        for patient, case in own:
            cells = [_volumes_cell(case.volumes(case.decide(False))[0])]
            for steps in PARTS.values():
                stack = StackCavities(case.study.frames, case.probabilities, case.spacings)
                for step in steps:
                    getattr(stack, step)()
                cells.append(_volumes_cell(case.volumes(stack.masks())[0]))
            rows.append(f"| {patient.patient_id} | {title} | {' | '.join(cells)} |")
    return ["", *_head("patient, EDV / ESV", "network", "each by itself", *PARTS), *rows]


def beyond(patient: PhantomPatient, phases: int) -> set[tuple[int, int]]:
    """Return slice and phase of the images that hold no part of a phantom's ventricle."""
    return {
        (slice_, phase)
        for slice_ in range(patient.slices)
        for phase in range(phases)
        if patient.heart.slab_area(patient.first_z + slice_ * patient.thickness, patient.thickness, phase) == 0
    }


def empty_lines(cases: Cases, without: Mapping[str, set[tuple[int, int]]]) -> list[str]:
    """Return how many images without a ventricle, and how many contoured ones, have a mask.

    Args:
        cases: Studies by title.
        without: Slice and phase of the images without a ventricle, by patient. Of other patients, these are the images
            of slices that the expert contoured in no phase.
    """
    rows = []
    for title, own in cases.items():
        counts = np.zeros((2, 3), int)  # empty and contoured; images, with a mask each by itself, and together
        for patient, case in own:
            outlined = {frame.slice for frame in patient.frames if frame.endocardium is not None}
            places = {(f.slice, f.phase) for f in patient.frames if f.slice not in outlined}
            places = without.get(patient.patient_id, places)
            empty = {frame.key for frame in patient.frames if (frame.slice, frame.phase) in places}
            contoured = {frame.key for frame in patient.frames if frame.endocardium is not None}
            ways = [case.decide(together).masks for together in (False, True)]
            for frame, *masks in zip(case.study.frames, *ways, strict=True):
                for row, keys in enumerate((empty, contoured)):
                    if frame.key in keys:
                        counts[row] += [1, *((mask == 1).any() for mask in masks)]
        rows.append(f"| {title} | {' | '.join(map(str, counts.ravel()))} |")
    columns = ("with a mask, each by itself", "together")
    return ["", *_head("studies, network", "without a ventricle", *columns, "contoured", *columns), *rows]


def image_lines(parts: Mapping[str, Sequence[CachedStudy]]) -> list[str]:
    """Return Dice of images, the curve of certainty, and flags of studies, for patients with contours at ED and ES."""
    dice_rows, curve, study_rows = [], {threshold: f"| {threshold:.2f}" for threshold in THRESHOLDS}, []
    heads = []
    for title, cases in parts.items():
        scores: dict[str, list[float]] = {way: [] for way in WAYS}
        alone: list[tuple[float, float]] = []  # Dice and certainty of the masks that are not empty
        changed, studies = 0, []
        for case in cases:
            labels = [
                None if frame.endocardium is None else draw_label(frame, "endocardium", CONTOUR_ORIGIN)
                for frame in case.study.frames
            ]
            for way, together in WAYS.items():
                decided = case.decide(together)
                own = [dice(m, y) for m, y in zip(decided.masks, labels, strict=True) if y is not None]
                scores[way] += own
                if together:
                    flags = case.volumes(decided)[1]
                    studies.append((volume_error(case.study, decided.masks, labels) > WRONG_VOLUME, bool(flags)))
                    changed += sum(change is not None for change in decided.changes)
                else:
                    known = [c for c, y in zip(decided.certainties, labels, strict=True) if y is not None]
                    alone += [(s, c) for s, c in zip(own, known, strict=True) if c is not None]
        means = " | ".join(f"{np.mean(scores[way]):.4f}" for way in ("each by itself", "together"))
        dice_rows.append(f"| {title} | {len(scores['together'])} | {means} | {changed} |")
        wrong = [certainty for score, certainty in alone if score < WRONG_DICE]
        right = [certainty for score, certainty in alone if score >= WRONG_DICE]
        heads += [f"{title}: of {len(wrong)} wrong", f"of {len(right)} right"]
        for threshold in THRESHOLDS:
            curve[threshold] += f" | {_share(wrong, threshold):.0f} % | {_share(right, threshold):.1f} %"
        flagged = [[flag for is_wrong, flag in studies if is_wrong == own] for own in (True, False)]
        study_rows.append(f"| {title} | {' | '.join(f'{len(own)} | {sum(own)}' for own in flagged)} |")
    return [
        "",
        *_head("part, network", "images", "Dice, each by itself", "together", "masks changed"),
        *dice_rows,
        "",
        *_head("mean probability under", *heads),
        *(f"{row} |" for row in curve.values()),
        "",
        *_head("part, network", "wrong studies", "with a flag", "right studies", "with a flag"),
        *study_rows,
    ]


def volume_error(study: Study, masks: Sequence[np.ndarray], labels: Sequence[np.ndarray | None]) -> float:
    """Return the larger relative error of the phases' volumes, over the frames that have a label."""
    areas: dict[int, np.ndarray] = {}
    for frame, mask, label in zip(study.frames, masks, labels, strict=True):
        if label is not None:
            own = areas.setdefault(frame.phase, np.zeros(2))
            own += frame.pixel_area * np.array([np.count_nonzero(mask == 1), np.count_nonzero(label == 1)])
    return max(abs(found / known - 1) for found, known in areas.values() if known)


def _share(certainties: Sequence[float], threshold: float) -> float:
    return 100 * float(np.mean(np.array(certainties) < threshold)) if certainties else 0.0


def _cyclic(difference: int, phases: int) -> int:
    return min(difference % phases, -difference % phases)


def _volumes_cell(volumes: StudyVolumes) -> str:
    return f"{volumes.edv_ml:.0f} / {volumes.esv_ml:.0f}"


def _head(*names: str) -> tuple[str, str]:
    return f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"


if __name__ == "__main__":
    main()
