import importlib.util

import pytest

from keras_lvseg_cli import cluster_options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers=2", "--scheduler=tcp://host:8786"], "Invalid value for --workers: is not used with --scheduler"),
        (["--workers=0"], "Invalid value for '--workers': Input should be greater than or equal to 1"),
        (["--workers=2", "--retries=-1"], "Invalid value for '--retries': Input should be greater than or equal to 0"),
    ],
)
def test_segment_wrong_cluster_options_are_one_line(run_command, tmp_path, options, message):
    code, _, err = run_command("segment", tmp_path, tmp_path / "out", *options)
    assert (code, err) == (2, f"keras-lvseg: error: {message}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--workers=2", "--scheduler=tcp://host:8786"])
def test_segment_without_the_extra_is_one_line(run_command, tmp_path, monkeypatch, option):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        cluster_options.importlib.util, "find_spec", lambda name: None if name == "distributed" else find_spec(name)
    )
    code, _, err = run_command("segment", tmp_path, tmp_path / "out", option)
    name = option.split("=")[0]
    expected = f"Invalid value for {name}: needs the extra 'cluster': pip install 'keras-lvseg[cluster]'"
    assert (code, err) == (2, f"keras-lvseg: error: {expected}\n")
    assert not (tmp_path / "out").exists()
