"""Flags from the masks of a study: what no heart does, and what the network is unsure of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_lvseg.inference.consistency.cavity import Cavity, distance, mask_cavity
from keras_lvseg.inference.consistency.heart_axis import FAR, heart_axis, slice_heights
from keras_lvseg.inference.consistency.phase_jumps import phase_jumps
from keras_lvseg.inference.consistency.study_masks import Change
from keras_lvseg.models.pretrained import CERTAINTY
from keras_lvseg.studies.study import Study
from keras_lvseg.studies.study_volumes import Flag, StudyVolumes

_MIN_SLICES = 5  # with a mask at end-diastole
_EDV = (40.0, 450.0)  # mL
_EF = (8.0, 80.0)  # percent
_SHARE = 0.1  # of the volume at ED or ES
_SLICE_AREA = 0.5  # change of area from slice to slice, as a fraction of the phase's largest area
_MAX_LISTED = 6

_Place = tuple[int, int]


def mask_flags(
    study: Study,
    masks: Sequence[np.ndarray],
    certainties: Sequence[float | None],
    volumes: StudyVolumes,
    *,
    changes: Sequence[Change | None],
    uncertain: float = CERTAINTY["flag"],
) -> Iterator[Flag]:
    """Yield reasons why the masks of a study may be wrong.

    Args:
        study: The study. Its slices and phases are known.
        masks: Class numbers per frame, uint8 arrays.
        certainties: Mean probability inside the cavity per frame. None if the mask is empty.
        volumes: The volumes from the masks.
        changes: How each mask was changed by the rest of the study, see `StudyMasks`.
        uncertain: Mean probability inside a mask, below which the mask is uncertain: the network's `certainty["flag"]`.

    Example:
        >>> from pathlib import Path
        >>> from keras_lvseg.studies import Frame
        >>> frame = {"rows": 40, "columns": 40, "pixel_spacing": (2.0, 2.0), "slice_spacing": 8.0}
        >>> frames = [Frame(Path(f"{s}"), "", "", slice=s, **frame) for s in range(5)]
        >>> masks = np.zeros((5, 40, 40), np.uint8)
        >>> masks[[0, 1, 3, 4], 10:20, 10:20] = 1
        >>> study, certainties = Study("P1", tuple(frames)), [0.95, 0.95, None, 0.95, 0.95]
        >>> flags = mask_flags(study, masks, certainties, StudyVolumes(), changes=[None] * 5)
        >>> [(flag.code, flag.images) for flag in flags]
        [('holes', ((2, 0),)), ('empty-middle', ((2, 0),)), ('few-slices', ())]
    """
    spacings = [(1.0, 1.0) if np.isnan(frame.pixel_spacing).any() else frame.pixel_spacing for frame in study.frames]
    cavities = {
        (frame.slice, frame.phase): mask_cavity(mask, frame, spacing, 0.5 if certainty is None else certainty)
        for frame, mask, spacing, certainty in zip(study.frames, masks, spacings, certainties, strict=True)
    }
    known = not any(np.isnan(frame.pixel_spacing).any() for frame in study.frames)
    if known:
        yield from _off_axis(study, cavities)
    yield from _empty(study, cavities)
    if known:
        yield from _jumps(study, cavities)
    yield from _volumes(study, cavities, volumes)
    resolved = {
        (frame.slice, frame.phase) for frame, change in zip(study.frames, changes, strict=True) if change == "resolved"
    }
    yield from _uncertain(study, cavities, volumes, resolved, uncertain)


def _off_axis(study: Study, cavities: dict[_Place, Cavity | None]) -> Iterator[Flag]:
    own = [cavities[frame.slice, frame.phase] for frame in study.frames]
    axis = heart_axis(study.frames, own, slice_heights(study.frames))
    far = [place for place, cavity in cavities.items() if cavity and distance(cavity, axis[place[0]]) > FAR]
    if far:
        yield _flag("off-axis", f"masks are more than {FAR:.0f} mm from the axis of the others", far)


def _empty(study: Study, cavities: dict[_Place, Cavity | None]) -> Iterator[Flag]:
    holes = []
    for phase in study.phases:
        filled = [slice_ for slice_ in study.slices if cavities.get((slice_, phase))]
        holes += [
            (slice_, phase)
            for slice_ in study.slices
            if (slice_, phase) in cavities and filled and filled[0] < slice_ < filled[-1] and slice_ not in filled
        ]
    if holes:
        yield _flag("holes", "masks are empty between slices that have one", holes)
    third = len(study.slices) // 3
    empty = []
    for slice_ in study.slices[third : len(study.slices) - third]:
        own = [place for place in cavities if place[0] == slice_]
        without = [place for place in own if cavities[place] is None]
        if 2 * len(without) > len(own):
            empty += without
    if empty:
        yield _flag("empty-middle", "slices in the middle of the stack have no mask", empty)


def _jumps(study: Study, cavities: dict[_Place, Cavity | None]) -> Iterator[Flag]:
    jumps = []
    for slice_ in study.slices:
        phases = [phase for phase in study.phases if (slice_, phase) in cavities]
        jumps += [(slice_, phases[i]) for i in phase_jumps([cavities[slice_, phase] for phase in phases])]
    if jumps:
        yield _flag("phase-jump", "masks differ from those of the phases before and after", jumps)
    jumps = []
    for phase in study.phases:
        filled = [(slice_, own) for slice_ in study.slices if (own := cavities.get((slice_, phase)))]
        largest = max((own.area for _, own in filled), default=0.0)
        for (_, before), (slice_, own), (_, after) in zip(filled, filled[1:], filled[2:], strict=False):
            areas = before.area, after.area
            if min(areas) - own.area > _SLICE_AREA * largest or own.area - max(areas) > _SLICE_AREA * largest:
                jumps.append((slice_, phase))
    if jumps:
        yield _flag("slice-jump", "masks differ from those of the slices before and after", jumps)


def _volumes(study: Study, cavities: dict[_Place, Cavity | None], volumes: StudyVolumes) -> Iterator[Flag]:
    phase = volumes.ed.phase if volumes.ed else study.phases[0]
    filled = sum(cavities.get((slice_, phase)) is not None for slice_ in study.slices)
    if len(study.slices) > 1 and filled < _MIN_SLICES:
        yield Flag(
            "few-slices", f"slices with a mask in phase {phase}: {filled}; a whole ventricle has {_MIN_SLICES} or more"
        )
    edv, fraction = volumes.edv_ml, volumes.ejection_fraction
    if edv is None or fraction is None:
        return
    wrong = []
    if not _EDV[0] <= edv <= _EDV[1]:
        wrong.append(f"an EDV of {edv:.0f} mL is outside {_EDV[0]:.0f} to {_EDV[1]:.0f} mL")
    if not _EF[0] <= fraction <= _EF[1]:
        wrong.append(f"an EF of {fraction:.0f} % is outside {_EF[0]:.0f} to {_EF[1]:.0f} %")
    if wrong:
        yield Flag("unusual-volume", " and ".join(wrong))


def _uncertain(
    study: Study,
    cavities: dict[_Place, Cavity | None],
    volumes: StudyVolumes,
    resolved: set[_Place],
    threshold: float,
) -> Iterator[Flag]:
    """Yield flags for the masks that ED and ES come from, or for those of all phases if these are unknown."""
    phases = [phase.phase for phase in (volumes.ed, volumes.es) if phase] or [*study.phases]
    uncertain = _large_share(cavities, phases, lambda place, cavity: cavity.certainty < threshold)
    # A neighbour of ED or ES may have been the true one before it was resolved.
    order = [*study.phases]
    near = {order[(order.index(phase) + step) % len(order)] for phase in phases for step in (-1, 0, 1)}
    changed = _large_share(cavities, sorted(near), lambda place, _: place in resolved)
    if uncertain:
        reason = f"masks with a mean probability under {threshold:g} make more than {_SHARE:.0%} of a volume"
        yield _flag("uncertain", reason, uncertain)
    if changed:
        yield _flag("resolved", f"masks taken from other phases make more than {_SHARE:.0%} of a volume", changed)


def _large_share(
    cavities: dict[_Place, Cavity | None], phases: Sequence[int], choose: Callable[[_Place, Cavity], bool]
) -> list[_Place]:
    """Return the chosen masks of the phases where they make a large share of the volume."""
    found: list[_Place] = []
    for phase in phases:
        own = {place: cavity for place, cavity in cavities.items() if place[1] == phase and cavity}
        chosen = [place for place, cavity in own.items() if choose(place, cavity)]
        if sum(own[place].area for place in chosen) > _SHARE * sum(cavity.area for cavity in own.values()):
            found += chosen
    return found


def _flag(code: str, reason: str, places: Sequence[_Place]) -> Flag:
    """Return a flag that names its images: phases by slice."""
    by_slice: dict[int, list[int]] = defaultdict(list)
    for slice_, phase in sorted(places):
        by_slice[slice_].append(phase)
    named = [f"slice {slice_} (phase {_ranges(phases)})" for slice_, phases in by_slice.items()]
    more = f" and {len(named) - _MAX_LISTED} more slices" if len(named) > _MAX_LISTED else ""
    return Flag(code, f"{reason}: {', '.join(named[:_MAX_LISTED])}{more}", tuple(sorted(places)))


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as text, such as "0, 3-5"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}" if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
