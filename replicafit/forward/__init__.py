"""From function values to predictions and chi2."""
