"""Files of a comparison of volumes."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from keras_lvseg.errors import printable
from keras_lvseg.evaluation import VolumeComparison
from keras_lvseg.files import write_json, write_rows
from keras_lvseg.reporting.bland_altman import write_bland_altman


@dataclass(frozen=True)
class ComparisonFiles:
    """Paths of the files of a comparison.

    Attributes:
        comparison: Agreement, CRPS and all problems, JSON.
        studies: Measured and true volumes by study, CSV.
        bland_altman: Bland-Altman plots, PNG.
    """

    comparison: Path
    studies: Path
    bland_altman: Path


def write_comparison(comparison: VolumeComparison, folder: str | os.PathLike[str]) -> ComparisonFiles:
    """Write agreement, studies and plots. Files of an earlier comparison are replaced.

    Args:
        comparison: Result of `keras_lvseg.evaluation.compare_volumes`.
        folder: The output folder.

    Returns:
        The paths of the files.
    """
    folder = Path(folder)
    files = ComparisonFiles(folder / "comparison.json", folder / "studies.csv", folder / "bland_altman.png")
    write_json(files.comparison, comparison.as_dict())
    write_rows(
        files.studies,
        [
            {
                **asdict(study),
                "study": printable(study.study),
                "patient": printable(study.patient),
                "ejection_fraction_percent": study.ejection_fraction_percent,
                "true_ejection_fraction_percent": study.true_ejection_fraction_percent,
            }
            for study in comparison.studies
        ],
    )
    write_bland_altman(files.bland_altman, comparison)
    return files
