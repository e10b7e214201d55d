"""`gnathos credentials`: one more client."""

import json

from gnathos.cli.roles import require_database
from gnathos.jobs.credentials import create_client
from gnathos.jobs.database import Database, migrate
from gnathos.settings import Settings


def run(tenant: str, name: str) -> None:
    """Make a client and print what it authenticates with.

    Raises:
        DatabaseUnavailable: none was named, or it does not answer.
    """
    settings = Settings.from_environment()
    require_database(settings)
    migrate(settings.database_url)
    with Database(settings.database_url) as database, database.transaction() as session:
        client_id, client_secret = create_client(session, tenant, name)
    print(json.dumps({"client_id": client_id, "client_secret": client_secret, "audience": settings.audience}, indent=2))
