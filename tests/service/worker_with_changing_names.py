"""The worker, in a world where the name `changing.test` leads to 127.0.0.2 at first, and to 127.0.0.1 ever after."""

import itertools
import socket
import sys
from pathlib import Path
from typing import Any

from gnathos.worker.__main__ import main

NAME = "changing.test"

addresses = itertools.chain(["127.0.0.2"], itertools.repeat("127.0.0.1"))
real = socket.getaddrinfo


def changing(host: str, port: int, *given: Any, **named: Any) -> Any:
    return real(next(addresses) if host == NAME else host, port, *given, **named)


if __name__ == "__main__":
    socket.getaddrinfo = changing
    main([sys.executable, str(Path(__file__).with_name("stand_in.py"))])
