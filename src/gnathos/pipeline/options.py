"""The contract's mesh options: defaults, spellings, checks."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gnathos.anatomy import Family
from gnathos.errors import InvalidOption

BIG_FAMILIES = {Family.MANDIBLE, Family.SKULL, Family.MAXILLARY_COMPLEX, Family.SOFT_TISSUE}
"""Structures smoothed once and decimated to 0.1 mm unless told otherwise; the others to 0.03 mm, unsmoothed."""

MOST_SMOOTHING_ITERATIONS = 100
LARGEST_ERROR_MM = 5.0
ITERATIONS_OF_FULL_SMOOTHING = 20
"""What the older versions' `smoothingFactor` of 1 comes to."""

OLD_OPTIONS = ("smoothingFactor", "decimationFactor")
"""Honoured on `v2` and older; later versions replaced them."""
_NEW_OPTIONS = ("smoothingIterations", "decimateMaxError", "makeManifold")
_REPLACED_BY = dict(zip(OLD_OPTIONS, _NEW_OPTIONS, strict=False))
_GROUPS_WITHOUT_EFFECT = ("fusedMeshOptions",)
"""Of the contract, for outputs that this engine does not make yet."""
_OLD_VERSION = re.compile(r"v[12]")

Warnings = tuple[dict[str, str], ...]


@dataclass(frozen=True)
class MeshOptions:
    """How one mesh is made."""

    smoothing_iterations: int
    decimate_max_error_mm: float
    make_manifold: bool = True
    decimation_share: float | None = None
    """Of the triangles, how many to remove; only the older versions name one, and then no error is promised."""

    def as_contract(self) -> dict[str, Any]:
        """Under the contract's names."""
        named: dict[str, Any] = {
            "smoothingIterations": self.smoothing_iterations,
            "decimateMaxError": self.decimate_max_error_mm,
            "makeManifold": self.make_manifold,
        }
        if self.decimation_share is not None:
            named = {**named, "decimateMaxError": None, "decimationFactor": self.decimation_share}
        return named


def mesh_options(options: Mapping[str, Any], family: Family, version: str = "") -> MeshOptions:
    """The options of one structure family, defaults filled in.

    Args:
        options: the contract's `options`; a family's key may be written with hyphens or underscores.
        family: whose.
        version: of the API; the older ones have options of their own.

    Raises:
        InvalidOption: a value is not a number in range, or not true or false.
    """
    given = _given(options, family)
    is_old = is_old_version(version)
    big = family in BIG_FAMILIES
    iterations = float(big)
    if is_old and "smoothingFactor" in given:
        iterations = round(_number(given, "smoothingFactor", 0, 1) * ITERATIONS_OF_FULL_SMOOTHING)
    iterations = _number(given, "smoothingIterations", iterations, MOST_SMOOTHING_ITERATIONS)
    error_mm = _number(given, "decimateMaxError", _default_error_mm(family), LARGEST_ERROR_MM)
    has_share = is_old and "decimationFactor" in given and "decimateMaxError" not in given
    share = _number(given, "decimationFactor", 0, 1) if has_share else None
    return MeshOptions(
        int(iterations), float(error_mm), _flag(given, "makeManifold", family is not Family.SURFACE), share
    )


def is_old_version(version: str) -> bool:
    """Whether a version is `v2` or older."""
    return _OLD_VERSION.fullmatch(version) is not None


def option_warnings(options: Mapping[str, Any], version: str = "") -> Warnings:
    """What of the options has no effect, and why."""
    return tuple(_warnings(options, is_old_version(version)))


def _warnings(options: Mapping[str, Any], is_old: bool) -> Iterator[dict[str, str]]:
    families = [family.value for family in Family]
    for key, value in options.items():
        if key in _GROUPS_WITHOUT_EFFECT:
            yield _warning("option_not_supported_yet", f"options.{key} has no effect yet.")
        elif key.replace("_", "-") not in families:
            yield _warning("unknown_option", f"options.{key[:80]} is not known.{_nearest(key, families)}")
        elif isinstance(value, Mapping):
            yield from _warnings_of_family(key, value, is_old)


def _warnings_of_family(family: str, given: Mapping[str, Any], is_old: bool) -> Iterator[dict[str, str]]:
    for name in given:
        where = f"options.{family}.{name[:80]}"
        if name in OLD_OPTIONS and not is_old:
            detail = f"{where} has no effect since 24.06; use {_REPLACED_BY[name]}."
            yield _warning("option_removed", detail)
        elif name not in (*_NEW_OPTIONS, *OLD_OPTIONS):
            yield _warning("unknown_option", f"{where} is not known.{_nearest(name, _NEW_OPTIONS)}")


def _warning(code: str, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail}


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _given(options: Mapping[str, Any], family: Family) -> Mapping[str, Any]:
    given: Mapping[str, Any] = {}
    for key, value in options.items():
        if key.replace("_", "-") == family.value:
            if not isinstance(value, Mapping):
                raise InvalidOption(f"options.{key} must be an object.")
            given = value
    return given


def _default_error_mm(family: Family) -> float:
    if family is Family.SURFACE:
        return 0.0
    return 0.1 if family in BIG_FAMILIES else 0.03


def _number(given: Mapping[str, Any], name: str, default: float, largest: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise InvalidOption(f"{name} must be a number from 0 to {largest:g}, not {str(value)[:40]!r}.")
    return value


def _flag(given: Mapping[str, Any], name: str, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise InvalidOption(f"{name} must be true or false, not {str(value)[:40]!r}.")
    return value
