"""The commands laplace and sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from replicafit import load_fit
from replicafit.plugin import FitFolder, OutputError, Override, RuncardError

if TYPE_CHECKING:
    from replicafit_posterior.laplace import Laplace

_DIR = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))


def _output(method: str) -> Callable[..., Any]:
    return click.option(
        "-o",
        "--output",
        metavar="OUT",
        type=click.Path(path_type=Path),
        help=f"Where to write, a new or empty folder; by default DIR-{method}, beside DIR.",
    )


_SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A value in place of the runcard's, of its section posterior, such as "
    "posterior.prior=0.5; repeatable.",
)
_PLUGIN = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A plugin file that the runcard of the fit named, if it needs it; its code runs, if its "
    "SHA-256 is the one that the fit recorded. Repeatable.",
)


@click.command()
@_DIR
@_output("laplace")
@_SET
@click.option(
    "--lhapdf",
    "name",
    metavar="NAME",
    help="Of a fit of parton distributions also writes OUT/lhapdf/NAME, an LHAPDF set of "
    "eigenvectors (ErrorType symmhessian). Needs replicafit-lhapdf.",
)
@_PLUGIN
def laplace(
    folder: Path,
    output: Path | None,
    settings: tuple[str, ...],
    name: str | None,
    plugins: tuple[Path, ...],
) -> None:
    """The band of a Gaussian around the most probable weights of the fit in DIR."""
    overrides = _overrides(settings)
    if name is not None:
        _lhapdf().check_hessian_set(
            name, load_fit(folder).functions, FitFolder(folder).run().runcard
        )
    from replicafit_posterior.laplace import laplace as approximated

    out = output or folder.resolve().with_name(f"{folder.resolve().name}-laplace")
    found = approximated(folder, out, plugins=plugins, overrides=overrides, tell=click.echo)
    _end(folder, out)
    if name is not None:
        written = _hessian_set(folder, found, out / "lhapdf" / name)
        click.echo(f"{len(found.eigenvectors)} eigenvectors in '{written}'")


@click.command()
@_DIR
@_output("sample")
@_SET
@_PLUGIN
def sample(
    folder: Path, output: Path | None, settings: tuple[str, ...], plugins: tuple[Path, ...]
) -> None:
    """The band of weights sampled from the posterior of the fit in DIR.

    Of linear and shallow models, on JAX, whatever backend the fit ran on. Needs the extra
    'sampling'.
    """
    overrides = _overrides(settings)
    from replicafit_posterior.sampling import sample as sampled

    out = output or folder.resolve().with_name(f"{folder.resolve().name}-sample")
    sampled(folder, out, plugins=plugins, overrides=overrides, tell=click.echo)
    _end(folder, out)


def _end(folder: Path, out: Path) -> None:
    click.echo(f"Functions, band and draws in '{out}'\nNext: replicafit compare {folder} {out}")


def _overrides(settings: tuple[str, ...]) -> tuple[Override, ...]:
    """What the command line says in place of the section.

    Raises:
        RuncardError: something else than the section is to be changed.
    """
    found = tuple(Override.setting(given) for given in settings)
    for override in found:
        if override.key[0] != "posterior":
            raise RuncardError(
                f"'{override.option}' would change the fit. Give keys of posterior, such as "
                "posterior.prior=0.5."
            )
    return found


def _lhapdf() -> Any:
    """replicafit-lhapdf.

    Raises:
        OutputError: it is not installed.
    """
    try:
        import replicafit_lhapdf
    except ImportError as cause:
        raise OutputError(
            f"LHAPDF sets need replicafit-lhapdf, which cannot be used ({cause}). In a clone: "
            "pip install -e plugins/replicafit-lhapdf. Or leave --lhapdf away."
        ) from None
    return replicafit_lhapdf


def _hessian_set(folder: Path, found: Laplace, out: Path) -> Path:
    """Writes the set of eigenvectors of the fit in ``folder`` into ``out``, which it gives."""
    run, posterior = FitFolder(folder).run(), found.posterior
    _lhapdf().write_hessian_set(
        out,
        [posterior.mean, *found.eigenvectors],
        posterior.draws,
        run.runcard,
        description=f"{run.runcard['title'] or folder.resolve().name}, Laplace approximation",
        provenance={"Runcard": run.hash},
    )
    return out
