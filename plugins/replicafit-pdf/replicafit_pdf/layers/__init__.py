"""Layers of parton distribution functions."""
