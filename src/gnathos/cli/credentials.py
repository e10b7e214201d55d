"""`gnathos credentials`: one more client."""

from gnathos.cli.roles import require_database
from gnathos.cli.tables import tell
from gnathos.jobs.credentials import create_client
from gnathos.jobs.database import Database, migrate
from gnathos.settings import Settings


def run(tenant: str, name: str, as_json: bool) -> None:
    """Make a client and print what it authenticates with.

    Raises:
        DatabaseUnavailable: none was named, or it does not answer.
    """
    settings = Settings.from_environment()
    require_database(settings)
    migrate(settings.database_url)
    with Database(settings.database_url) as database, database.transaction() as session:
        client_id, client_secret = create_client(session, tenant, name)
    tell({"client_id": client_id, "client_secret": client_secret, "audience": settings.audience}, as_json)
