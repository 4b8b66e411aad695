"""Checks of a tree for faults, before anyone trains on it."""

from keras_lvseg.audit.audit_tree import AuditReport, audit_tree
from keras_lvseg.audit.findings import Finding

__all__ = ["AuditReport", "Finding", "audit_tree"]
