import gc
import io
import warnings

import keras
import numpy as np
import pytest
from rich.console import Console

from keras_lvseg.errors import DataError
from keras_lvseg.training.callbacks import Checkpoint, HistoryFile, ProgressBar, TensorBoardLogs


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


def test_history_file_whose_folder_was_deleted_raises(tmp_path):
    path = tmp_path / "run" / "history.csv"
    history = HistoryFile(path)
    history.set_model(small_model())
    with pytest.raises(DataError, match="run: was deleted during the training"):
        history.on_epoch_end(0, {"loss": 0.75})
    assert not any(tmp_path.iterdir())
    path.parent.mkdir()
    history.on_epoch_end(0, {"loss": 0.75})
    path.unlink()  # the folder may be there again, because the checkpoint is written into a new one
    with pytest.raises(DataError, match="run: was deleted during the training"):
        history.on_epoch_end(1, {"loss": 0.75})


def test_tensorboard_logs_on_a_full_disk_name_the_folder(tmp_path, monkeypatch):
    images = np.zeros((1, 4, 4, 1), "float32")
    logs = TensorBoardLogs(tmp_path / "logs", (images, images.astype("uint8")), every=9)
    logs.set_params({"epochs": 9})
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr("socket.gethostname", lambda: "host")
    monkeypatch.setattr("time.time", lambda: 1234567890.5)
    (tmp_path / "logs" / "events.out.tfevents.1234567890.host").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught, logs:
        logs.on_epoch_end(1, {"loss": 0.5})
    assert caught.value.filename == str(tmp_path / "logs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # tensorboardX does not close a file that it cannot flush
        del logs, caught
        gc.collect()


def test_progress_bar_after_an_error_shows_the_cursor_again(tmp_path):
    console = Console(file=io.StringIO(), force_terminal=True, force_interactive=True)
    bar = ProgressBar(console)
    bar.set_params({"epochs": 2})
    with pytest.raises(OSError, match="full"), bar:
        bar.on_train_begin()
        raise OSError("full")
    assert console.file.getvalue().rfind("\x1b[?25h") > console.file.getvalue().rfind("\x1b[?25l") >= 0
