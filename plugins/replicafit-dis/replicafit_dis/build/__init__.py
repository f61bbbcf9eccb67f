"""Computes the shipped files from published data and theory: ``python -m replicafit_dis.build``.

Needs the extra ``replicafit-dis[build]``; nothing here is imported when a fit reads its data.

    measurements.py         measured values and their uncertainties, from the package nnpdf-data
    observables.py          what was measured, in terms of structure functions
    target_mass.py          the same with a massive target
    evolution.py            evolution and massless structure functions, by hoppet
    coefficients.py         coefficient functions with heavy quarks, from yadism
    convolution.py          their integrals with the basis functions of the x grid
    heavy.py, charged.py    charm and bottom masses in neutral currents, charm in charged ones
    corrections.py          what heavy quarks add to each observable
    tables.py               the FK tables: observables of each basis function of the x grid
    nuclei.py               deuterons and iron
    files.py                the dataset file, written whole or not at all
"""
