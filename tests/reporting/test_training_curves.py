from matplotlib.image import imread

from keras_lvseg.reporting import write_training_curves


def test_write_training_curves_of_two_classes_with_validation_draws_an_image(tmp_path):
    history = tmp_path / "history.csv"
    history.write_text(
        "epoch,dice_coefficient,dice_coefficient_2,loss,val_dice_coefficient,val_dice_coefficient_2,val_loss,"
        "learning_rate\n1,0.1,0.0,1.0,0.1,0.1,1.2,0.1\n2,0.8,0.7,0.2,0.7,0.6,0.3,0.0\n"
    )
    write_training_curves(tmp_path / "curves.png", history)
    assert imread(tmp_path / "curves.png").std() > 0.01
