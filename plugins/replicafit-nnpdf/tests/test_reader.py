"""What users meet: the cache, and messages about what cannot be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replicafit_nnpdf.cache import default_folder

from replicafit.data import read_dataset
from replicafit.errors import DataError

NULL = {"FK_tables": [["A"]], "operation": "null"}


@pytest.fixture
def plain(workshop: Any) -> Any:
    """A dataset of three data with one table."""
    workshop.table("A", 3)
    workshop.measured(3, NULL)
    return workshop


class TestCache:
    def test_is_a_dataset_file(self, plain: Any, toy: Any) -> None:
        dataset = plain.read()
        [kept] = (plain.root / "cache").iterdir()
        assert kept.name.startswith("TOY_NC_10GEV_SIGMA-")
        np.testing.assert_array_equal(toy.predicted(read_dataset(kept)), toy.predicted(dataset))

    def test_is_read_and_nothing_else(self, plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        first = plain.read()
        from replicafit_nnpdf import parsing

        monkeypatch.setattr(parsing, "parse", None)
        again = plain.read()
        assert dict(again.metadata) == dict(first.metadata)
        for name, column in first.kinematics.items():
            np.testing.assert_array_equal(again.kinematics[name], column)
        np.testing.assert_array_equal(again.tables[0], first.tables[0])

    def test_hadronic(self, workshop: Any, toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        workshop.table("A", 3, toy.pp)
        workshop.measured(3, NULL)
        first = toy.predicted(workshop.read())
        from replicafit_nnpdf import parsing

        monkeypatch.setattr(parsing, "parse", None)
        np.testing.assert_array_equal(toy.predicted(workshop.read()), first)

    def test_a_changed_table_is_read_anew(self, plain: Any, toy: Any) -> None:
        plain.read()
        path = plain.table("A", 3, seed=7)
        np.testing.assert_allclose(toy.predicted(plain.read()), toy.convolved(path), rtol=1e-10)

    def test_changed_data_are_read_anew(self, plain: Any) -> None:
        plain.read()
        plain.measured(3, NULL, central=[5.0, 6.0, 7.0])
        np.testing.assert_array_equal(plain.read().central, [5, 6, 7])

    def test_changed_metadata_are_read_anew(self, plain: Any) -> None:
        first = plain.read()
        plain.measured(3, {**NULL, "conversion_factor": 2.0})
        np.testing.assert_array_equal(plain.read().tables[0], 2 * first.tables[0])

    def test_a_cfactor_that_comes_before_the_one_read_is_read_anew(self, plain: Any) -> None:
        plain.cfactor("QCD", "A", [2.0, 2.0, 2.0])
        own = plain.root / "own"
        own.mkdir()
        asked = {"cfactors": ["QCD"], "cfactor_folder": own}
        first = plain.read(**asked)
        name, folder = "CF_QCD_A.dat", plain.root / "theory" / "cfactor"
        (own / name).write_text((folder / name).read_text().replace("2.0", "6.0"))
        np.testing.assert_array_equal(plain.read(**asked).tables[0], 3 * first.tables[0])

    def test_settings_have_files_of_their_own(self, plain: Any) -> None:
        plain.cfactor("QCD", "A", [2.0, 2.0, 2.0])
        first, doubled = plain.read(), plain.read(cfactors=["QCD"])
        np.testing.assert_array_equal(doubled.tables[0], 2 * first.tables[0])
        assert len(list((plain.root / "cache").iterdir())) == 2

    def test_a_damaged_one_is_made_anew(self, plain: Any) -> None:
        first = plain.read()
        [kept] = (plain.root / "cache").iterdir()
        kept.write_bytes(kept.read_bytes()[:100])
        np.testing.assert_array_equal(plain.read().tables[0], first.tables[0])

    def test_what_cannot_be_fitted_is_not_kept_nor_named(self, plain: Any) -> None:
        plain.table("A", 3, values=np.full((3, 4, 8), np.nan))
        with pytest.raises(DataError, match=r"'fk_0' of .* is not finite for the data 0") as error:
            plain.read()
        assert ".npz" not in str(error.value)
        assert not list((plain.root / "cache").iterdir())

    def test_stands_where_caches_belong(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert default_folder() == tmp_path / "replicafit-nnpdf"

    @pytest.mark.skipif(os.name == "nt", reason="folders where files should be")
    def test_a_folder_that_cannot_be_written(self, plain: Any) -> None:
        (plain.root / "cache").write_text("a file")
        with pytest.raises(DataError, match="cache of parsed datasets cannot be written"):
            plain.read()


class TestNames:
    def test_unknown_dataset(self, plain: Any) -> None:
        with pytest.raises(DataError, match=r"no dataset 'TOY_NC_10GEV_SIGM'.*TOY_NC_10GEV_SIGMA"):
            plain.read(name="TOY_NC_10GEV_SIGM")

    def test_unknown_dataset_of_nnpdf_data(self, plain: Any) -> None:
        with pytest.raises(DataError, match=r"Nearest: .*BCDMS_NC_NOTFIXED_P_EM-F2"):
            plain.read(name="BCDMS_NC_P_EM-F2", data=None)

    def test_a_name_of_earlier_runcards(self, plain: Any) -> None:
        new = "'name: NMC_NC_NOTFIXED_P_EM-SIGMARED, variant: legacy'"
        with pytest.raises(DataError, match=f"'NMC' has a new name.*{new}"):
            plain.read(name="NMC", data=None)

    def test_unknown_variant(self, plain: Any) -> None:
        with pytest.raises(DataError, match=r"no variant 'shift'; it has: shifted. Did you mean"):
            plain.read(variant="shift")

    def test_a_variant_is_needed(self, plain: Any) -> None:
        with pytest.raises(DataError, match="Set variant to one of: legacy, legacy_dw"):
            plain.read(name="SLAC_NC_NOTFIXED_P_EM-F2", data=None)

    def test_no_theory(self, plain: Any) -> None:
        plain.measured(3, None)
        with pytest.raises(DataError, match="no theory for the dataset TOY_NC_10GEV_SIGMA"):
            plain.read()

    def test_no_folder_of_data(self, plain: Any) -> None:
        with pytest.raises(DataError, match="no folder of datasets"):
            plain.read(data="elsewhere")

    def test_damaged_data(self, plain: Any) -> None:
        (plain.data / "TOY_NC_10GEV" / "data.yaml").write_text("data_central: [1, 2]")
        with pytest.raises(DataError, match="nnpdf-data cannot read the data of TOY_NC_10GEV_SIGM"):
            plain.read()

    def test_an_observable_is_no_dataset(self, plain: Any) -> None:
        with pytest.raises(DataError, match=r"was not measured.*replicafit nnpdf-file"):
            plain.read(name="NNPDF_POS_2P24GEV_F2U", data=None)

    def test_negative_data_say_so(self, plain: Any) -> None:
        """An asymmetry may be negative, and the core believes the process."""
        assert plain.read().metadata["process"] == "DIS_NC"
        plain.measured(3, NULL, central=[-1.0, 1.0, 2.0])
        assert plain.read().may_be_negative

    def test_data_that_are_no_yaml(self, plain: Any) -> None:
        (plain.data / "TOY_NC_10GEV" / "data.yaml").write_text("data_central: [1.0,")
        with pytest.raises(DataError, match="nnpdf-data cannot read the data of TOY_NC_10GEV"):
            plain.read()

    def test_metadata_in_latin_1(self, plain: Any) -> None:
        file = plain.data / "TOY_NC_10GEV" / "metadata.yaml"
        file.write_bytes(file.read_bytes() + b"# M\xfcller\n")
        with pytest.raises(DataError, match="nnpdf-data cannot read the metadata of TOY_NC_10GEV"):
            plain.read()

    def test_a_cfactor_described_in_latin_1(self, plain: Any) -> None:
        plain.cfactor("QCD", "A", [2.0, 2.0, 2.0])
        file = plain.root / "theory" / "cfactor" / "CF_QCD_A.dat"
        file.write_bytes(file.read_bytes().replace(b"none", b"M\xfcller"))
        np.testing.assert_array_equal(
            plain.read(cfactors=["QCD"]).tables[0], 2 * plain.read().tables[0]
        )


class TestTables:
    def test_missing(self, plain: Any) -> None:
        plain.measured(3, {"FK_tables": [["AB"]]})
        with pytest.raises(
            DataError, match=r"needs the FK table 'AB\.pineappl\.lz4'.*nearest is 'A\.pineappl\.lz4"
        ):
            plain.read()

    def test_no_folder(self, plain: Any) -> None:
        with pytest.raises(DataError, match=r"no folder of FK tables at .*fastkernel"):
            plain.read(tables="elsewhere")

    def test_damaged(self, plain: Any) -> None:
        (plain.tables / "A.pineappl.lz4").write_bytes(b"nothing")
        with pytest.raises(DataError, match="damaged or no FK table of PineAPPL"):
            plain.read()

    def test_cut_short(self, plain: Any) -> None:
        path = plain.tables / "A.pineappl.lz4"
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DataError, match="damaged or no FK table of PineAPPL") as error:
            plain.read()
        assert "Stack backtrace" not in str(error.value)

    def test_of_zeros(self, plain: Any) -> None:
        plain.table("A", 3, values=np.zeros((3, 4, 8)))
        with pytest.raises(DataError, match="zero everywhere"):
            plain.read()

    def test_of_two_scales(self, plain: Any) -> None:
        plain.table("B", 3, q0=1.0)
        plain.measured(3, {"FK_tables": [["A"], ["B"]], "operation": "RATIO"})
        with pytest.raises(DataError, match=r"A at q0 = 1.65 GeV, B at 1 GeV"):
            plain.read()

    def test_of_another_basis(self, plain: Any) -> None:
        plain.table("A", 3, [(1,), (2,)], basis="Pdg")
        with pytest.raises(DataError, match="not in the evolution basis"):
            plain.read()

    def test_of_a_photon(self, plain: Any) -> None:
        plain.table("A", 3, [(100,), (22,)])
        with pytest.raises(DataError, match="photon"):
            plain.read()

    def test_of_another_hadron(self, plain: Any) -> None:
        plain.table("A", 3, pid=-2212)
        with pytest.raises(DataError, match="hadron -2212"):
            plain.read()

    def test_of_fragmentation(self, plain: Any) -> None:
        plain.table("A", 3, time_like=True)
        with pytest.raises(DataError, match="fragmentation"):
            plain.read()

    def test_of_both_kinds_of_function(self, plain: Any, toy: Any) -> None:
        plain.table("A", 3, toy.pp, polarised=(True, False))
        with pytest.raises(DataError, match="polarised and unpolarised"):
            plain.read()

    def test_of_a_polarised_and_an_unpolarised_one(self, plain: Any) -> None:
        plain.table("B", 3, polarised=(True,))
        plain.measured(3, {"FK_tables": [["A"], ["B"]], "operation": "RATIO"})
        with pytest.raises(DataError, match="one on polarised and one on unpolarised"):
            plain.read()

    def test_with_too_many_rows(self, plain: Any) -> None:
        plain.table("A", 4)
        with pytest.raises(DataError, match=r"has 3 data, but its FK tables end with row 4"):
            plain.read()

    def test_with_too_few_rows(self, plain: Any) -> None:
        plain.table("A", 2)
        with pytest.raises(DataError, match=r"do not predict 1 of its 3 data: 2 .*remove"):
            plain.read()
        assert plain.read(without_theory="remove").n_data == 2


class TestTheory:
    @pytest.mark.parametrize("operation", ["SUBTRACT_ABS", "NONSENSE"])
    def test_unknown_operation(self, plain: Any, operation: str) -> None:
        plain.measured(3, {"FK_tables": [["A"]], "operation": operation})
        with pytest.raises(DataError, match=f"operation {operation}, which is not supported"):
            plain.read()

    def test_wrong_number_of_operands(self, plain: Any) -> None:
        plain.measured(3, {"FK_tables": [["A"]], "operation": "RATIO"})
        with pytest.raises(DataError, match="1 groups of FK tables, but its operation RATIO"):
            plain.read()

    def test_factors_of_no_table(self, plain: Any) -> None:
        plain.measured(3, {**NULL, "normalization": {"B": 2.0}})
        with pytest.raises(DataError, match="'normalization' of its metadata names B"):
            plain.read()


class TestCfactors:
    def test_missing(self, plain: Any) -> None:
        with pytest.raises(DataError, match=r"no C-factor 'CF_QCD_A\.dat'. Looked in .*cfactor"):
            plain.read(cfactors=["QCD"])

    def test_of_another_table(self, plain: Any) -> None:
        plain.cfactor("QCD", "A", [1.0, 2.0])
        with pytest.raises(DataError, match="has 2 C-factors, but its table has 3 rows"):
            plain.read(cfactors=["QCD"])

    @pytest.mark.parametrize("text", ["1.0 0.0\n", "***\n***\n1.0\n", "***\n***\nnan 0\n", "*\n*"])
    def test_damaged(self, plain: Any, text: str) -> None:
        folder = plain.root / "mine"
        folder.mkdir()
        (folder / "CF_QCD_A.dat").write_text(text)
        with pytest.raises(DataError, match="cannot be read as a C-factor"):
            plain.read(cfactors=["QCD"], cfactor_folder=folder)

    def test_those_of_nnpdf_data(self, installed: None) -> None:
        from replicafit_nnpdf.catalogue import package_folder
        from replicafit_nnpdf.cfactors import read_cfactor

        for path in (package_folder() / "cfactors").glob("CF_*.dat"):
            assert len(read_cfactor(path))
