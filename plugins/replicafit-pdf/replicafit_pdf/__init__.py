"""Parton distribution functions: bases, layers, sum rules, penalties and known functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from replicafit.plugin import (
    FunctionSource,
    LayerType,
    Relation,
    ReportSection,
    RuncardSection,
    hookimpl,
    unchanged,
    unit_interval,
)
from replicafit_pdf.evolution_basis import express
from replicafit_pdf.fit_bases import FIT_BASES, basis_flavours
from replicafit_pdf.layers.settings import (
    DensePerFlavourSettings,
    FeatureScalingSettings,
    PreprocessingSettings,
    RotationSettings,
    SumRulesSettings,
    VanishAtOneSettings,
)
from replicafit_pdf.layers.sum_rule_checks import check as check_sum_rules
from replicafit_pdf.penalties.settings import replicafit_penalties as replicafit_penalties
from replicafit_pdf.presets import replicafit_presets as replicafit_presets
from replicafit_pdf.quadrature import sum_rule_nodes
from replicafit_pdf.theory import TheorySettings


def _sum_rule_grid(settings: SumRulesSettings) -> np.ndarray:
    return sum_rule_nodes(settings.nodes).x


def _at_one(settings: VanishAtOneSettings) -> np.ndarray:
    return np.ones(1)


def _dense_per_flavour_size(settings: DensePerFlavourSettings, features: int) -> tuple[int, int]:
    each = sum((a + 1) * b for a, b in pairwise((features, *settings.hidden, 1)))
    return settings.units, settings.units * each


def _preprocessing_size(settings: PreprocessingSettings, features: int) -> tuple[int, int]:
    trained = settings.trained
    return features, 2 * (features if trained is True else len(trained or ()))


def _rotation_size(settings: RotationSettings, features: int) -> tuple[int, int]:
    return len(FIT_BASES[settings.basis].columns), 0


def _rotated(settings: RotationSettings, flavours: tuple[str, ...]) -> tuple[str, ...]:
    return basis_flavours(settings.basis, flavours)


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """Layers of parton distribution functions."""
    return [
        LayerType(
            name="dense_per_flavour",
            settings=DensePerFlavourSettings,
            build="replicafit_pdf.layers.dense_per_flavour:build",
            size=_dense_per_flavour_size,
            summary="a small network for each flavour",
        ),
        LayerType(
            name="feature_scaling",
            settings=FeatureScalingSettings,
            build="replicafit_pdf.layers.feature_scaling:build",
            size=unchanged,
            summary="x -> its place among the data, from -1 to 1",
        ),
        LayerType(
            name="vanish_at_one",
            settings=VanishAtOneSettings,
            build="replicafit_pdf.layers.vanish_at_one:build",
            inputs=unit_interval,
            size=unchanged,
            extra_grid=_at_one,
            summary="NN(x) - NN(1)",
        ),
        LayerType(
            name="preprocessing",
            settings=PreprocessingSettings,
            build="replicafit_pdf.layers.preprocessing:build",
            needs_x=True,
            inputs=unit_interval,
            size=_preprocessing_size,
            summary="times x^(1-alpha) (1-x)^beta",
        ),
        LayerType(
            name="rotation",
            settings=RotationSettings,
            build="replicafit_pdf.layers.rotation:build",
            size=_rotation_size,
            flavours=_rotated,
            summary="from a fit basis to the evolution basis",
        ),
        LayerType(
            name="sum_rules",
            settings=SumRulesSettings,
            build="replicafit_pdf.layers.sum_rules:build",
            inputs=unit_interval,
            check=check_sum_rules,
            size=unchanged,
            extra_grid=_sum_rule_grid,
            summary="momentum, valence, triplet and octet sum rules",
        ),
    ]


@hookimpl
def replicafit_relations() -> Sequence[Relation]:
    """What functions of the evolution basis are of others."""
    return [Relation(name="evolution_basis", express=express, summary="v15 = v, t24 = sigma ...")]


TOY = "toy_les_houches"
BERNSTEIN = "toy_bernstein"


@hookimpl
def replicafit_function_sources() -> Sequence[FunctionSource]:
    """Known parton distribution functions."""
    return [
        FunctionSource(
            name=TOY,
            recognizes=lambda text, folder: text == TOY,
            read="replicafit_pdf.toy:read",
            form=TOY,
            summary="the Les Houches toy PDF",
        ),
        FunctionSource(
            name=BERNSTEIN,
            recognizes=lambda text, folder: text == BERNSTEIN,
            read="replicafit_pdf.bernstein:read",
            form=BERNSTEIN,
            summary="powers times polynomials in sqrt(x)",
        ),
    ]


@hookimpl
def replicafit_runcard_sections() -> Sequence[RuncardSection]:
    """The key ``theory``."""
    return [
        RuncardSection(
            name="theory",
            model=TheorySettings,
            summary="Coupling and masses, for evolution beyond q0.",
        )
    ]


@hookimpl
def replicafit_report_sections() -> Sequence[ReportSection]:
    """What reports show of parton distributions."""
    return [
        ReportSection(
            name="partons",
            build="replicafit_pdf.report_sections:partons",
            summary="quarks, antiquarks and gluon",
        ),
        ReportSection(
            name="sum_rules",
            build="replicafit_pdf.report_sections:sum_rules",
            summary="sum rules and effective exponents",
        ),
        ReportSection(
            name="luminosities",
            build="replicafit_pdf.luminosities:luminosities",
            summary="luminosities of partons at 13 TeV",
        ),
        ReportSection(
            name="coverage",
            build="replicafit_pdf.kinematics:coverage",
            summary="data of deep-inelastic scattering and hadron collisions in x and Q2",
        ),
        ReportSection(
            name="positivity",
            build="replicafit_pdf.positivity_section:positivity",
            summary="observables that are kept positive",
        ),
    ]
