"""Translates runcards of n3fit, NNPDF's code, into ours; nothing of them is dropped silently."""

from replicafit_nnpdf.migration.card import Migration, Options, migrated, options_for

__all__ = ["Migration", "Options", "migrated", "options_for"]
