"""The one-machine mode: database, API and worker under one process that restarts whatever ends."""

from gnathos.supervisor.engine import Running, run
from gnathos.supervisor.first_client import instructions

__all__ = ["Running", "instructions", "run"]
