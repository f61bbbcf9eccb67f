"""The report: whole, self-contained, and honest about what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import replicafit_report
from fit_folder import EXPORTERS, write_fit
from replicafit_report.comparison import write_comparison
from replicafit_report.files import named
from replicafit_report.page import write_report
from replicafit_report.section import Section, Table
from replicafit_report.sides import fit_side, side_beside

from replicafit import load_fit
from replicafit.components import Evolution, FunctionSource, ReportSection
from replicafit.data import stack
from replicafit.errors import OutputError, PluginError
from replicafit.plugins import Plugin, Registry

SECTIONS = [
    *("summary", "chi2", "functions", "data", "training"),
    *("replicas", "correlations", "runcard", "provenance"),
]
VOID = {"meta", "link", "wbr", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collects what a test needs, and minds that every tag is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.figures = 0
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.figures += tag == "figure"
        if tag == "section":
            self.sections.append(given["id"])
        if "id" in given:
            self.ids.append(given["id"])
        self.references += [given[k] for k in ("src", "href", "xlink:href", "srcset") if k in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def self_contained(page: Page) -> None:
    assert not page.tags & {"iframe", "object", "embed", "img"}
    assert "fetch(" not in page.source
    assert "XMLHttp" not in page.source
    outside = [r for r in page.references if not r.startswith(("#", "data:"))]
    assert not outside
    assert "@import" not in page.source
    targets = {r[1:] for r in page.references if r.startswith("#")}
    assert targets <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


@pytest.fixture(scope="module")
def two_flavours(toy_datasets):
    """Data of two flavours, which make for quick reports."""
    small = [
        replace(d, flavours=d.flavours[:2], tables=tuple(t[:, :2] for t in d.tables))
        for d in toy_datasets
    ]
    return stack(small)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, two_flavours, registry) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("report")
    whole = write_fit(root / "whole", two_flavours, registry)
    partial = write_fit(
        root / "partial", two_flavours, registry, (1, 2, 4, 5), requested=(1, 9), diverged=[4]
    )
    return {"whole": whole, "partial": partial}


def test_a_report_is_one_file_with_every_section(toy_data, registry, tmp_path):
    page = Page(write_report(write_fit(tmp_path / "whole", toy_data, registry)))
    assert page.sections == SECTIONS
    assert page.figures > 40
    self_contained(page)
    assert "<toy> & friends" in page.words
    assert "not finished" not in page.words
    assert [f.name for f in (tmp_path / "whole").glob("report*")] == ["report.html"]


def test_an_unfinished_fit_with_diverged_replicas_says_so(folders, tmp_path):
    page = Page(write_report(folders["partial"], tmp_path / "page.html"))
    assert "not finished: 5 of 9 replicas are not written (3, 6-9)" in page.words
    assert "Left out of all means and bands: replica 4 (diverged)." in page.words
    assert not (folders["partial"] / "report.html").exists()


def test_a_reference_adds_ratios(folders, tmp_path):
    page = Page(write_report(folders["whole"], tmp_path / "page.html", folders["partial"]))
    assert "ratio to the mean of the reference" in page.source
    assert "partial: mean and 68 %" in page.words
    self_contained(page)


def test_a_fit_without_predictions_and_histories(two_flavours, registry, tmp_path):
    bare = write_fit(tmp_path / "bare", two_flavours, registry, [1, 2], exporters=EXPORTERS[:1])
    page = Page(write_report(bare))
    assert page.sections == [id for id in SECTIONS if id != "correlations"]  # of two replicas
    assert "There are only two replicas" in page.words
    assert "central 68 %" not in page.words
    assert "written without predictions" in page.words
    assert "written without histories" in page.words


@pytest.mark.parametrize("numbers", [[1], [2, 3]])
def test_few_replicas_and_nothing_but_diverged_ones(numbers, two_flavours, registry, tmp_path):
    path = write_fit(tmp_path / "fit", two_flavours, registry, numbers, diverged=numbers)
    page = Page(write_report(path))
    assert "Every replica diverged" in page.words
    assert f"0 of {len(numbers)} replicas count" in page.words
    assert f"mean over all {len(numbers)} replicas" in page.words


def changed(fit: Path, number: int, **new) -> None:
    """Writes other values into the result of a replica."""
    file = fit / "replicas" / f"replica_{number:04d}" / "result.json"
    result = json.loads(file.read_text())
    result.pop("checksum", None)
    file.write_text(json.dumps({**result, **new}))


def test_refused_replicas_are_in_the_charts_of_training(folders, two_flavours, registry, tmp_path):
    source = Page(write_report(folders["partial"], tmp_path / "page.html")).source
    training = source[
        source.index('<section id="training"') : source.index('<section id="replicas"')
    ]
    assert training.count('data-r="4" class="refused"') == 4  # curve and end, in both charts
    assert 'data-r="5"' in training
    lost = write_fit(tmp_path / "lost", two_flavours, registry, [1, 2], diverged=[1, 2])
    assert "written without histories" not in Page(write_report(lost)).words


def test_a_replica_that_was_not_trained_has_no_curve(two_flavours, registry, tmp_path):
    path = write_fit(tmp_path / "fit", two_flavours, registry)
    nothing = {"training": None, "validation": None, "all": 9.0}
    changed(path, 2, status="undrawn", steps=0, best_step=0, chi2_per_datum=nothing, files={})
    empty = {name: np.zeros(0) for name in ("step", "chi2_training", "chi2_validation")}
    np.savez(path / "replicas" / "replica_0002" / "history.npz", **empty)
    source = Page(write_report(path)).source
    training = source[
        source.index('<section id="training"') : source.index('<section id="replicas"')
    ]
    assert 'data-r="2"' not in training
    assert 'data-r="3"' in training


@pytest.mark.parametrize("refused", [[2], [1, 2, 3, 4, 5]])
def test_chi2_that_is_not_finite(two_flavours, registry, tmp_path, refused):
    path = write_fit(tmp_path / "fit", two_flavours, registry)
    per = {dataset.name: None for dataset in two_flavours.datasets}
    for number in range(1, 6):
        bad = {"chi2_per_datum": {"all": None}, "per_dataset": per, "per_experiment": per}
        why = {"selected": number not in refused, "reasons": ["chi2 is not finite"]}
        changed(path, number, selection=why, **(bad if number in refused else {}))
    run = json.loads((path / "run.json").read_text())
    selected = [number for number in range(1, 6) if number not in refused]
    selection = {"selected": selected, "not_selected": {str(n): ["chi2"] for n in refused}}
    (path / "run.json").write_text(json.dumps({**run, "selection": selection}))
    assert "chi2 is not finite" in Page(write_report(path)).words
    assert Page(write_comparison([path, path], tmp_path / "c.html")).sections


def test_predictions_of_zero_are_told(two_flavours, registry, tmp_path):
    path = write_fit(tmp_path / "fit", two_flavours, registry)
    for number in range(1, 6):
        changed(path, number, files={})
        file = path / "replicas" / f"replica_{number:04d}" / "predictions.npz"
        arrays = dict(np.load(file))
        arrays["prediction"][5] = 0.0
        np.savez(file, **arrays)
    assert "1 datum lies outside." in Page(write_report(path)).words


def test_single_replicas_are_not_called_equally_good(two_flavours, registry, tmp_path):
    fits = [write_fit(tmp_path / f"fit_{n}", two_flavours, registry, [n]) for n in (1, 2)]
    words = Page(write_comparison(fits, tmp_path / "c.html")).words
    assert "equally well" not in words
    assert "neither fit_1 nor fit_2 can be called better" in words


def test_fits_of_other_values_of_the_same_datasets_are_not_compared(
    folders, two_flavours, registry, tmp_path
):
    moved = [replace(d, central=1.5 * d.central) for d in two_flavours.datasets]
    other = write_fit(tmp_path / "other", stack(moved), registry)
    words = Page(write_comparison([folders["whole"], other], tmp_path / "c.html")).words
    assert "whole and other have no data in common" in words


WHY = "arc length of g 9.9, limit 2.1 = mean + 7 sigma of the 4 others"


def test_a_selection_is_told(two_flavours, registry, tmp_path):
    path = write_fit(tmp_path / "fit", two_flavours, registry)
    for number in range(1, 6):
        file = path / "replicas" / f"replica_{number:04d}" / "result.json"
        result = json.loads(file.read_text())
        del result["checksum"]
        reasons = [WHY] if number == 3 else []
        figures = {"arc_length.g": {"value": 1.0, "limit": 2.1}}
        verdict = {"selected": number != 3, "reasons": reasons, "figures": figures}
        file.write_text(json.dumps({**result, "selection": verdict}))
    run = json.loads((path / "run.json").read_text())
    selection = {
        "selected": [1, 2, 4, 5],
        "not_selected": {"3": [WHY]},
    }
    (path / "run.json").write_text(json.dumps({**run, "selection": selection}))
    page = Page(write_report(path))
    assert "4 of 5 replicas were selected" in page.words
    assert WHY in page.words
    assert "The limits that replicas set each other: arc length of g 2.1" in page.words
    assert 'data-r="3" class="refused"' in page.source
    assert "Arc length, g" in page.source


@pytest.mark.parametrize("serious", [True, False])
def test_the_verdict_is_on_the_first_screen(two_flavours, registry, tmp_path, serious):
    path = write_fit(tmp_path / "fit", two_flavours, registry)
    run = json.loads((path / "run.json").read_text())
    finding = {"name": "chi2", "says": "Too large.", "advice": "Train longer.", "serious": serious}
    verdict = {"says": "chi2 is 9", "replicas": 5, "n_data": 20, "chi2_per_datum": 9.0}
    verdict |= {"allowed": 2.8, "findings": [finding]}
    (path / "run.json").write_text(json.dumps({**run, "verdict": verdict}))
    words = Page(write_report(path)).words
    told = "The fit is bad" if serious else "The fit describes its data, with remarks"
    assert f"{told}: chi2 is 9." in words
    assert "Too large. Try: Train longer." in words


def test_comparison(folders, tmp_path):
    page = Page(write_comparison([folders["whole"], folders["partial"]], tmp_path / "c.html"))
    assert page.sections == ["summary", "chi2", "functions", "distances", "provenance"]
    assert "partial against whole" in page.words
    self_contained(page)


def test_what_cannot_be_compared(folders, tmp_path):
    with pytest.raises(OutputError, match="1 fits are given"):
        write_comparison([folders["whole"]], tmp_path / "c.html")
    with pytest.raises(OutputError, match="holds no fit"):
        write_comparison([folders["whole"], tmp_path], tmp_path / "c.html")


def test_damage_is_named(two_flavours, registry, tmp_path):
    path = write_fit(tmp_path / "fit", two_flavours, registry, [1])
    file = path / "replicas" / "replica_0001" / "predictions.npz"
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(OutputError, match=r"predictions\.npz' is damaged"):
        write_report(path)


def test_commands(folders, tmp_path):
    call = [sys.executable, "-m", "replicafit"]
    fits = [str(folders["whole"]), str(folders["partial"])]
    done = subprocess.run(
        [*call, "compare", *fits, "-o", str(tmp_path / "c.html")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"Written: {tmp_path / 'c.html'}\n"
    bad = subprocess.run(
        [*call, "report", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (bad.returncode, "holds no fit" in bad.stderr) == (2, True)


def test_reports_need_no_keras():
    code = (
        "import sys, replicafit_report.page, replicafit_report.comparison;"
        "sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_figures_and_tables_are_written_as_files(folders, tmp_path):
    figures = tmp_path / "figures"
    write_report(folders["whole"], tmp_path / "page.html", figures=figures)
    files = sorted(figures.iterdir())
    names = {file.name for file in files}
    assert all(name.isascii() and " " not in name for name in names)
    assert {file.suffix for file in files} == {".csv", ".pdf", ".png"}
    assert {name[:-4] for name in names if name.endswith(".pdf")} == {
        name[:-4] for name in names if name.endswith(".png")
    }
    assert {name.partition("-")[0] for name in names} >= {"chi2", "functions", "data", "replicas"}
    made = replicafit_report.figures(load_fit(folders["whole"]))
    of_all_plugins = {name + ".pdf" for name in made if name.startswith(("chi2-", "data-"))}
    assert of_all_plugins == {n for n in names if n.startswith(("chi2-", "data-")) and "pdf" in n}
    assert all(figure.axes for figure in made.values())
    heads = {b"%PDF": ".pdf", b"\x89PNG": ".png"}
    assert all(heads.get(f.read_bytes()[:4]) == f.suffix for f in files if f.suffix != ".csv")
    [head, *rows] = (figures / "chi2-chi2_per_datum.csv").read_text(encoding="utf-8").splitlines()
    assert head == ",data,mean prediction,replicas,phi,training,validation"
    assert rows[-1].startswith("Total,")


def test_files_have_names_that_differ_in_more_than_capitals():
    tables = [Table(["f"], [], name=name) for name in ("t3", "T3", "t3", "t 3")]
    names = [name for name, _ in named([Section("functions", "Functions", tables)])]
    assert len({name.lower() for name in names}) == 4


def test_files_are_called_as_the_functions_are():
    """A macron over a letter, subscripts and Greek letters were dropped: x ū and x Σ were 'x'."""
    titles = ("x ū(x, Q₀)", "x d\N{COMBINING MACRON}", "x Σ", "x V₃", "χ²")
    tables = [Table(["f"], [], name=title) for title in titles]
    names = [name for name, _ in named([Section("f", "Functions", tables)])]
    assert names == ["f-x_ubar_x_Q0", "f-x_dbar", "f-x_sigma", "f-x_V3", "f-chi2"]


def own_registry(registry, *components):
    own = tuple(replace(each, origin="plugin 'own' (own 1.0)") for each in components)
    return Registry(plugins=(*registry.plugins, Plugin("own", "own", "1.0", "own", own)))


@pytest.mark.parametrize("made", [lambda _: 1 / 0, lambda _: "text", lambda _: sys.exit(3)])
def test_a_section_that_fails_costs_its_place_alone(folders, registry, tmp_path, made, caplog):
    section = ReportSection(name="own", build=made)
    path = write_report(
        folders["whole"], tmp_path / "r.html", registry=own_registry(registry, section)
    )
    told = "The report section 'own' of plugin 'own' (own 1.0) failed when it was built"
    assert told in unescape(path.read_text(encoding="utf-8"))
    assert [told in record.message for record in caplog.records] == [True]


class Flat:
    """One function, twice 1."""

    flavours, x, about = ("f1",), np.array([0.1, 0.5, 1.0]), {"who": "own"}

    def replicas(self):
        return np.ones((2, 3, 1))


def test_what_a_source_knows_by_name_is_a_reference(registry):
    source = FunctionSource(
        name="flat", recognizes=lambda text, _: text == "flat:1", read=lambda *_: Flat()
    )
    beside = side_beside(Path("flat:1"), own_registry(registry, source), {})
    assert (beside.name, beside.about) == ("flat:1", {"who": "own"})
    assert beside.functions.values.shape == (2, 3, 1)


def test_the_evolution_that_takes_the_functions_is_taken(folders):
    def refuses(start, scales):
        raise OutputError("Give others.")

    def twice(start, scales):
        return np.stack([2 * start.values] * len(scales))

    names = fit_side(folders["whole"], Registry()).functions.names
    first = Evolution(name="a", evolve=refuses, flavours=names)
    second = Evolution(name="b", evolve=twice, flavours=names)
    side = fit_side(folders["whole"], own_registry(Registry(), first, second))
    np.testing.assert_array_equal(side.at(2.0).values, 2 * side.functions.values)
    with pytest.raises(OutputError, match=r"Give others.*From the evolution 'a'"):
        fit_side(folders["whole"], own_registry(Registry(), first)).at(2.0)
    odd = own_registry(Registry(), replace(second, flavours=(*names, "more")))
    with pytest.raises(PluginError, match=r"evolution 'b'.* its values have shape"):
        fit_side(folders["whole"], odd).at(2.0)
