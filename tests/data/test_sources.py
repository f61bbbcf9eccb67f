"""Sources of uncertainty by name: who shares them, and which may be misspelt."""

from __future__ import annotations

import dataclasses

import pytest
from toy import toy_dataset

from replicafit.data.sources import lookalikes, sharing, sources


def named(name, *own):
    plain = toy_dataset(name, 4)
    return dataclasses.replace(
        plain, sys_add_names=("CORR", own[0]), sys_mult_names=(own[1] if own[1:] else "UNCORR",)
    )


def test_who_shares_what():
    a, b = named("A", "LUMI", "NORM_A"), named("B", "LUMI")
    assert sharing([a, b]) == {"LUMI": ("A", "B"), "NORM_A": ("A",)}
    found = sources([a, b])
    assert found.names == ("source 0 of A", "LUMI", "NORM_A", "source 0 of B")
    assert found.additive.shape[1] == len(found.names)


@pytest.mark.parametrize("other", ["lumi", "LUM_I", "LUMMI", "LUNI", "LMUI", "LUM"])
def test_misspelt_names_are_noticed(other):
    owners = sharing([named("A", "LUMI"), named("B", other)])
    assert lookalikes(owners) == [tuple(sorted(("LUMI", other)))]


@pytest.mark.parametrize("other", ["LUMI12", "SCALE", "LU"])
def test_different_names_are_different(other):
    assert lookalikes(sharing([named("A", "LUMI11"), named("B", other)])) == []


def test_names_of_one_dataset_are_different_uncertainties():
    assert lookalikes(sharing([named("A", "LUMI_A", "LUMI_B"), named("B", "OTHER")])) == []
