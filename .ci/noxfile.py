"""The commands of CONTRIBUTING, each in an environment of its own: nox -f .ci/noxfile.py [-s NAME].

``--no-venv`` runs them in the environment that is active, which needs ``pip install -e '.[dev]'``.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parents[1]
EASY = (
    *("pdf", "dis", "report", "scan", "closure", "posterior"),
    *("dask", "kan", "example", "scaffold"),
)
"""Plugins whose dependencies have wheels for everybody; lhapdf and nnpdf need more."""
PLUGINS = [part for name in EASY for part in ("-e", f"plugins/replicafit-{name}")]
PACKAGES = ["replicafit", *(f"replicafit_{name}" for name in (*EASY, "lhapdf", "nnpdf"))]
FLOOR = "90"
"""Per cent of the lines of replicafit and its plugins that the fast tests run, at least."""

nox.options.sessions = ["lint", "tests", "docs"]
nox.options.error_on_missing_interpreters = False


def _install(session: nox.Session, *what: str) -> None:
    if session.venv_backend != "none":
        session.install(*what)


@nox.session
def lint(session: nox.Session) -> None:
    """Linter, formatter, type checker, and whether the reference is current."""
    session.chdir(ROOT)
    _install(session, "-e", ".[dev]", *PLUGINS)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", *(part for name in PACKAGES for part in ("-p", name)))
    session.run("python", "docs/generate.py", "--check")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The fast tests; ``-- -m slow`` and the like are handed on."""
    session.chdir(ROOT)
    _install(session, "-e", ".[test]", *PLUGINS)
    session.run("python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", *session.posargs)


@nox.session
def jax(session: nox.Session) -> None:
    """The engine, the law and chi2 on the other backend."""
    session.chdir(ROOT)
    _install(session, "-e", ".[test,jax]", *PLUGINS)
    law = ("tests/execution/test_verify.py", "tests/execution/test_lanes.py")
    tried = ("tests/training", "tests/forward", *law)
    session.run("python", "-m", "pytest", "-q", *tried, env={"KERAS_BACKEND": "jax"})


@nox.session
def coverage(session: nox.Session) -> None:
    """The fast tests, and how much of replicafit they run."""
    session.chdir(ROOT)
    _install(session, "-e", ".[test]", "pytest-cov>=7", *PLUGINS)
    what = [f"--cov=replicafit{name}" for name in ("", *(f"_{plugin}" for plugin in EASY))]
    measured = [*what, "--cov-report=term:skip-covered", f"--cov-fail-under={FLOOR}"]
    session.run("python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", *measured)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The lowest versions that pyproject.toml allows: does everything import, check and fit?"""
    session.chdir(ROOT)
    _install(session, "-e", ".[test]", *PLUGINS, *lowest_versions())
    tried = ("tests/runcard", "tests/cli")
    one = {"OPENBLAS_NUM_THREADS": "1"}  # with more, that numpy adds up in an order of its own
    session.run("python", "-m", "pytest", "-q", "-W", "default", *tried, "tests/results", env=one)


def lowest_versions() -> list[str]:
    """``name>=1.2`` as ``name==1.2``, of what is always installed and what the tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["test"]]
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)", each) for each in asked)
    return [f"{pair[1]}=={pair[2]}" for pair in pairs if pair]


@nox.session
def docs(session: nox.Session) -> None:
    """The site, strictly: build/site."""
    session.chdir(ROOT)
    _install(session, "-e", ".[test,docs]")
    session.run("python", "-m", "pytest", "-q", "tests/test_site.py")
    session.run("mkdocs", "build", "--strict", "-f", ".ci/mkdocs.yml")
