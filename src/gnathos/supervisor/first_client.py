"""The credentials that a data folder is born with."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

from gnathos.jobs.credentials import check_secret, create_client
from gnathos.jobs.database import Database

CREDENTIALS_FILE = "credentials.json"

INSTRUCTIONS = """\
TOKEN=$(curl --silent --request POST --url {url}/oauth/token \\
  --header "Content-Type: application/json" --data @{credentials} \\
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
curl --request POST --url {url}/{version}/job --header "Authorization: Bearer $TOKEN" \\
  --header "Content-Type: application/json" \\
  --data '{{"inputFiles": {{"cbct": {{"extension": ".dcm"}}}},
           "outputFiles": {{"meshes": [{{"extension": ".stl", "structures": ["mandible"]}}]}}}}'"""


def ensure_client(folder: Path, database_url: str, url: str, audience: str) -> tuple[Path, bool]:
    """Have DATA/credentials.json (0600) hold a client that the engine knows, and the engine's present URL.

    The file is, as it stands, the body of the request for a token.

    Returns:
        The file, and whether the client is new.
    """
    path = folder / CREDENTIALS_FILE
    known = _read(path)
    with Database(database_url) as database, database.transaction() as session:
        is_known = bool(known) and check_secret(session, known["client_id"], known["client_secret"]) is not None
        identity = (known["client_id"], known["client_secret"]) if is_known else create_client(session)
        content = {
            "client_id": identity[0],
            "client_secret": identity[1],
            "audience": audience,
            "grant_type": "client_credentials",
            "url": url,
            "token_url": f"{url}/oauth/token",
        }
        _write(path, content)
    return path, not is_known


def instructions(url: str, version: str, credentials: Path) -> str:
    """Lines for a shell that obtain a token and submit a job; they work as they stand."""
    return INSTRUCTIONS.format(url=url, version=version, credentials=shlex.quote(str(credentials)))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if {"client_id", "client_secret"} <= content.keys() else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    part.replace(path)
