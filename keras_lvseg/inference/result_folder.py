"""The result folder of a run: studies as they finish, and tables of all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import atomic_directory, delete_abandoned, locked_directory, read_json, require_empty, write_json
from keras_lvseg.inference.inputs import RESULT_FILE
from keras_lvseg.inference.output_names import numbered_study
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.inference.study_files import (
    DEFAULT_OUTPUTS,
    OUTPUTS,
    STUDY_FILE,
    check_outputs,
    record_checksum,
    write_study_files,
)
from keras_lvseg.inference.study_segmentation import StudySegmentation
from keras_lvseg.reporting.html.index_report import write_index_report
from keras_lvseg.reporting.segmentation_table import write_volume_table
from keras_lvseg.studies.skipped_file import SkippedFile

if TYPE_CHECKING:
    from distributed import Client

_MAX_STUDY_FILE = 2**28  # bytes

StudyOutcome = tuple[Mapping[str, Any] | None, tuple[SkippedFile, ...]]
"""Summary of a study; or None and its files, which are no study."""


@dataclass(frozen=True)
class RunSummary:
    """Results of a run.

    Attributes:
        studies: Plain values of each study, finished or failed, in the order of the input.
        notes: Remarks on the input and the studies, one line each.
        skipped: Files that belong to no study, each with `file` and `reason`.
    """

    studies: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    skipped: tuple[Mapping[str, Any], ...]

    @property
    def failed(self) -> tuple[Mapping[str, Any], ...]:
        """The studies without results."""
        return tuple(study for study in self.studies if study["error"])


class ResultFolder:
    """Folder of the results of all studies of an input.

    `open_results` makes one. It writes each study as soon as it is done, whole or not at all.

    Attributes:
        path: The folder.
        outputs: What is written beside `study.json`.
        anonymous: Whether studies are numbered.
    """

    def __init__(self, path: Path, outputs: Sequence[str], anonymous: bool):
        self.path = path
        self.outputs = [name for name in OUTPUTS if name in outputs]
        self.anonymous = anonymous

    def write(
        self,
        segmentation: Segmentation,
        on_progress: Callable[[int, int], None] | None = None,
        *,
        client: Client | None = None,
        retries: int = 3,
    ) -> RunSummary:
        """Segment and write all studies that are not finished, then `volumes.csv`, `segmentation.json`, `index.html`.

        A study that cannot be segmented is part of the summary with its reason, and stops no other.

        Args:
            segmentation: The studies.
            on_progress: Called with the number of finished images and of all images of the studies to be done.
            client: Client of a Dask cluster whose workers segment and write the studies, see `open_cluster`. They must
                see input, run folder and output under the same paths. The files are the same for any number of workers.
                None does the work in this process.
            retries: Number of dead workers after which a study is tried once more. Then it is given up, with a reason.

        Raises:
            DataError: The folder has results of another network, version, input or choice of outputs, or it cannot be
                written. Or the cluster was lost, or a worker cannot take part.
        """
        outcomes: dict[int, StudyOutcome] = {
            index: (study, ()) for index in range(len(segmentation)) if (study := self.finished(segmentation, index))
        }
        todo = [index for index in range(len(segmentation)) if index not in outcomes]
        images = {index: len(segmentation.studies[index].frames) for index in todo}
        total, done = sum(images.values()), 0

        def report(more: int) -> None:
            if on_progress:
                on_progress(done + more, total)

        finished_now: Iterator[tuple[int, StudyOutcome]]
        if client is None:
            finished_now = ((index, self.write_study(segmentation, index, report)) for index in todo)
        else:
            from keras_lvseg.inference.archives.cluster_run import write_on_cluster

            finished_now = write_on_cluster(client, self, segmentation, todo, retries=retries)
        try:
            for index, outcome in finished_now:
                outcomes[index] = outcome
                done += images[index]
                if client is not None:  # workers do not report images
                    report(0)
            in_order = [outcomes[index] for index in range(len(segmentation))]
            studies = [study for study, _ in in_order if study is not None]
            skipped = [*segmentation.skipped, *(file for _, files in in_order for file in files)]
            summary = self._summary(segmentation, studies, skipped)
            self._write_summary(segmentation, summary)
        except OSError:  # a full disk; reading raises a DataError
            with as_data_error(self.path, "cannot be written"):
                raise
        return summary

    def write_study(
        self, segmentation: Segmentation, index: int, on_images: Callable[[int], None] | None = None
    ) -> StudyOutcome:
        """Segment and write a study.

        Args:
            segmentation: The studies.
            index: Index of the study, from 0.
            on_images: Called after each step with the number of finished images of the study.

        Raises:
            DataError: The study's folder exists.
            OSError: The folder cannot be written.
        """
        result = segmentation.segment_study(index, on_images=on_images)
        if result.error and result.study.geometry_error is not None:
            return None, result.study.skipped  # stray images, such as screenshots, are no study
        return self._write_study(result), ()

    def give_up(self, segmentation: Segmentation, index: int, reason: str) -> Mapping[str, Any]:
        """Return the summary of a study that is given up.

        Args:
            segmentation: The studies.
            index: Index of the study, from 0.
            reason: Why.
        """
        record = segmentation.give_up(index, reason).as_dict(anonymous=self.anonymous)
        return _summarize({**record, "missing_reason": reason}, reason)

    def _write_study(self, result: StudySegmentation) -> Mapping[str, Any]:
        record = result.as_dict(anonymous=self.anonymous)
        if result.error:
            return _summarize(record, record["missing_reason"])
        try:
            with atomic_directory(self.path / record["study"]) as temporary:
                return _summarize(write_study_files(temporary, result, record, self.outputs), None)
        except DataError as error:
            if Path(error.path).is_relative_to(self.path):  # the output, not an image
                raise
            reason = f"{Path(error.path).name}: {error.reason}"
            return _summarize(record, "an image cannot be read again" if self.anonymous else reason)

    def finished(self, segmentation: Segmentation, index: int) -> Mapping[str, Any] | None:
        """Return the summary of a study that was finished before, None if there is none.

        Args:
            segmentation: The studies.
            index: Index of the study, from 0.

        Raises:
            DataError: The study's folder has other results.
        """
        name = numbered_study(segmentation.numbers[index]) if self.anonymous else segmentation.folders[index]
        folder = self.path / name
        if not folder.exists():
            return None
        hint = f"name another folder, or delete {name}"
        record = read_json(folder / STUDY_FILE, _MAX_STUDY_FILE) if (folder / STUDY_FILE).exists() else {}
        if not isinstance(record, dict) or "fingerprint" not in record:
            raise DataError(folder, "is not a result of segment", hint)
        if record["fingerprint"] != segmentation.fingerprint(index):
            raise DataError(folder, "has results of other images", hint)
        if record.get("settings") != segmentation.settings:
            raise DataError(folder, "has results of another network or version", hint)
        if record.get("checksum") != record_checksum(record):
            raise DataError(folder / STUDY_FILE, "is damaged or was edited", hint)
        outputs = record["outputs"]
        if (outputs, record["anonymous"]) != (self.outputs, self.anonymous):
            expected, got = (
                f"--write {','.join(names)}{' --anonymous' if hidden else ''}"
                for names, hidden in ((self.outputs, self.anonymous), (outputs, record["anonymous"]))
            )
            raise DataError(folder, "was written with other options", hint, expected, got)
        return _summarize(record, None)

    def _summary(
        self, segmentation: Segmentation, studies: Sequence[Mapping[str, Any]], skipped: Sequence[SkippedFile]
    ) -> RunSummary:
        if not studies:
            first = f"{skipped[0].path.relative_to(segmentation.root)} {skipped[0].reason}"
            raise DataError(segmentation.root, "holds no image that can be segmented", first)
        counts = Counter(note for study in studies for note in study["notes"])
        notes = [f"{note} ({count} studies)" if count > 1 else note for note, count in counts.items()]
        files = [
            {"file": None, "reason": "cannot be segmented"}
            if self.anonymous
            else {"file": file.path.relative_to(segmentation.root).as_posix(), "reason": file.reason}
            for file in skipped
        ]
        own = () if self.anonymous else segmentation.notes
        return RunSummary(tuple(studies), (*own, *notes), tuple(files))

    def _write_summary(self, segmentation: Segmentation, summary: RunSummary) -> None:
        write_volume_table(self.path / "volumes.csv", summary.studies)
        values = {
            **segmentation.settings,
            "outputs": self.outputs,
            "anonymous": self.anonymous,
            "notes": [*summary.notes],
            "studies": [*summary.studies],
            "skipped": [*summary.skipped],
        }
        write_json(self.path / RESULT_FILE, values)
        write_index_report(self.path / "index.html", values)


@contextmanager
def open_results(
    folder: str | os.PathLike[str],
    *,
    outputs: Sequence[str] = DEFAULT_OUTPUTS,
    resume: bool = False,
    anonymous: bool = False,
) -> Iterator[ResultFolder]:
    """Open a folder for results, and lock it for this process.

    Args:
        folder: The folder to write, new or empty.
        outputs: See `StudySegmentation.write`.
        resume: Also take a folder of a run that did not finish, or one with more studies since, and keep the finished
            studies.
        anonymous: See `StudySegmentation.write`.

    Yields:
        The folder. It is deleted if it is new and nothing was written.

    Raises:
        DataError: The folder is not empty, cannot be written, or is in use by another process.
        ValueError: `outputs` has an unknown name.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import Segmenter
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder / "hearts", patients=1, frames="contoured")
        >>> with open_results(folder / "out", outputs=["masks"]) as results:
        ...     summary = results.write(Segmenter().segment(folder / "hearts"))
        >>> sorted(path.name for path in (folder / "out").iterdir())
        ['PHANTOM0001', 'index.html', 'segmentation.json', 'volumes.csv']
    """
    check_outputs(outputs)
    with locked_directory(folder) as path:
        if resume:
            delete_abandoned(path)
        else:
            require_empty(path)
        yield ResultFolder(path, outputs, anonymous)


def _summarize(record: Mapping[str, Any], error: str | None) -> dict[str, Any]:
    """Return what the tables of all studies have of one study."""
    counts = {
        "images": len(record["images"]),
        "masks": sum(image["area_pixels"] > 0 for image in record["images"]),
        "skipped_images": len(record["skipped"]),
    }
    flags = [*record["flags"]] if error is None else [{"code": "failed", "reason": error, "images": []}]
    left_out = ("volumes", "images", "skipped", "anonymous", "fingerprint", "settings", "outputs", "checksum")
    kept = {name: value for name, value in record.items() if name not in left_out}
    return {**kept, "flags": flags, **counts, "error": error}
