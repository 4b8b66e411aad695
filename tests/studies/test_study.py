from pathlib import Path

from keras_lvseg.studies import Frame, Study


def test_restrict_to_keeps_frames_of_given_files():
    frames = tuple(Frame(Path(name), "P1", "O1", rows=4, columns=4) for name in ("1.png", "2.png", "3.png"))
    study = Study("heart", frames, "unknown").restrict_to({(Path(f"{name}.png"), None) for name in (1, 3, 4)})
    assert study == Study("heart", (frames[0], frames[2]), "unknown")
