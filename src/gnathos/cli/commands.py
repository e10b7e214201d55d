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
from gnathos.cli.exits import Exit, exit_for, known_error, tell

app = typer.Typer(
    help="An open, self-hosted engine for dental imaging: a CBCT in, the patient's jaws as meshes out.",
    no_args_is_help=True,
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
Credentials = Annotated[
    Path | None, typer.Option(help="The engine's credentials file. [that of the data folder of `gnathos up`]")
]
Url = Annotated[str | None, typer.Option(help="The engine's URL, if not the one in the credentials.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


def main() -> None:
    """Run the command line; whatever goes wrong ends it with a sentence and an exit code."""
    try:
        app()
    except Exception as error:
        known = known_error(error)
        tell(known, as_json="--json" in sys.argv)
        sys.exit(exit_for(known))


def _run(command: str, **arguments: Any) -> None:
    try:
        exit_code = importlib.import_module(f"gnathos.cli.{command}").run(**arguments)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None
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
def up(data: Data = None, port: Port = None, host: Host = None, json: Json = False) -> None:
    """Run the whole engine on this machine: database, API and worker."""
    _run("up", data=data, port=port, host=host, as_json=json)


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
    json: Json = False,
) -> None:
    """Make a client in GNATHOS_DATABASE_URL and print its credentials, which are shown this once."""
    _run("credentials", tenant=tenant, name=name, as_json=json)


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
    format: Annotated[str, typer.Option("--format", help="Extension of the meshes.")] = ".stl",  # noqa: A002 - as the option
    wait: Annotated[bool, typer.Option(help="Wait for the result; or print the job's id and end.")] = True,
    credentials: Credentials = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Send a scan to an engine and fetch one mesh per structure."""
    given = {"scan": scan, "structures": structure, "extension": format, "folder": output, "wait": wait}
    _run("jobs", action="submit", credentials=credentials, url=url, as_json=json, **given)


@app.command()
def jobs(
    state: Annotated[
        list[str] | None, typer.Option(help="Only jobs in this state; may be given several times.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many, at most.", min=1)] = 20,
    credentials: Credentials = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """List an engine's jobs, the newest first."""
    _run("jobs", action="jobs", credentials=credentials, url=url, as_json=json, states=state or (), limit=limit)


@app.command()
def watch(
    job: JobId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the files.")] = None,
    credentials: Credentials = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Follow a job to its end."""
    _run("jobs", action="watch", credentials=credentials, url=url, as_json=json, job_id=job, folder=output)


@app.command()
def download(
    job: JobId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")] = Path(),
    credentials: Credentials = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Fetch the files of a job that has ended."""
    _run("jobs", action="download", credentials=credentials, url=url, as_json=json, job_id=job, folder=output)


@app.command()
def cancel(job: JobId, credentials: Credentials = None, url: Url = None, json: Json = False) -> None:
    """End a job without a result."""
    _run("jobs", action="cancel", credentials=credentials, url=url, as_json=json, job_id=job)


@app.command()
def delete(job: JobId, credentials: Credentials = None, url: Url = None, json: Json = False) -> None:
    """Erase a job and its files."""
    _run("jobs", action="delete", credentials=credentials, url=url, as_json=json, job_id=job)


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
    json: Json = False,
) -> None:
    """Make a CBCT-like scan of a head that no one has."""
    given = {"seed": seed, "mouth_opening_mm": mouth_opening, "missing": missing, "metal": metal, "marker": marker}
    _run("phantom", output=output, truth=truth, spacing_mm=spacing, field_of_view=field_of_view, as_json=json, **given)


@app.command()
def replay(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", exists=True, help="A receipt, or a result with one.")],
    inputs: Annotated[
        list[str], typer.Option("--input", "-i", help="A file that was sent: cbct=scan.dcm, or just scan.dcm.")
    ],
    json: Json = False,
) -> None:
    """Do a run again from its receipt and compare the bytes."""
    _run("replay", receipt=receipt, inputs=inputs, as_json=json)


@app.command()
def evaluate(
    scan: Scan,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", exists=True, help="The reference: NIfTI, NRRD or MHA.")],
    structure: Annotated[
        list[str] | None,
        typer.Option(
            "--structure", "-s", help="Only this one; may be given several times. Else all that both can tell."
        ),
    ] = None,
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
