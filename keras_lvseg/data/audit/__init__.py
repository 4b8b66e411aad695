"""What is wrong with a tree, before anyone trains on it."""

from keras_lvseg.data.audit.findings import Finding
from keras_lvseg.data.audit.tree import AuditReport, audit_tree

__all__ = ["AuditReport", "Finding", "audit_tree"]
