import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from keras_lvseg.audit import audit_tree
from tests.png_tree import write_png, write_png_tree


@pytest.fixture
def tree(tmp_path):
    return write_png_tree(tmp_path / "tree")


def errors(tree):
    return {finding.code: finding.files for finding in audit_tree(tree).errors}


def test_audit_tree_png_without_faults_has_no_errors(tree):
    report = audit_tree(tree)
    assert (report.patients, report.images, report.contours) == (2, 8, 16)
    assert report.errors == ()
    assert Counter(finding.code for finding in report.warnings) == {"missing-frames": 2}


def test_audit_tree_real_png_has_no_errors(sunnybrook_png):
    report = audit_tree(sunnybrook_png)
    assert (report.patients, report.images, report.contours) == (15, 260, 395)
    assert report.errors == ()


def test_audit_tree_unreadable_png_are_found_and_hide_nothing(tree):
    for name in ("images/P1-0001.png", "i_labels/P1-0008.png"):
        content = (tree / name).read_bytes()
        (tree / name).write_bytes(content[:-30])
    write_png(tree / "i_labels" / "P2-0001.png", np.zeros((20, 16), np.uint8))
    shutil.copy(tree / "i_labels" / "P2-0008.png", tree / "i_labels" / "P1-0028.png")
    report = audit_tree(tree)
    assert [(finding.code, finding.files) for finding in report.errors] == [
        ("repeated-contour", ("i_labels/P1-0028.png", "i_labels/P2-0008.png")),
        ("unreadable-contour", ("i_labels/P1-0008.png",)),
        ("unreadable-image", ("images/P1-0001.png",)),
        ("unreadable-contour", ("i_labels/P2-0001.png",)),
    ]
    assert "is an empty label" in report.errors[3].message


def test_audit_tree_labels_of_another_frame_are_found(tree):
    inner, outer = (tree / folder / "P1-0021.png" for folder in ("i_labels", "o_labels"))
    image = tree / "images" / "P1-0021.png"
    write_png(outer, np.roll(np.array(Image.open(outer)), 7, axis=1))
    assert errors(tree) == {
        "inner-not-inside-outer": ("i_labels/P1-0021.png", "o_labels/P1-0021.png", "images/P1-0021.png")
    }
    write_png(outer, np.array(Image.open(inner)))
    write_png(image, 255 - np.array(Image.open(image)))
    assert errors(tree) == {
        "repeated-contour": ("i_labels/P1-0021.png", "o_labels/P1-0021.png"),
        "dark-blood": ("i_labels/P1-0021.png", "images/P1-0021.png"),
    }


def test_audit_tree_image_of_two_patients_is_found(tree):
    shutil.copy(tree / "images" / "P1-0001.png", tree / "images" / "P2-0021.png")
    findings = {finding.code: finding for finding in audit_tree(tree).errors}
    assert findings["repeated-patient"].patients == ("P1", "P2")
    assert findings["repeated-patient"].message == "share 1 image with equal pixels"
