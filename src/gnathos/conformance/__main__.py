"""`python -m gnathos.conformance --url … --client-id … --client-secret …`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from gnathos.conformance import samples
from gnathos.conformance.check import Finding
from gnathos.conformance.checks import CHECKS
from gnathos.conformance.receiver import Receiver, running_receiver
from gnathos.conformance.report import Ticker, as_json, is_kept, print_table
from gnathos.conformance.run import Run
from gnathos.conformance.runner import findings
from gnathos.conformance.samples import Sample
from gnathos.conformance.server import Access, Server
from gnathos.conformance.verdicts import Broken

AUDIENCE = "virtualpatientengine.com"

Url = Annotated[str, typer.Option(help="Where the server is, without the version: https://eu.example.com.")]
ClientId = Annotated[str, typer.Option(envvar="CLIENT_ID", help="Of credentials of that server.")]
ClientSecret = Annotated[str, typer.Option(envvar="CLIENT_SECRET", help="The same; better as the variable.")]
Version = Annotated[str, typer.Option(help="Version of the API to check.")]
TokenUrl = Annotated[str, typer.Option(help="Where tokens are issued; URL/oauth/token unless given.")]
Audience = Annotated[str, typer.Option(help="Audience of the token.")]
Scan = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A CT with a mandible; a ball in air is sent unless given."),
]
CallbackUrl = Annotated[
    str, typer.Option(help="URL at which the server reaches this machine; its port is listened on.")
]
WebhookSeconds = Annotated[float, typer.Option(help="How long after the end of its job a webhook may come.")]
JobMinutes = Annotated[float, typer.Option(help="How long one job may take.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def check(
    url: Url,
    client_id: ClientId,
    client_secret: ClientSecret,
    version: Version = "24.06",
    scan: Scan = None,
    callback_url: CallbackUrl = "",
    token_url: TokenUrl = "",
    audience: Audience = AUDIENCE,
    job_minutes: JobMinutes = 30,
    webhook_seconds: WebhookSeconds = 60,
    as_json_: AsJson = False,
) -> None:
    """Check that a server keeps the contract.

    Makes some hundred jobs there, most without a scan, and deletes them if it can.
    Exit code 0: it does; 1: it does not, or cannot be asked.
    """
    access = Access(url.rstrip("/"), client_id, client_secret, version, token_url or _token_url(url), audience)
    server = Server(access, job_minutes * 60)
    try:
        with _receiver(access.url, callback_url, webhook_seconds) as receiver:
            found = _ticked(Run(server, _sample(scan), receiver))
    except Broken as error:
        typer.echo(f"The server cannot be checked: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        server.close()
    if as_json_:
        typer.echo(json.dumps(as_json(found, access.url, version), indent=2))
    else:
        print_table(found)
    raise typer.Exit(0 if is_kept(found) else 1)


def _ticked(run: Run) -> list[Finding]:
    found = []
    with Ticker(len(CHECKS)) as ticker:
        for each in findings(run):
            ticker.show(each)
            found.append(each)
    return found


@contextmanager
def _receiver(url: str, callback_url: str, patience_s: float) -> Iterator[Receiver | None]:
    """A server of this machine reaches it by itself; others have to be told how."""
    if callback_url:
        parts = urlsplit(callback_url)
        with running_receiver("0.0.0.0", parts.port or 80, patience_s, callback_url) as receiver:  # noqa: S104 - to be reached
            yield receiver
    elif _is_here(urlsplit(url).hostname or ""):
        with running_receiver("127.0.0.1", 0, patience_s) as receiver:
            yield receiver
    else:
        yield None


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _sample(scan: Path | None) -> Sample:
    if scan is None:
        return samples.volume(".dcm")
    suffixes = "".join(scan.suffixes[-2:]) if scan.suffix == ".gz" else scan.suffix
    return Sample(suffixes.lower() or ".dcm", scan.read_bytes())


def _token_url(url: str) -> str:
    return f"{url.rstrip('/')}/oauth/token"


if __name__ == "__main__":
    typer.run(check)
