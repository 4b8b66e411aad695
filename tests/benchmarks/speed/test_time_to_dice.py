from benchmarks.speed.time_to_dice import cell, table

PASSES = [{"dice": dice, "wall": 10.0 * i, "cpu": 15.0 * i} for i, dice in enumerate((0.5, 0.75, 0.72, 0.81), start=1)]


def test_cell_has_the_seconds_of_the_first_pass_that_reaches_the_level():
    assert cell(PASSES, 0.7) == "20 s (30 s)"
    assert cell(PASSES, 0.8) == "40 s (60 s)"


def test_cell_of_a_level_that_was_not_reached_says_when_the_training_ended():
    assert cell(PASSES, 0.85) == "not within 40 s (60 s)"


def test_table_has_the_best_dice_and_the_number_of_passes():
    assert "| ours | 20 s (30 s) | 40 s (60 s) | not within 40 s (60 s) | 0.810 | 4 |" in table({"ours": PASSES}, 600)
