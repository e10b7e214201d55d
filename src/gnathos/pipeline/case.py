"""One run's findings and what has been made of them so far: what the makers of outputs share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gnathos.anatomy import FUSED_TEETH, STRUCTURES, SURFACES, Structure, expand_structures
from gnathos.imaging import Volume
from gnathos.meshing import Mesh, merge_fields, smooth, surface_from_field
from gnathos.pipeline.cutting import cut_out
from gnathos.pipeline.finishing import Finished, finish
from gnathos.pipeline.options import MeshOptions
from gnathos.pipeline.read import Scan
from gnathos.pipeline.request import OutputFile, OutputResult, Request
from gnathos.segmentation import Finding, Outcome, Reason, Segmentation

ALONG_THE_ARCH = ("mandible", "all_permanent_teeth")
"""What the arch of a panoramic picture is told by, which names no structures itself."""

SHOWING_NONE = ("volumes", "archive")
"""Kinds that show no structure where none is named: in a job with no others nothing has to be found."""

Names = tuple[str, ...]


@dataclass
class Case:
    """The run."""

    request: Request
    folder: Path
    """Relative paths start here."""
    scan: Scan | None
    """None where no volume was sent."""
    segmentation: Segmentation
    segmenter: Mapping[str, str]
    """`name` and `version` of what found the structures."""
    options: Mapping[str, MeshOptions]
    """By structure name, for all that were asked for."""
    surfaces: Mapping[str, Mesh]
    """The meshes that were sent, by input key."""
    results: list[OutputResult] = field(default_factory=list)
    """Of the outputs made so far."""
    _surfaces: dict[tuple[Names, Names], Mesh] = field(default_factory=dict)
    _meshes: dict[tuple[Names, Names], Finished] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        """What found the structures, in a word."""
        return " ".join(self.segmenter.values())

    def findings_for(self, output: OutputFile) -> dict[str, Finding]:
        """What is known of the structures that an output is to show, in their order; of all where it names none.

        All are those that the other outputs name, and the meshes that were sent; where nothing is named, all findings.
        """
        names = [structure.name for structure in expand_structures(_along_the_arch(output) or output.structures)]
        everything = (*(self._named or self.segmentation.findings), *self.surfaces)
        return {name: self.finding(name) for name in names or everything}

    @cached_property
    def _named(self) -> list[str]:
        return [structure.name for structure in expand_structures(_names(self.request.outputs))]

    def finding(self, name: str) -> Finding:
        """What is known of a structure, or of a mesh that was sent."""
        if name in SURFACES:
            return _finding_of_surface(name, name in self.surfaces)
        if name in FUSED_TEETH:
            return _NOT_FUSED
        return self.segmentation.findings[name]

    @cached_property
    def found(self) -> dict[str, Volume]:
        """The fields of all structures that were found, by name."""
        findings = self.segmentation.findings
        return {name: finding.field for name, finding in findings.items() if finding.field is not None}

    def has(self, name: str) -> bool:
        """Whether there is something to show of it."""
        return name in self.found or name in self.surfaces

    def mesh_of(self, names: Names, excluded: Names = ()) -> Finished:
        """The same as `surface_of`, finished as the first structure's options say; for however many formats, once."""
        if (names, excluded) not in self._meshes:
            self._meshes[names, excluded] = finish(self.surface_of(names, excluded), self.options[names[0]])
        return self._meshes[names, excluded]

    def surface_of(self, names: Names, excluded: Names = ()) -> Mesh:
        """The surface of what was found, smoothed as the first structure's options say and not decimated.

        Args:
            names: structures that were found; several are merged. Or one mesh that was sent, given back as it is.
            excluded: structures that were found, to be cut out.

        Raises:
            MeshingFailed: nothing is left to make a surface of.
        """
        if names[0] in self.surfaces:
            return self.surfaces[names[0]]
        if (names, excluded) not in self._surfaces:
            whole = merge_fields([self.found[name] for name in names])
            rest = cut_out(whole, [self.found[name] for name in excluded]) if excluded else whole
            surface = smooth(surface_from_field(rest), self.options[names[0]].smoothing_iterations)
            self._surfaces[names, excluded] = surface
        return self._surfaces[names, excluded]

    def path_for(self, output: OutputFile) -> Path:
        """Where an output's file goes, relative to the folder; its own folder is made."""
        path = Path("outputs") / f"{output.kind}-{output.position}{output.extension}"
        (self.folder / path.parent).mkdir(exist_ok=True)
        return path


_NOT_FUSED = Finding(
    Outcome.FAILED, 1.0, Reason.NOT_SUPPORTED_YET, "Intra-oral scans cannot be aligned with a CBCT yet."
)


def structures_wanted(outputs: Sequence[OutputFile]) -> dict[str, Structure]:
    """All that has to be found, by name."""
    sought = (name for output in outputs for name in _along_the_arch(output))
    wanted = {structure.name: structure for structure in expand_structures([*_names(outputs), *sought])}
    shows_none = all(output.kind in SHOWING_NONE for output in outputs)
    return wanted if wanted or shows_none else dict(STRUCTURES)


def _names(outputs: Sequence[OutputFile]) -> list[str]:
    return [name for output in outputs for name in (*output.structures, *output.exclude)]


def _along_the_arch(output: OutputFile) -> tuple[str, ...]:
    return ALONG_THE_ARCH if output.kind == "panoramic" else ()


def _finding_of_surface(name: str, is_given: bool) -> Finding:
    if is_given:
        return Finding(Outcome.FOUND, 1.0)
    return Finding(Outcome.FAILED, 1.0, Reason.INPUT_MISSING, f"There is no input `{name}` to give back.")
