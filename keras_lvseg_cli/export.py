"""The command `keras-lvseg export`: a trained network for programs without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console


def export(
    run: Annotated[str, typer.Argument(help="Run folder that 'train' wrote, or sax-lv: the bundled weights.")],
    out: Annotated[Path, typer.Argument(help="Output folder, new or empty.")],
    format: Annotated[Literal["openvino", "onnx"], typer.Option(help="Format of the network.")] = "openvino",
    images: Annotated[
        Path | None,
        typer.Option(help="Images to compare with Keras on, as 'segment' takes them; default: a synthetic heart."),
    ] = None,
) -> None:
    """Export a trained network to OpenVINO or ONNX, and compare it with Keras."""
    from keras_lvseg.inference import export_network
    from keras_lvseg.reporting import terminal_text

    parity = export_network(run, out, format=format, images=images)
    console = Console()
    for line in (
        f"{parity.computed_by} and {parity.compared_with}, on {parity.images} images:",
        f"largest difference of logits {parity.largest_difference:.2g}, of at most {parity.largest_logit:.3g}",
        f"{parity.equal_pixels:.4%} of the pixels have the same class",
        f"network in {out}",
    ):
        console.print(terminal_text(line), soft_wrap=True)
