import pytest

from keras_lvseg_cli.app import run


@pytest.fixture
def run_command(capsys, monkeypatch):
    """Run the command line in this process, on a terminal of 140 columns; gives exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "140")

    def run_here(*arguments):
        with pytest.raises(SystemExit) as exit_info:
            run([str(argument) for argument in arguments])
        return exit_info.value.code, *capsys.readouterr()

    return run_here
