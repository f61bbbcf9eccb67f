"""Plugins load one by one; a broken one stops nobody else."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint

import pytest

from replicafit.components import DatasetReader, Exporter, LayerType
from replicafit.errors import PluginError
from replicafit.hookspecs import hookimpl
from replicafit.plugins import Plugin, Registry, load_registry


def exporter(name: str) -> Exporter:
    return Exporter(name=name, write="nowhere:nothing")


@pytest.fixture
def plugin_module(monkeypatch):
    """Makes a module with an exporter hook importable, and gives its entry point."""

    def make(name, returned):
        module = types.ModuleType(name)

        @hookimpl
        def replicafit_exporters():
            return returned

        module.replicafit_exporters = replicafit_exporters
        monkeypatch.setitem(sys.modules, name, module)
        return EntryPoint(name=name, value=name, group="replicafit")

    return make


def test_built_ins_come_through_the_door(registry):
    assert set(registry.names(LayerType)) >= {"multi_dense", "x_logx", "preprocessing", "sum_rules"}
    assert registry.provider(DatasetReader, "file").distribution == "replicafit"


def test_a_broken_plugin_is_noted_and_others_load(plugin_module):
    good = plugin_module("good_plugin", [exporter("good")])
    missing = EntryPoint(name="bad", value="no_such_module_anywhere", group="replicafit")
    registry = load_registry([good, missing])
    assert registry.names(Exporter) == ("good",)
    assert [b.name for b in registry.broken] == ["bad"]
    assert "no_such_module_anywhere" in registry.broken[0].reason
    with pytest.raises(PluginError, match=r"bad.*did not load"):
        registry.get(Exporter, "other")


@pytest.mark.parametrize("returned", [exporter("x"), ["x"], None.__class__])
def test_a_hook_must_return_descriptions(plugin_module, returned):
    registry = load_registry([plugin_module("odd_plugin", returned)])
    assert [b.name for b in registry.broken] == ["odd_plugin"]


def test_two_providers_of_one_name_are_an_error_that_names_both():
    twice = [Plugin(n, n, "1.0", n, (exporter("same"),)) for n in ("one-dist", "two-dist")]
    registry = Registry(plugins=tuple(twice))
    assert registry.names(Exporter) == ()
    with pytest.raises(PluginError, match=r"'one-dist' 1.0 and 'two-dist' 1.0"):
        registry.get(Exporter, "same")


def test_the_nearest_name_is_suggested(registry):
    with pytest.raises(PluginError, match="Did you mean 'multi_dense'"):
        registry.get(LayerType, "multi_dens")
