"""Tables for terminals, images and HTML reports, from plain values, studies and scores."""

from keras_lvseg.reporting.audit_table import audit_summary, audit_table
from keras_lvseg.reporting.bland_altman import write_bland_altman
from keras_lvseg.reporting.comparison_files import ComparisonFiles, write_comparison
from keras_lvseg.reporting.comparison_table import comparison_notes, comparison_table, submission_notes
from keras_lvseg.reporting.contact_sheet import draw_contact_sheet, write_contact_sheet
from keras_lvseg.reporting.evaluation_files import EvaluationFiles, write_evaluation
from keras_lvseg.reporting.html.html_report import ReportSection, write_html_report
from keras_lvseg.reporting.html.index_report import write_index_report
from keras_lvseg.reporting.html.study_report import Tile, study_fragment, write_study_report
from keras_lvseg.reporting.overlays import draw_overlay, write_overlay
from keras_lvseg.reporting.progress_bar import progress_bar
from keras_lvseg.reporting.score_tables import challenge_table, score_rows, score_table
from keras_lvseg.reporting.segmentation_table import (
    VOLUME_COLUMNS,
    segmentation_notes,
    segmentation_table,
    write_volume_table,
)
from keras_lvseg.reporting.terminal_text import terminal_text
from keras_lvseg.reporting.training_curves import write_training_curves

__all__ = [
    "VOLUME_COLUMNS",
    "ComparisonFiles",
    "EvaluationFiles",
    "ReportSection",
    "Tile",
    "audit_summary",
    "audit_table",
    "challenge_table",
    "comparison_notes",
    "comparison_table",
    "draw_contact_sheet",
    "draw_overlay",
    "progress_bar",
    "score_rows",
    "score_table",
    "segmentation_notes",
    "segmentation_table",
    "study_fragment",
    "submission_notes",
    "terminal_text",
    "write_bland_altman",
    "write_comparison",
    "write_contact_sheet",
    "write_evaluation",
    "write_html_report",
    "write_index_report",
    "write_overlay",
    "write_study_report",
    "write_training_curves",
    "write_volume_table",
]
