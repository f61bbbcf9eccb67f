"""Ranges of the preprocessing exponents, for runcards that give none.

x^(1-alpha) (1-x)^beta; those of NNPDF4.0 in the evolution basis with fitted charm
(arXiv:2109.02653, section 3.2.4), for functions x f.
"""

ALPHA = {
    "sigma": (1.089, 1.119),
    "g": (0.7504, 1.098),
    "v": (0.479, 0.7384),
    "v3": (0.1073, 0.4397),
    "v8": (0.5507, 0.7837),
    "v15": (0.479, 0.7384),
    "t3": (-0.4506, 0.9305),
    "t8": (0.5877, 0.8687),
    "t15": (1.089, 1.141),
}

BETA = {
    "sigma": (1.475, 3.119),
    "g": (2.814, 5.669),
    "v": (1.549, 3.532),
    "v3": (1.733, 3.458),
    "v8": (1.516, 3.356),
    "v15": (1.549, 3.532),
    "t3": (1.745, 3.424),
    "t8": (1.522, 3.515),
    "t15": (1.492, 3.222),
}
