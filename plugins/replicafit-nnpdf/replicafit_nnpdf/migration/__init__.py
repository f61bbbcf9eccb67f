"""Translates runcards of n3fit, NNPDF's code, into ours; nothing of them is dropped silently."""

from replicafit_nnpdf.migration.card import Migration, Options, migrated, options_for
from replicafit_nnpdf.migration.usable import emptied, without_theory

__all__ = ["Migration", "Options", "emptied", "migrated", "options_for", "without_theory"]
