from keras_lvseg.reporting import segmentation_table


def study(**changes):
    phase = {"phase": 0, "volume_ml": 101.6}
    values = {"name": "P1", "images": 6, "masks": 5, "ed": phase, "es": phase | {"volume_ml": 44.2}}
    return values | {"ejection_fraction_percent": 56.5, "missing_reason": None} | changes


def cells(text):
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[0] == "│"]


def test_segmentation_table_has_a_row_per_study_and_reasons_for_missing_figures(printed):
    unknown = study(name="[bold]\n", ed=None, es=None, ejection_fraction_percent=None, missing_reason="one slice only")
    assert cells(printed(segmentation_table({"studies": [study(), unknown]}))) == [
        ["P1", "6", "5", "102", "44", "56", ""],
        [r"[bold]\n", "6", "5", "", "", "", "one slice only"],
    ]
