"""The options of the commands that read labels."""

from __future__ import annotations

from typing import Annotated

import typer

LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=VALUE",
        help="Value of 'cavity' or 'myocardium' in label NIfTI files; give both; default: cavity=1, myocardium=2.",
    ),
]
OutlineOption = Annotated[
    bool,
    typer.Option(
        "--labels-include-outline", help="The label images were filled with their outline included: remove it."
    ),
]


def read_label_values(words: list[str] | None) -> dict[str, int] | None:
    """Return `label_values` of `SAXDataset`, which checks names and range.

    Raises:
        typer.BadParameter: A word is not NAME=VALUE with a whole number, or a name occurs twice.
    """
    values: dict[str, int] = {}
    for word in words or ():
        name, _, value = word.partition("=")
        if not (name and value.isascii() and value.isdecimal()) or name in values:
            rule = "a name given once" if name in values else "NAME=VALUE such as cavity=3"
            raise typer.BadParameter(f"expected {rule}, got {word!r}.", param_hint="--label")
        values[name] = int(value)
    return values or None
