"""Draws what the built-in segmenter finds, for the model card: `python -m bench.anatomy_pictures`.

Of every scan two pictures are written to `docs/pictures`: `slices-NAME.png`, three slices in each direction with the
outlines of what was found and the teeth's numbers, and `meshes-NAME.png`, the surfaces from the front, the right, the
left and below. Scans are the phantom, the real ones below GNATHOS_SHARED, and synthetic ones that
`gnathos.training.evaluate` kept: `--synthetic CACHE/scans/0003-0.4mm.npz`.
"""

import argparse
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from gnathos.anatomy import PERMANENT_FDI, STRUCTURES
from gnathos.anatomy.colours import Colour, colour_of
from gnathos.dicom import read_dicom
from gnathos.imaging import Volume
from gnathos.imaging.sampling import block_mean, mask_on_grid
from gnathos.meshing import surface_from_field
from gnathos.phantom import PhantomParameters, make_phantom
from gnathos.pipeline.outputs.rendering import VIEWS, draw, spread_points
from gnathos.segmentation import BuiltinSegmenter, Finding

Masks = Mapping[str, npt.NDArray[np.bool_]]

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SHARED = Path(os.environ.get("GNATHOS_SHARED", Path(__file__).parents[2] / "shared"))
REAL = ("head_ct_dicom", "gantry_tilt_dicom")
LARGE = ("skull", "mandible", "right_sinus", "left_sinus", "airway", "soft_tissue")
SMALL = ("right_nerve", "left_nerve", *(f"tooth{fdi}" for fdi in PERMANENT_FDI))
MESHED = ("mandible", *SMALL)
"""The skull would hide them."""
SLICE_SPACING_MM = 0.8
TILE_PX = 300
PLACES = (0.3, 0.5, 0.7)
"""Of the slices, between the ends of what was found."""
COLOURS = 128
MOST_BYTES = 150_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Segment and draw every scan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synthetic", nargs="*", type=Path, default=[], help="scans kept by gnathos.training.evaluate")
    parser.add_argument("--only", help="the name of one scan")
    options = parser.parse_args(arguments)
    segmenter = BuiltinSegmenter()
    for name, scan in scans(options.synthetic):
        if options.only in {None, name}:
            findings = segmenter.segment(scan, (*LARGE, *SMALL), lambda _: None).findings
            print(name, sorted(each for each, finding in findings.items() if finding.field is not None))
            save(slices_of(scan.to_patient_axes(), findings), f"slices-{name}")
            save(meshes_of(findings), f"meshes-{name}")


def scans(synthetic: Sequence[Path]) -> Iterator[tuple[str, Volume]]:
    """Each with its name."""
    yield "phantom", make_phantom(PhantomParameters(spacing_mm=0.5, shape=(264, 320, 320))).volume
    for name in REAL:
        if (SHARED / "scans" / name).exists():
            yield name.removesuffix("_dicom").replace("_", "-"), read_dicom(SHARED / "scans" / name)
    for path in synthetic:
        stored = np.load(path)
        yield f"synthetic-{path.name[:4]}", Volume(stored["voxels"], stored["affine"])


def save(picture: Image.Image | None, name: str) -> None:
    """Write a picture with few colours, smaller where it would be too large."""
    while picture is not None:
        stored = io.BytesIO()
        few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)  # outlines are few pixels of rare colours
        few.save(stored, "PNG", optimize=True)
        if len(stored.getvalue()) <= MOST_BYTES:
            (PICTURES / f"{name}.png").write_bytes(stored.getvalue())
            print(name, picture.size, len(stored.getvalue()))
            return
        picture = picture.resize((round(picture.width * 0.9), round(picture.height * 0.9)))


def slices_of(scan: Volume, findings: Mapping[str, Finding]) -> Image.Image:
    """Three slices in each direction, with outlines."""
    grid = block_mean(scan, np.maximum(1, np.floor(SLICE_SPACING_MM / scan.spacing_mm + 0.2)).astype(int))
    masks: dict[str, npt.NDArray[np.bool_]] = {}
    for name, finding in findings.items():
        if finding.field is not None:
            window, inside = mask_on_grid(finding.field, grid)
            masks[name] = np.zeros(grid.shape, np.bool_)
            masks[name][window] = inside
    jaws = [mask for name, mask in masks.items() if name in MESHED] or list(masks.values())
    shown = np.logical_or.reduce(jaws) if jaws else np.ones(grid.shape, np.bool_)
    low, high = np.percentile(grid.voxels, (1, 99.7))
    gray = np.clip((grid.voxels - low) / max(float(high - low), 1e-6), 0, 1) * 255
    sheet = Image.new("RGB", (TILE_PX * len(PLACES), TILE_PX * 3))
    for axis in range(3):
        ends = np.flatnonzero(shown.any(axis=tuple(each for each in range(3) if each != axis)))[[0, -1]]
        for column, share in enumerate(PLACES):
            at = int(ends[0] + share * (ends[1] - ends[0]))
            rows = slice(None, None, -1 if axis else 1)  # the head up in all but axial slices
            parts = {name: mask.take(at, axis)[rows] for name, mask in masks.items()}
            tile = framed(slice_of(gray.take(at, axis)[rows], parts), np.delete(grid.spacing_mm, axis))
            sheet.paste(tile, (TILE_PX * column, TILE_PX * axis))
    return sheet


def slice_of(gray: npt.NDArray[np.floating], masks: Masks) -> Image.Image:
    """One slice, three pixels to a voxel, with outlines and the numbers of teeth."""
    scale = 3
    large = np.kron(gray, np.ones((scale, scale)))
    picture = np.repeat(large[..., None], 3, axis=2).astype(np.uint8)
    numbers = []
    for name, mask in masks.items():
        if mask.any():
            whole = np.kron(mask, np.ones((scale, scale), np.bool_)).astype(bool)
            picture[whole & ~ndimage.binary_erosion(whole)] = strong(name)
            fdi = STRUCTURES[name].fdi
            if fdi is not None:
                numbers.append((fdi, np.argwhere(whole).mean(axis=0)))
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for fdi, (row, column) in numbers:
        pen.text((column - 6, row - 5), str(fdi), fill=(255, 255, 0))
    return image


def framed(tile: Image.Image, spacing_mm: npt.NDArray[np.float64]) -> Image.Image:
    """A tile of even size, its proportions those of the patient."""
    height, width = tile.height * spacing_mm[0], tile.width * spacing_mm[1]
    factor = TILE_PX / max(height, width)
    inside = tile.resize((max(1, round(width * factor)), max(1, round(height * factor))))
    frame = Image.new("RGB", (TILE_PX, TILE_PX))
    frame.paste(inside, ((TILE_PX - inside.width) // 2, (TILE_PX - inside.height) // 2))
    return frame


def strong(name: str) -> Colour:
    """A structure's colour, easier to see on gray; teeth and canals apart from bone."""
    red, green, blue = colour_of(STRUCTURES[name])
    if STRUCTURES[name].fdi is not None:
        return (0, 220, 255) if STRUCTURES[name].fdi % 2 else (255, 110, 220)
    return (255, 160, 0) if name == "mandible" else (110, 220, 90) if name == "skull" else (red, green, blue)


def meshes_of(findings: Mapping[str, Finding]) -> Image.Image | None:
    """The lower jaw with its canals, and the teeth, from four sides; None where nothing of them was found."""
    shown = [
        (surface_from_field(finding.field), strong(name) if name != "mandible" else colour_of(STRUCTURES[name]))
        for name in MESHED
        if (finding := findings[name]).field is not None
    ]
    if not shown:
        return None
    cloud = spread_points(shown, TILE_PX)
    return Image.fromarray(np.concatenate([draw(cloud, view, TILE_PX) for view in VIEWS], axis=1))


if __name__ == "__main__":
    main()
