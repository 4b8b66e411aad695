"""The entry point of the script `keras-lvseg` and of `python -m keras_lvseg_cli`."""

from keras_lvseg_cli.signals import exit_on_signals


def main() -> None:
    """Run the command of this process."""
    exit_on_signals()  # before the other imports, so that Ctrl-C during them is one line as well
    import sys

    from keras_lvseg_cli.app import run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
