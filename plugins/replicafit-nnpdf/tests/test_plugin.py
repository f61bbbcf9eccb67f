"""The hook, the settings, and the conformance kit."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pluggy
import pytest
import replicafit_nnpdf
import yaml
from pydantic import ValidationError
from replicafit_nnpdf import NnpdfSettings
from replicafit_pdf.theory import scale_of

from replicafit.components import DatasetReader, hookspecs
from replicafit.data import read_datasets, stack
from replicafit.errors import DataError, OutputError
from replicafit.plugins import Plugin, Registry, load_registry
from replicafit.testing import check_dataset


@pytest.fixture
def component() -> DatasetReader:
    """What the hook provides, collected by pluggy."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(replicafit_nnpdf)
    [[only]] = manager.hook.replicafit_datasets()
    assert isinstance(only, DatasetReader)
    return only


@pytest.fixture
def registry(component: DatasetReader) -> Registry:
    """The built-in components and this plugin's, whether or not it is installed."""
    plugin = Plugin("nnpdf", "replicafit-nnpdf", "0.1.0", "replicafit_nnpdf", (component,))
    others = [each for each in load_registry().plugins if each.name != "nnpdf"]
    return Registry(plugins=(*others, plugin))


@pytest.mark.parametrize("hadrons", [1, 2])
def test_conformance(workshop: Any, toy: Any, registry: Registry, hadrons: int) -> None:
    workshop.table("A", 3, toy.dis if hadrons == 1 else toy.pp)
    workshop.measured(3, {"FK_tables": [["A"]]})
    settings = workshop.settings().model_dump(exclude={"type"})
    check_dataset("nnpdf", registry=registry, folder=workshop.root, **settings)


def test_two_scales_in_one_fit(workshop: Any) -> None:
    """The core refuses them; the message names both."""
    workshop.table("A", 3)
    workshop.table("B", 3, q0=1.0)
    workshop.measured(3, {"FK_tables": [["A"]]})
    first = workshop.read()
    workshop.measured(3, {"FK_tables": [["B"]]})
    second = workshop.read()
    with pytest.raises(DataError, match=r"act at q0 = 1.65, those of B at 1.0"):
        stack([first, replace(second, name="B")])


def test_polarised_and_unpolarised_functions_in_one_fit(workshop: Any) -> None:
    workshop.table("A", 3)
    workshop.table("B", 3, polarised=(True,))
    workshop.measured(3, {"FK_tables": [["A"]]})
    first = workshop.read()
    workshop.measured(3, {"FK_tables": [["B"]]})
    second = workshop.read()
    with pytest.raises(DataError, match=r"act at polarization = 0.0, those of B at 1.0. A fit has"):
        stack([first, replace(second, name="B")])
    with pytest.raises(OutputError, match="are polarised"):
        scale_of(stack([second]).attributes)


def test_load_data_uses_it(workshop: Any, registry: Registry) -> None:
    workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    data = stack(read_datasets([workshop.settings()], registry, workshop.root))
    assert data.n_data == 3
    assert data.datasets[0].metadata["experiment"] == "TOY"


def test_paths_are_relative_to_the_runcard(workshop: Any, registry: Registry) -> None:
    workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    settings = NnpdfSettings(
        name="TOY_NC_10GEV_SIGMA", tables="theory/fastkernel", data="commondata", cache="kept"
    )
    read_datasets([settings], registry, workshop.root)
    assert list((workshop.root / "kept").iterdir())


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="forbidden"):
        NnpdfSettings(name="NMC", tables=Path(), cfac=["QCD"])


def test_the_readme_names_what_there_is(installed: None) -> None:
    """Its runcard: settings, datasets and variants."""
    from replicafit_nnpdf.catalogue import find, package_folder
    from replicafit_nnpdf.measurements import load_metadata

    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    [card] = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "&dis" in block]
    for entry in yaml.safe_load(card)["datasets"]:
        entry.pop("cuts")
        settings = NnpdfSettings.model_validate(entry)
        where = find(settings.name, package_folder() / "commondata")
        assert load_metadata(settings.name, settings.variant, where).theory.FK_tables


def test_import_is_cheap() -> None:
    """Listing plugins loads neither Keras nor what only reading needs."""
    heavy = ("keras", "tensorflow", "nnpdf_data", "pineappl", "pandas")
    code = f"import sys, replicafit_nnpdf; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_cached_dataset_needs_neither_parser(workshop: Any) -> None:
    """So that the second start of a fit takes milliseconds."""
    workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    workshop.read()
    code = (
        "import sys; from pathlib import Path; from replicafit_nnpdf import NnpdfSettings;"
        "from replicafit_nnpdf.reader import read;"
        f"read(NnpdfSettings.model_validate_json(sys.argv[1]), Path({str(workshop.root)!r}));"
        "print([m for m in ('nnpdf_data', 'pineappl', 'pandas') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, workshop.settings().model_dump_json()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
