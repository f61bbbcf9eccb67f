"""Chi2 per datum of a fit's mean prediction, by experiment, beside that of a known function.

    python docs/beside_known.py FIT_DIR KNOWN [LABEL]

Both with the data, theory and experimental covariance of the fit. KNOWN is an LHAPDF set or member,
a function.npz or another fit, at the scale of the fit. The ratio is above 1 where the fit is worse.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

import replicafit
from replicafit.data.known_functions import known_function, on_flavours
from replicafit.forward.assembly import load_data
from replicafit.forward.predictions import chi2, predict_all
from replicafit.plugins import load_registry
from replicafit.results.data_file import experiment_places
from replicafit.runcard import load_setup


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fit", type=Path)
    parser.add_argument("known", type=Path)
    parser.add_argument("label", nargs="?", default="known")
    given = parser.parse_args()
    registry = load_registry()
    fit = replicafit.load_fit(given.fit)
    setup = load_setup(given.fit / "runcard.yml", registry=registry)
    data = load_data(replace(setup, folder=given.fit / fit.run.runcard_folder))
    ours = fit.predictions().mean(axis=0)
    known = known_function(str(given.known), Path(), fit.attributes, registry)
    read = np.isin(data.x_grid, np.concatenate([each.x_grid for each in data.datasets]))
    functions = np.zeros((1, len(data.x_grid), len(data.flavours)))  # penalties look at more x
    functions[0, read] = on_flavours(known, data.x_grid[read], data.flavours, registry)
    theirs = predict_all(data, registry, functions)[0]
    rows = {"all": np.arange(data.n_data), **experiment_places(data)}
    rows |= {
        d.name: np.arange(p.start, p.stop) for d, p in zip(data.datasets, data.slices, strict=True)
    }
    print(f"| | data | this fit, mean of {len(fit)} | {given.label} | ratio |")
    print("|---|---|---|---|---|")
    for name, at in rows.items():
        covariance = data.covariance[np.ix_(at, at)]
        a, b = (float(chi2(p[at] - data.central[at], covariance)) / len(at) for p in (ours, theirs))
        print(f"| {name} | {len(at)} | {a:.3f} | {b:.3f} | {a / b:.2f} |")


if __name__ == "__main__":
    main()
