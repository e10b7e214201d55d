"""The commands and their options; what each does is in the module of its name.

Those modules are imported when their command runs, not before: `gnathos --help` does not wait for the network, the
database and the numerical libraries that one command or another needs.
"""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gnathos import __version__
from gnathos.cli import admin_commands
from gnathos.cli.exits import Exit, exit_for, tell
from gnathos.errors import GnathosError

app = typer.Typer(
    help="An open, self-hosted engine for dental imaging: a CBCT in, the patient's jaws as meshes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(admin_commands.app, name="admin")

Scan = Annotated[
    Path,
    typer.Argument(
        metavar="SCAN", exists=True, help="A DICOM file, a zip or a folder of slices, NIfTI, NRRD, MHA, VTI."
    ),
]
Structures = Annotated[
    list[str], typer.Option("--structure", "-s", help="A structure, such as mandible; may be given several times.")
]
Data = Annotated[Path | None, typer.Option(help="Folder that holds everything. [GNATHOS_DATA or gnathos-data]")]
Host = Annotated[str | None, typer.Option(help="Address to listen on. [GNATHOS_HOST or 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0: a free one. [GNATHOS_PORT or 8080]")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def main() -> None:
    """Run the command line; an error that we know ends it with a sentence and an exit code."""
    try:
        app()
    except GnathosError as error:
        tell(error)
        sys.exit(exit_for(error))


def _run(command: str, **arguments: Any) -> None:
    exit_code = importlib.import_module(f"gnathos.cli.{command}").run(**arguments)
    raise typer.Exit(Exit.OK if exit_code is None else exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gnathos {__version__}")
        raise typer.Exit


@app.callback()
def gnathos(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before every command."""


@app.command()
def up(data: Data = None, port: Port = None, host: Host = None) -> None:
    """Run the whole engine on this machine: database, API and worker."""
    _run("up", data=data, port=port, host=host)


@app.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Run the API alone, against GNATHOS_DATABASE_URL and GNATHOS_STORE_URL."""
    _run("roles", role="api", host=host, port=port)


@app.command()
def worker() -> None:
    """Run a worker alone, against GNATHOS_DATABASE_URL and GNATHOS_STORE_URL."""
    _run("roles", role="worker", host=None, port=None)


@app.command()
def credentials(
    tenant: Annotated[str, typer.Option(help="Whose jobs the client sees; made if it is new.")] = "default",
    name: Annotated[str, typer.Option(help="What to call the client.")] = "client",
) -> None:
    """Make a client in GNATHOS_DATABASE_URL and print its credentials, which are shown this once."""
    _run("credentials", tenant=tenant, name=name)


@app.command()
def segment(
    scan: Scan,
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh to write, such as mandible.stl.")],
    structure: Structures,
    json: Json = False,
) -> None:
    """Make one mesh of structures in a scan, offline."""
    _run("segment", scan=scan, output=output, structures=structure, as_json=json)


@app.command()
def submit(
    scan: Scan,
    structure: Structures,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the meshes.")] = Path(),
    credentials: Annotated[
        Path | None, typer.Option(help="The engine's credentials file. [gnathos-data/credentials.json]")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The engine's URL, if not the one in the credentials.")] = None,
    json: Json = False,
) -> None:
    """Send a scan to an engine and fetch one mesh per structure."""
    _run("submit", scan=scan, structures=structure, folder=output, credentials=credentials, url=url, as_json=json)


@app.command()
def phantom(
    output: Annotated[Path, typer.Argument(metavar="OUT.dcm", help="The scan to write.")],
    truth: Annotated[Path | None, typer.Option(help="Also write the labels, as NIfTI.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the noise and the texture.")] = 0,
    spacing: Annotated[float | None, typer.Option(help="Edge of a voxel, in mm. [0.4]")] = None,
    field_of_view: Annotated[str, typer.Option(help="Width, depth and height in mm. [160x160x132]")] = "",
    mouth_opening: Annotated[float, typer.Option(help="Between the edges of the incisors, in mm.")] = 0.0,
    missing: Annotated[str | None, typer.Option(help="Teeth that are not there. [18,28,38,48]")] = None,
    metal: Annotated[str, typer.Option(help="Teeth with a metal crown: 16,46.")] = "",
    marker: Annotated[bool, typer.Option("--marker", help="Add a dense ball on the patient's left cheek.")] = False,
) -> None:
    """Make a CBCT-like scan of a head that no one has."""
    given = {"seed": seed, "mouth_opening_mm": mouth_opening, "missing": missing, "metal": metal, "marker": marker}
    _run("phantom", output=output, truth=truth, spacing_mm=spacing, field_of_view=field_of_view, **given)


@app.command()
def replay(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", exists=True, help="A receipt, or a result with one.")],
    inputs: Annotated[
        list[str], typer.Option("--input", "-i", help="A file that was sent: cbct=scan.dcm, or just scan.dcm.")
    ],
) -> None:
    """Do a run again from its receipt and compare the bytes."""
    _run("replay", receipt=receipt, inputs=inputs)


@app.command()
def evaluate(
    scan: Scan,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", exists=True, help="The reference: NIfTI, NRRD or MHA.")],
    structure: Annotated[list[str] | None, typer.Option("--structure", "-s", help="[mandible and skull]")] = None,
    convention: Annotated[
        str, typer.Option(help="What the labels mean: gnathos, toothfairy or dentalsegmentator.")
    ] = "gnathos",
    json: Json = False,
) -> None:
    """Compare what the engine finds in a scan with somebody's labels."""
    _run("evaluate", scan=scan, labels=labels, structures=structure, convention=convention, as_json=json)


@app.command()
def doctor(json: Json = False) -> None:
    """Tell what this installation is made of, its settings, and what is wrong with it."""
    _run("doctor", as_json=json)
