"""The commands of the page on the Data Science Bowl, on synthetic hearts that are laid out as the Bowl's patients."""

import re
import shlex
from pathlib import Path

import numpy as np
import pydicom
import pytest

from keras_lvseg.files import read_rows, write_rows
from keras_lvseg.phantom import write_phantom
from keras_lvseg_cli.app import run
from tests.relaid_studies import write_bowl

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "data_science_bowl.md"
TRAIN, VALIDATE = range(1, 7), range(501, 503)


def commands():
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [
        shlex.split(line)
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("keras-lvseg ")
    ]


def read_frame(folder, heart, slice_, number):
    """Read a frame at end-diastole (0) or end-systole (1)."""
    phase = (heart.ed_phase, heart.es_phase)[number]
    path = folder / "phantom" / "dicoms" / heart.patient_id / f"{slice_ * heart.phases + phase + 1}.dcm"
    dataset = pydicom.dcmread(path)
    dataset.CardiacNumberOfImages = 2
    return dataset


def write_bowl_of_phantoms(folder):
    """Write patients in the Bowl's tree, at end-diastole and end-systole, with their true volumes.

    They are four slices of one synthetic heart in different sizes. Its whole study would take minutes to segment.
    """
    (heart,) = write_phantom(folder / "phantom", patients=1, seed=5)
    slices = heart.es_slices[:4]
    rows = []
    for number in (*TRAIN, *VALIDATE):
        size = 0.9 + 0.04 * (number % 500)
        datasets = {slice_: [read_frame(folder, heart, slice_, phase) for phase in (0, 1)] for slice_ in slices}
        for dataset in (dataset for own in datasets.values() for dataset in own):
            dataset.PatientID = str(number)
            dataset.PixelSpacing = [round(heart.pixel_spacing * size, 4)] * 2
        write_bowl(datasets, folder / ("train" if number in TRAIN else "validate"))
        true = {"Systole": heart.slab_esv_ml * size**2, "Diastole": heart.slab_edv_ml * size**2}
        rows.append({"Id": number} | {name: round(volume, 1) for name, volume in true.items()})
    write_rows(folder / "train.csv", rows[: len(TRAIN)])
    write_rows(folder / "validate.csv", rows[len(TRAIN) :])
    ids = [*VALIDATE, 503]  # the last one has no images
    sample = [{"Id": f"{number}_{kind}", "P0": 0} for number in ids for kind in ("Diastole", "Systole")]
    write_rows(folder / "sample_submission_validate.csv", sample)


def test_page_has_the_commands_of_the_whole_way():
    assert [words[1] for words in commands()] == ["segment", "segment", *["compare-volumes"] * 3]


@pytest.mark.slow
def test_commands_of_the_page_run_on_synthetic_hearts(tmp_path, monkeypatch, capsys):
    write_bowl_of_phantoms(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    for words in commands():
        with pytest.raises(SystemExit) as ended:
            run(words[1:])
        shown = capsys.readouterr()
        assert (ended.value.code, shown.err) == (0, ""), shown.err
    assert [row["study"] for row in read_rows("out-train/volumes.csv")] == [str(number) for number in TRAIN]
    assert {path.name for path in Path("agreement").iterdir()} == {"bland_altman.png", "comparison.json", "studies.csv"}
    assert "1 of 3 studies have no EDV or no ESV and get the distribution of the fit's true volumes: 503" in shown.out
    rows = read_rows("submission.csv")
    assert [row["Id"] for row in rows] == [f"{n}_{kind}" for n in (501, 502, 503) for kind in ("Diastole", "Systole")]
    values = np.array([[float(row[f"P{n}"]) for n in range(600)] for row in rows])
    assert (np.diff(values, axis=1) >= 0).all()
    assert ((values >= 0) & (values <= 1)).all()
