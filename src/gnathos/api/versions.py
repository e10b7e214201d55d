"""The versions of the API; one implementation answers them all."""

import re
from typing import Annotated

from fastapi import Depends, Path

from gnathos.errors import UnknownVersion

CURRENT_VERSION = "26.11"

VERSIONS = (CURRENT_VERSION, "24.06", "v2", "v1")
"""What is served, the newest first."""

LOOKS_LIKE_A_VERSION = re.compile(r"v\d{1,3}|\d{2}\.\d{2}")


async def served_version(
    version: Annotated[
        str,
        Path(description="Version of the API.", json_schema_extra={"enum": list(VERSIONS)}, examples=[CURRENT_VERSION]),
    ],
) -> str:
    """The version in the path; async, to be spared a thread.

    Raises:
        UnknownVersion: it is not served; says which are.
    """
    if version not in VERSIONS:
        raise unknown_version(version)
    return version


def unknown_version(version: str) -> UnknownVersion:
    """The error that lists the versions."""
    served = ", ".join(VERSIONS)
    return UnknownVersion(
        f"Version {version[:20]!r} of the API is not served.", remedy=f"Use one of the versions served: {served}."
    )


Version = Annotated[str, Depends(served_version)]

InputKey = Annotated[
    str, Path(description="The input's key, for example `cbct`.", pattern="^[a-z_]{1,40}$", examples=["cbct"])
]
