"""Random streams depend on (seed, replica number, purpose) and on nothing else."""

from itertools import product

from replicafit.seeds import Seeds


def test_streams_are_reproducible_and_distinct():
    keys = list(product((0, 1, 2**62), (1, 2), ("pseudodata", "split/A")))
    first = [Seeds(s).generator(k, p).integers(0, 2**63) for s, k, p in keys]
    again = [Seeds(s).generator(k, p).integers(0, 2**63) for s, k, p in keys]
    assert first == again
    assert len(set(first)) == len(keys)


def test_integers_fit_every_initializer():
    values = [Seeds(3).integer(k, "layer/0") for k in range(1, 2000)]
    assert 0 <= min(values) <= max(values) < 2**31
    assert len(set(values)) == len(values)


def test_the_streams_never_change():
    """A runcard must give the same replicas in every release."""
    assert Seeds(20240601).integer(1, "layer/1") == 1139613420
    normal = Seeds(20240601).generator(1, "pseudodata").standard_normal()
    assert normal == 0.8498682588309008
