"""Functions of several inputs: maps of two, slices along each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_report.section import Figures, Text
from replicafit_report.sides import SectionContext, Side
from replicafit_report.surfaces import surface_section, where_data_are
from replicafit_report.views import plain

from replicafit.plugin import Input, Registry

ENERGY, ANGLE = Input("energy", 1, 100, log=True), Input("angle $", -90, 90)


def functions(inputs, count=7):
    axes = np.meshgrid(*(one.grid(count) for one in inputs), indexing="ij")
    x = np.stack([axis.ravel() for axis in axes], axis=1)
    values = np.random.default_rng(1).normal(size=(5, len(x), 2))
    return plain(("f", "g"), x, values, None, inputs)


def section_of(*each):
    sides = (Side(f"fit {i}", None, one, Path(), Registry(), {}) for i, one in enumerate(each))
    return surface_section(SectionContext(tuple(sides), (), Registry()))


@pytest.mark.parametrize(
    ("inputs", "titles"),
    [
        (
            (ENERGY, ANGLE),
            ["f, mean", "f, sigma", "f along energy", "f along angle $"],
        ),
        ((ENERGY, ANGLE, Input("A", 1, 4)), ["f along energy", "f along angle $", "f along A"]),
    ],
)
def test_what_is_drawn(inputs, titles):
    section = section_of(functions(inputs))
    drawn = [block for block in section.blocks if isinstance(block, Figures)]
    assert [block.heading for block in drawn] == ["f", "g"]
    assert [figure.title for figure in drawn[0].figures] == titles
    assert all("<svg" in figure.svg for figure in drawn[0].figures)


def test_sides_on_another_grid_are_left_out_and_told():
    ours = functions((ENERGY, ANGLE))
    words = [b.text for b in section_of(ours, ours).blocks if isinstance(b, Text)]
    assert "left out" not in words[0]
    words = [b.text for b in section_of(ours, functions((ENERGY, ANGLE), 8)).blocks[:1]]
    assert "left out" in words[0]


@pytest.mark.parametrize(
    ("angles", "log"), [((0.1, 0.2, 0.3), False), ((1e-4, 0.3), True), ((0.33, 0.33), False)]
)
def test_of_an_input_from_0_to_1_the_part_with_data_is_shown(angles, log):
    inputs = (ENERGY, Input("angle", log=True))
    ours, known = functions(inputs, 40), np.array(angles)
    record = SimpleNamespace(predictions=SimpleNamespace(data={"kinematics_angle": known}))
    side = Side("fit", record, ours, Path(), Registry(), {})
    context = SectionContext((side,), (), Registry())
    shown = where_data_are(ours, context)
    angle = np.unique(shown.x[:, 1])
    assert angle[0] <= known.min()
    assert angle[-1] >= known.max()
    assert angle[0] > known.min() / 5
    assert angle[-1] < known.max() + 0.1
    assert shown.inputs[1].log == log
    assert shown.inputs[0] == ENERGY
    assert shown.values.shape == (5, len(shown.x), 2)
    assert surface_section(context).blocks


@pytest.mark.parametrize(("replicas", "sigma"), [(1, 0.0), (2, 2**0.5)])
def test_sigma_is_the_standard_deviation_of_few_replicas(replicas, sigma):
    ours = functions((ENERGY, ANGLE))
    slope = ours.x[:, 1] / ours.x[:, 1].max()
    values = np.stack([slope, -slope])[:replicas, :, None]
    (block,) = (
        b
        for b in section_of(replace(ours, names=("f",), values=values)).blocks
        if isinstance(b, Figures)
    )
    (drawn,) = (figure for figure in block.figures if figure.title == "f, sigma")
    shades = drawn.canvas.axes[0].collections[0].get_array()
    assert np.max(shades) == pytest.approx(sigma, abs=0.2)
