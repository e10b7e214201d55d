"""What the files of a result are called on this machine."""

import re

from gnathos.client.jobs import FileResult

LONGEST_NAME = 80
UNSAFE = re.compile(r"[^\w+.-]")
"""What a server says is no path."""


class Names:
    """Gives each file of a result a name of its own."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def name_of(self, kind: str, file: FileResult) -> str:
        """`mandible.stl` for a mesh, `segmentations-mandible.nii.gz`, `report.json`."""
        structures = "+".join(file.get("structures") or [])
        stem = structures if kind == "meshes" else f"{kind}-{structures}" if structures else kind
        if not structures or len(stem) > LONGEST_NAME:
            stem = kind
        extension = UNSAFE.sub("_", file["extension"])
        name = stem = UNSAFE.sub("_", stem).lstrip(".") or "file"
        number = 1
        while name + extension in self._given:
            number += 1
            name = f"{stem}-{number}"
        self._given.add(name + extension)
        return name + extension
