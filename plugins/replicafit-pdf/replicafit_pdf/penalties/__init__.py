"""Penalties: terms added to chi2, and the verdicts they give."""
