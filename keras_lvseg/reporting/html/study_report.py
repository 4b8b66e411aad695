"""The report of one study: volumes, the volume-time curve and the contours of all slices."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from keras_lvseg.geometry import mask_contours
from keras_lvseg.reporting.html.html_page import RESEARCH_ONLY, STYLE, cells, escape, write_page
from keras_lvseg.reporting.html.volume_curve import volume_curve
from keras_lvseg.reporting.overlays import grey_levels

_MARGIN = 16  # pixels around the masks of a montage
_MAX_SKIPPED = 200  # images; `study.json` has all

# Key, title, unit, and mean and standard deviation of men and of women: those of `_SOURCE`, taken from the review
# doi:10.21037/cdt-20-530 (2020), whose Table 3 quotes them.
_MEASURES = (
    ("edv_ml", "End-diastolic volume", "mL", (160, 27), (132, 23)),
    ("esv_ml", "End-systolic volume", "mL", (54, 14), (44, 11)),
    ("stroke_volume_ml", "Stroke volume", "mL", (108, 18), (87, 15)),
    ("ejection_fraction_percent", "Ejection fraction", "%", (67, 5), (67, 5)),
    ("myocardial_mass_g", "Myocardial mass", "g", (134, 21), (98, 21)),
)
_SOURCE = (
    "Normal ranges of adults: mean plus and minus two standard deviations after Kawel-Boehm et al., Normal values for "
    "cardiovascular magnetic resonance in adults and children, J Cardiovasc Magn Reson 17:29 (2015), "
    '<a href="https://doi.org/10.1186/s12968-015-0111-7">doi:10.1186/s12968-015-0111-7</a>. Groups differ in how they '
    "draw the base and the papillary muscles, so a value near a limit decides nothing."
)


@dataclass(frozen=True, eq=False)
class Tile:
    """One image of a montage.

    Attributes:
        caption: Plain text.
        image: Array of shape (rows, columns), in any unit.
        mask: uint8 array of the same shape: 0 background, 1 cavity, 2 myocardium.
    """

    caption: str
    image: np.ndarray
    mask: np.ndarray


def write_study_report(
    path: str | os.PathLike[str], record: Mapping[str, Any], montages: Mapping[str, Sequence[Tile]]
) -> None:
    """Write the report of a study as one HTML file that needs nothing else.

    Args:
        path: The HTML file to write.
        record: The values of `study.json`, see `keras_lvseg.inference.StudySegmentation.as_dict`.
        montages: Images by heading.
    """
    write_page(path, f"{record['study']}: left ventricle", _body(record, montages))


def study_fragment(record: Mapping[str, Any], montages: Mapping[str, Sequence[Tile]]) -> str:
    """Return the report of a study as HTML for a notebook.

    Args:
        record: See `write_study_report`.
        montages: See `write_study_report`.
    """
    return f'<div class="lvseg"><style>{STYLE}</style>{_body(record, montages)}</div>'


def _body(record: Mapping[str, Any], montages: Mapping[str, Sequence[Tile]]) -> str:
    return "\n".join(
        [
            f"<h1>{escape(record['study'])}</h1>",
            f'<p class="muted">{escape(_extent(record))}</p>',
            RESEARCH_ONLY,
            *_warnings(record),
            "<h2>Volumes</h2>",
            *_volumes(record),
            *_changes(record["changes"]),
            *_montages(montages),
            *_skipped(record["skipped"]),
            *_settings(record),
        ]
    )


def _extent(record: Mapping[str, Any]) -> str:
    images = f"{len(record['images'])} images"
    if record["slices"] is None:
        return f"{images}, slices and phases unknown"
    return f"{record['slices']} slices, {record['phases']} phases, {images}"


def _warnings(record: Mapping[str, Any]) -> Iterator[str]:
    flags = [f"<li><b>{escape(flag['code'])}</b>: {escape(flag['reason'])}</li>" for flag in record["flags"]]
    notes = [f"<li>{escape(note)}</li>" for note in record["notes"]]
    if flags or notes:
        yield f"<h2>Flags and notes</h2><ul>{''.join(flags + notes)}</ul>"


def _volumes(record: Mapping[str, Any]) -> Iterator[str]:
    if record["missing_reason"]:
        yield f"<p>Values are missing, because {escape(record['missing_reason'])}.</p>"
    rows = []
    for key, title, unit, *groups in _MEASURES:
        if record[key] is not None:
            ranges = (f"{mean - 2 * deviation} to {mean + 2 * deviation}" for mean, deviation in groups)
            rows.append(f"<tr>{cells('td', (title, f'{record[key]:.0f} {unit}', *ranges))}</tr>")
    if rows:
        head = cells("th", ("", "this study", "normal, men", "normal, women"))
        yield f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        yield f'<p class="muted">{_SOURCE}</p>'
    yield volume_curve(record["volumes"], record["ed_phase"], record["es_phase"])


def _changes(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence on masks that the rest of the study changed."""
    changed = [f"{count} {change}" for change, count in counts.items() if count]
    if changed:
        told = f"Masks changed by the rest of the study: {', '.join(changed)}. study.json names them."
        yield f'<p class="muted">{told}</p>'


def _montages(montages: Mapping[str, Sequence[Tile]]) -> Iterator[str]:
    windows = _windows([tile for tiles in montages.values() for tile in tiles])
    for heading, tiles in montages.items():
        yield f"<h2>{escape(heading)}</h2>"
        empty = sum(not tile.mask.any() for tile in tiles)
        if empty:
            yield f'<p class="muted">{empty} of {len(tiles)} images have no mask.</p>'
        drawn = "".join(_tile(tile, windows[tile.mask.shape]) for tile in tiles)
        yield f'<div class="tiles">{drawn}</div>'


def _tile(tile: Tile, window: tuple[slice, slice]) -> str:
    image, mask = tile.image[window], tile.mask[window]
    rows, columns = image.shape
    stored = io.BytesIO()
    Image.fromarray(grey_levels(image)).save(stored, "PNG", compress_level=9)
    link = f"data:image/png;base64,{base64.b64encode(stored.getvalue()).decode()}"
    outer = _path("outer", mask > 0) if (mask == 2).any() else ""
    caption = escape(tile.caption) + ("" if tile.mask.any() else ", no mask")
    drawn = f'<image href="{link}" width="{columns}" height="{rows}"/>{outer}{_path("cavity", mask == 1)}'
    picture = f'<svg viewBox="0 0 {columns} {rows}" role="img" aria-label="{caption}">{drawn}</svg>'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _path(name: str, mask: np.ndarray) -> str:
    """Return the contours of a mask as an SVG path, whose coordinates begin at the corner of the first pixel."""
    contours = ("M" + "L".join(f"{x:g} {y:g}" for x, y in contour + 0.5) + "Z" for contour in mask_contours(mask))
    drawn = "".join(contours)
    return f'<path class="{name}" d="{drawn}"/>' if drawn else ""


def _windows(tiles: Sequence[Tile]) -> dict[tuple[int, ...], tuple[slice, slice]]:
    """Return one window for all images of a shape, around all their masks, so that slices and phases compare."""
    windows: dict[tuple[int, ...], tuple[slice, slice]] = {}
    for shape in {tile.mask.shape for tile in tiles}:
        filled = np.argwhere(np.any([tile.mask > 0 for tile in tiles if tile.mask.shape == shape], axis=0))
        if not len(filled):
            windows[shape] = (slice(None), slice(None))
            continue
        low, high = filled.min(axis=0) - _MARGIN, filled.max(axis=0) + _MARGIN + 1
        side = int((high - low).max())
        first = np.clip((low + high - side) // 2, 0, np.maximum(np.array(shape) - side, 0))
        windows[shape] = (slice(int(first[0]), int(first[0]) + side), slice(int(first[1]), int(first[1]) + side))
    return windows


def _skipped(skipped: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not skipped:
        return
    lines = []
    for file in skipped[:_MAX_SKIPPED]:
        frame = "" if file["frame"] is None else f", frame {file['frame']}"
        name = "an image" if file["file"] is None else f"{file['file']}{frame}"
        lines.append(f"<li>{escape(name)}: {escape(file['reason'])}</li>")
    if len(skipped) > _MAX_SKIPPED:
        lines.append(f"<li>{len(skipped) - _MAX_SKIPPED} more</li>")
    yield f"<h2>Skipped images</h2><ul>{''.join(lines)}</ul>"


def _settings(record: Mapping[str, Any]) -> Iterator[str]:
    rows = "".join(f"<tr>{cells('td', pair, (0, 1))}</tr>" for pair in _flat(record["settings"]))
    yield f'<details><summary>Settings</summary><div class="wide"><table><tbody>{rows}</tbody></table></div></details>'


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}, {inner}", own) for inner, own in value.items())
        else:
            yield name, value
