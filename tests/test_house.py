"""The order of the house: a module imports only from above it, and Keras comes late."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import replicafit

PACKAGE = Path(replicafit.__file__).parent
ORDER = [
    *(
        "lazy",
        "quiet",
        "errors",
        "reading",
        "seeds",
        "components",
        "hookspecs",
        "plugins",
        "runcard",
        "data",
        "forward",
        "layers",
    ),
    *("training", "results", "execution", "api", "testing", "cli", "plugin", "__main__"),
]


def imports(file: Path) -> set[str]:
    """The first-level modules of replicafit that ``file`` imports at module level."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module != "replicafit":
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and node.module == "replicafit":
            found |= {f"replicafit.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {m.split(".")[1] for m in found if m.startswith("replicafit.")}


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = [f for f in sorted(PACKAGE.rglob("*.py")) if room(f) != "__init__"]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_modules_import_from_above(file):
    own = ORDER.index(room(file))
    below = {name for name in imports(file) if ORDER.index(name) > own}
    assert not below


def test_imports_inside_functions_are_from_above_too():
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        types = {id(n) for block in ast.walk(tree) if for_types(block) for n in ast.walk(block)}
        modules = {
            node.module.split(".")[1]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and id(node) not in types
            if node.module and node.module.startswith("replicafit.")
        }
        assert not {m for m in modules if ORDER.index(m) > ORDER.index(room(file))}, file


def for_types(node: ast.AST) -> bool:
    """Whether it is a block that only type checkers read."""
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


LIGHT = [*ORDER[: ORDER.index("layers")], "cli"]


@pytest.mark.parametrize("module", LIGHT)
def test_nothing_above_layers_imports_keras(module):
    code = f"import sys, replicafit.{module}; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_backends_are_named_only_in_their_room():
    for file in FILES:
        if "backend" in file.parts:
            continue
        modules = {m for m in all_imports(file) if m in ("tensorflow", "jax", "torch")}
        assert not modules, file


def all_imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    plain = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return {m.split(".")[0] for m in plain} | {
        (n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)
    }


# Distributions

PLUGINS = PACKAGE.parent / "plugins"
DOORS = {"replicafit", "replicafit.plugin", "replicafit.testing", "replicafit.layers"}
"""What a plugin may import of the core."""
MAY_USE = {
    "replicafit_pdf": ["replicafit_report"],
    "replicafit_lhapdf": ["replicafit_pdf", "replicafit_report"],
    "replicafit_dis": ["replicafit_pdf"],
    "replicafit_nnpdf": ["replicafit_pdf"],
    "replicafit_scan": ["replicafit_report"],
    "replicafit_closure": ["replicafit_report"],
    "replicafit_posterior": ["replicafit_lhapdf"],
}
"""Which distribution may import which other."""


def imported_modules(file: Path) -> set[str]:
    """All modules of replicafit and its plugins that ``file`` imports, wherever it does."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    found = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    found |= {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return {m for m in found if m.split(".")[0].startswith("replicafit")}


@pytest.mark.parametrize("package", sorted(PLUGINS.glob("*/replicafit_*")), ids=lambda p: p.name)
def test_plugins_import_public_doors_only(package):
    friends = {package.name, *MAY_USE.get(package.name, ())}
    for file in package.rglob("*.py"):
        for module in imported_modules(file):
            top = module.split(".")[0]
            if top == "replicafit_report" != package.name:
                assert module == top, file  # its public door
            assert top in friends if top != "replicafit" else module in DOORS, (file, module)
