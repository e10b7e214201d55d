"""PLY in: text, and binary of either byte order.

Source: Turk 1994, "The PLY polygon file format".
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gnathos.errors import SurfaceUnreadable
from gnathos.imaging.limits import Limits
from gnathos.surfaces.polygons import fans
from gnathos.surfaces.surface import Surface, check_count

_MOST_HEADER_BYTES = 100_000
_END = b"end_header"
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPE_NAMES = {
    "i1": ("char", "int8"),
    "u1": ("uchar", "uint8"),
    "i2": ("short", "int16"),
    "u2": ("ushort", "uint16"),
    "i4": ("int", "int32"),
    "u4": ("uint", "uint32"),
    "f4": ("float", "float32"),
    "f8": ("double", "float64"),
}
_TYPES = {name: kind for kind, names in _TYPE_NAMES.items() for name in names}
_COUNTS = ("i1", "u1", "i2", "u2", "i4", "u4")
_INDEX_LISTS = {"vertex_indices", "vertex_index"}
_TEXTURE_WORDS = {"red", "texcoord", "texture_u", "s", "u", "texnumber"}


@dataclass(frozen=True)
class _Property:
    name: str
    kind: str
    count_kind: str = ""
    """For a list: type of its length."""


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


Rows = dict[str, npt.NDArray[np.generic] | list[npt.NDArray[np.generic]]]
"""By property: a value a row; for a list, an array (rows, length), or a list of arrays where lengths differ."""


def parse_ply(content: bytes, limits: Limits) -> Surface:
    """Parse triangles and polygons; other elements are passed over.

    Raises:
        SurfaceUnreadable: it is no PLY mesh, or shorter than it declares.
    """
    order, elements, start = _read_header(content)
    for element in elements:
        check_count(element.count, limits)
    found = {element.name: element for element in elements}
    if not {"vertex", "face"} <= found.keys():
        raise SurfaceUnreadable("The PLY holds no mesh: it has no vertices or no faces.")
    body = _Words(content[start:].split()) if not order else _Bytes(content, start, order)
    rows = {element.name: body.read(element) for element in elements}
    names = {each.name for element in elements for each in element.properties}
    return Surface(_places(rows["vertex"]), _triangles(rows["face"], limits), has_texture=bool(names & _TEXTURE_WORDS))


def _read_header(content: bytes) -> tuple[str, list[_Element], int]:
    """The byte order (empty for text), the elements, and where the body starts."""
    end = content.find(_END, 0, _MOST_HEADER_BYTES)
    newline = content.find(b"\n", end)
    if end < 0 or newline < 0 or not content.startswith((b"ply\n", b"ply\r")):
        raise SurfaceUnreadable("The file is not PLY, or its header does not end.")
    order: str | None = None
    elements: list[_Element] = []
    for line in content[:end].decode("ascii", "replace").splitlines()[1:]:
        match line.split():
            case ["format", name, _] if name in _ORDERS:
                order = _ORDERS[name]
            case ["element", name, count] if count.isdecimal():
                elements.append(_Element(name, int(count)))
            case ["property", *words] if elements:
                elements[-1].properties.append(_property(words))
            case ["comment" | "obj_info", *_] | []:
                pass
            case _:
                raise SurfaceUnreadable("The PLY header has a line that is not understood.")
    if order is None:
        raise SurfaceUnreadable("The PLY does not say how it is stored.")
    return order, elements, newline + 1


def _property(words: list[str]) -> _Property:
    match words:
        case [kind, name] if kind in _TYPES:
            return _Property(name, _TYPES[kind])
        case ["list", count_kind, kind, name] if _TYPES.get(count_kind) in _COUNTS and kind in _TYPES:
            return _Property(name, _TYPES[kind], _TYPES[count_kind])
    raise SurfaceUnreadable("The PLY header has a property that is not understood.")


class _Bytes:
    """A binary body, read element after element."""

    def __init__(self, content: bytes, start: int, order: str) -> None:
        self._content = content
        self._at = start
        self._order = order

    def read(self, element: _Element) -> Rows:
        """All rows; at once where lists are as long in every row as in the first, as they nearly always are."""
        if not element.count or not element.properties:
            return {}
        layout = self._layout_of_first(element)
        if element.count * layout.itemsize <= len(self._content) - self._at:
            rows = np.frombuffer(self._content, layout, element.count, self._at)
            lists = [each.name for each in element.properties if each.count_kind]
            if all((rows[f"{name} count"] == rows[name].shape[1]).all() for name in lists):
                self._at += rows.nbytes
                return {each.name: rows[each.name] for each in element.properties}
        elif not any(each.count_kind for each in element.properties):
            raise SurfaceUnreadable("The PLY ends early.")
        return self._read_slowly(element)

    def _layout_of_first(self, element: _Element) -> np.dtype[np.void]:
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        at = self._at
        for each in element.properties:
            if not each.count_kind:
                fields.append((each.name, self._order + each.kind))
                at += np.dtype(each.kind).itemsize
                continue
            count = int(self._take(each.count_kind, 1, at)[0])
            fields += [(f"{each.name} count", self._order + each.count_kind)]
            fields += [(each.name, self._order + each.kind, (max(count, 0),))]
            at += np.dtype(each.count_kind).itemsize + max(count, 0) * np.dtype(each.kind).itemsize
        try:
            return np.dtype(fields)
        except ValueError as error:
            raise SurfaceUnreadable("The PLY names a property twice.") from error

    def _read_slowly(self, element: _Element) -> Rows:
        columns: dict[str, list[npt.NDArray[np.generic]]] = {each.name: [] for each in element.properties}
        for _ in range(element.count):
            for each in element.properties:
                count = 1
                if each.count_kind:
                    count = int(self._take(each.count_kind, 1, self._at)[0])
                    self._at += np.dtype(each.count_kind).itemsize
                values = self._take(each.kind, count, self._at)
                self._at += values.nbytes
                columns[each.name].append(values)
        return dict(columns)

    def _take(self, kind: str, count: int, at: int) -> npt.NDArray[np.generic]:
        if count < 0 or at + count * np.dtype(kind).itemsize > len(self._content):
            raise SurfaceUnreadable("The PLY ends early.")
        return np.frombuffer(self._content, self._order + kind, count, at)


class _Words:
    """A text body, read element after element."""

    def __init__(self, words: list[bytes]) -> None:
        self._words = words
        self._at = 0

    def read(self, element: _Element) -> Rows:
        """All rows; lists keep their own lengths."""
        if not any(each.count_kind for each in element.properties):
            width = len(element.properties)
            table = self._take(element.count * width).reshape(element.count, width)
            return {each.name: table[:, place] for place, each in enumerate(element.properties)}
        columns: dict[str, list[npt.NDArray[np.generic]]] = {each.name: [] for each in element.properties}
        for _ in range(element.count):
            for each in element.properties:
                count = self._count() if each.count_kind else 1
                columns[each.name].append(self._take(count))
        return dict(columns)

    def _count(self) -> int:
        (number,) = self._take(1)
        if not float(number).is_integer():
            raise SurfaceUnreadable("The PLY holds a list whose length is not a whole number.")
        return int(number)

    def _take(self, count: int) -> npt.NDArray[np.float64]:
        if not 0 <= count <= len(self._words) - self._at:
            raise SurfaceUnreadable("The PLY ends early.")
        words = self._words[self._at : self._at + count]
        self._at += count
        try:
            return np.array([float(word) for word in words])
        except ValueError as error:
            raise SurfaceUnreadable("The PLY holds something that is not a number.") from error


def _places(rows: Rows) -> npt.NDArray[np.float64]:
    if not {"x", "y", "z"} <= rows.keys():
        raise SurfaceUnreadable("The PLY's vertices have no places.")
    columns = [np.asarray(rows[name], dtype=np.float64).reshape(-1) for name in "xyz"]
    return np.column_stack(columns)


def _triangles(rows: Rows, limits: Limits) -> npt.NDArray[np.int64]:
    name = next(iter(_INDEX_LISTS & rows.keys()), None)
    if name is None:
        raise SurfaceUnreadable("The PLY's faces have no corners.")
    return fans(rows[name], limits)
