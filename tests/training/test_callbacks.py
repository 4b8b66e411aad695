import keras
import numpy as np

from keras_lvseg.training.callbacks import Checkpoint, HistoryFile


def small_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def test_checkpoint_holds_network_and_optimizer_after_each_epoch(tmp_path):
    path, model, epochs = tmp_path / "checkpoint.keras", small_model(), []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            saved = keras.saving.load_model(path)
            pairs = zip(
                [*saved.weights, *saved.optimizer.variables], [*model.weights, *model.optimizer.variables], strict=True
            )
            for own, due in pairs:
                np.testing.assert_array_equal(keras.ops.convert_to_numpy(own), keras.ops.convert_to_numpy(due))
            epochs.append(int(saved.optimizer.iterations))
            assert [file.name for file in tmp_path.iterdir()] == [path.name]

    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.fit(x, x[:, :1], batch_size=4, epochs=3, verbose=0, callbacks=[Checkpoint(path), Look()])
    assert epochs == [2, 4, 6]


def test_history_file_resumed_keeps_the_epochs_of_the_checkpoint_only(tmp_path):
    path, model = tmp_path / "history.csv", small_model()
    path.write_text("epoch,loss,learning_rate\n1,0.5,0.25\n2,0.125,0.25\n")
    again = HistoryFile(path, done=1)  # the second epoch was written, and its checkpoint was not
    again.set_model(model)
    again.on_epoch_end(1, {"loss": 0.75})
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert [row[:2] for row in rows] == [["epoch", "loss"], ["1", "0.5"], ["2", "0.75"]]
