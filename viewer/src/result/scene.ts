/**
 * Slices and surfaces on one canvas, with niivue; its frame is RAS in millimetres.
 *
 * The slices are of the coarse volume that the engine made for viewing; the surfaces are the meshes themselves.
 */

import { NVImage, NVMesh, Niivue, SLICE_TYPE, DRAG_MODE } from '@niivue/niivue'
import type { Surface } from './surface'

export type Layout = 'all' | 'axial' | 'coronal' | 'sagittal' | 'model'
export type Colour = [number, number, number]
export type Place = { mm: [number, number, number]; value: number | null; slice: [number, number, number] }
export type Line = { x1: number; y1: number; x2: number; y2: number }

type Mm = [number, number, number]

const OPAQUE = 255
/** NIFTI_INTENT_LABEL. */
const INTENT_LABEL = 1002
/** From the front, a little from the patient's left and above. */
const FRONT = { azimuth: 205, elevation: 8 }
const CLOSER = 1.15
/** Of a structure's colour, what is left out on slices: bone in the colour of bone would not be seen on bone. */
const GRAYNESS = 0.9
const TOUCH_MM = 1
const BONE_LEVEL = { low: -700, high: 2300 }
const SLICE_TYPES = [SLICE_TYPE.AXIAL, SLICE_TYPE.CORONAL, SLICE_TYPE.SAGITTAL]
/** Which of x, y and z is looked along, by slice type; and x and y on the screen. */
const AXES: Mm[] = [[0, 1, 2], [0, 2, 1], [1, 2, 0]]

export class Scene {
  private readonly niivue: Niivue
  private readonly meshes = new Map<string, NVMesh>()
  private layout: Layout = 'all'
  private table = ''

  private constructor(
    private readonly canvas: HTMLCanvasElement,
    moved: (place: Place) => void,
    drawn: () => void,
  ) {
    this.niivue = new Niivue({
      backColor: [0.043, 0.059, 0.075, 1],
      crosshairColor: [0.36, 0.72, 0.86, 0.7],
      crosshairWidth: 0.5,
      crosshairWidthUnit: 'mm',
      crosshairGap: 6,
      fontColor: [0.72, 0.78, 0.83, 1],
      fontMinPx: 12,
      fontSizeScaling: 0.3,
      isRadiologicalConvention: true,
      isSliceMM: true,
      meshThicknessOn2D: 0,
      dragMode: DRAG_MODE.pan,
      scrollRequiresFocus: true,
      dragAndDropEnabled: false,
      show3Dcrosshair: false,
      isOrientCube: false,
      viewModeHotKey: '',
      clipPlaneHotKey: '',
      cycleClipPlaneHotKey: '',
      loadingText: '',
      logLevel: 'error',
    })
    // niivue gives the canvas the focus at every click: the page would jump under the hand.
    canvas.focus = () => HTMLElement.prototype.focus.call(canvas, { preventScroll: true })
    // Only surfaces are shown in 3-D: to cast rays through the scan takes a graphics card, and hides them.
    this.niivue.drawImage3D = () => undefined
    this.niivue.onLocationChange = () => moved(this.place())
    const draw = this.niivue.drawScene.bind(this.niivue)
    this.niivue.drawScene = () => {
      const answer = draw()
      drawn()
      return answer
    }
  }

  static async on(canvas: HTMLCanvasElement, moved: (place: Place) => void, drawn: () => void): Promise<Scene> {
    const scene = new Scene(canvas, moved, drawn)
    await scene.niivue.attachToCanvas(canvas)
    scene.niivue.setRenderAzimuthElevation(FRONT.azimuth, FRONT.elevation)
    scene.niivue.scene.volScaleMultiplier = CLOSER
    scene.arrange()
    return scene
  }

  close(): void {
    this.niivue.cleanup()
  }

  async showScan(content: ArrayBuffer, isCalibrated: boolean): Promise<void> {
    const level = isCalibrated ? { cal_min: BONE_LEVEL.low, cal_max: BONE_LEVEL.high } : {}
    this.niivue.addVolume(await NVImage.loadFromUrl({ url: content, name: 'scan.nii.gz', colormap: 'gray', ...level }))
    this.arrange()
  }

  async showLabels(content: ArrayBuffer, colours: Map<number, Colour>, opacity: number): Promise<void> {
    const image = await NVImage.loadFromUrl({ url: content, name: 'labels.nii.gz', opacity })
    if (image.hdr) image.hdr.intent_code = INTENT_LABEL // else no voxel is without a colour (its issue 1139)
    this.setTable(image, colours)
    this.niivue.addVolume(image)
  }

  /** Colour the labels anew; those that are not named are not drawn. */
  recolourLabels(colours: Map<number, Colour>): void {
    const image = this.niivue.volumes[1]
    if (image && this.setTable(image, colours)) this.niivue.updateGLVolume()
  }

  addSurface(key: string, surface: Surface, colour: Colour, isVisible: boolean): void {
    const rgba = new Uint8Array([...colour, OPAQUE])
    const mesh = new NVMesh(surface.points, surface.faces, key, rgba, 1, isVisible, this.niivue.gl)
    this.meshes.set(key, mesh)
    // Its addMesh makes the volumes' textures anew for each mesh; it is needed only where no volume says how large all is.
    if (this.niivue.volumes.length > 0) this.niivue.meshes.push(mesh)
    else this.niivue.addMesh(mesh)
    this.niivue.drawScene()
  }

  showSurface(key: string, isVisible: boolean, colour: Colour): void {
    const mesh = this.meshes.get(key)
    if (!mesh) return
    mesh.visible = isVisible
    const rgba = new Uint8Array([...colour, OPAQUE])
    if (rgba.some((part, at) => part !== mesh.rgba255[at])) {
      mesh.rgba255 = rgba
      mesh.updateMesh(this.niivue.gl)
    }
  }

  redraw(): void {
    this.niivue.drawScene()
  }

  setLayout(layout: Layout): void {
    this.layout = layout
    this.arrange()
  }

  setLabelOpacity(opacity: number): void {
    if (this.niivue.volumes.length > 1) this.niivue.setOpacity(1, opacity)
  }

  /** Values drawn black and white; null: from the scan's own. */
  setWindow(window: [number, number] | null): void {
    const scan = this.niivue.volumes[0]
    if (!scan) return
    const [low, high] = window ?? [scan.robust_min ?? 0, scan.robust_max ?? 1]
    scan.cal_min = low
    scan.cal_max = high
    this.niivue.updateGLVolume()
  }

  /** Numbers of sagittal, coronal and axial slices: along x, y and z. */
  get sliceCounts(): [number, number, number] {
    const [, x = 1, y = 1, z = 1] = this.niivue.volumes[0]?.dimsRAS ?? []
    return [x, y, z]
  }

  setSlice(axis: number, index: number): void {
    const position = this.niivue.scene.crosshairPos
    position[axis] = (index + 0.5) / this.sliceCounts[axis]!
    this.niivue.scene.crosshairPos = position
    this.niivue.drawScene()
    this.niivue.onLocationChange({})
  }

  goTo(mm: Mm): void {
    this.niivue.scene.crosshairPos = this.niivue.mm2frac(mm)
    this.niivue.drawScene()
    this.niivue.onLocationChange({})
  }

  /**
   * Put the crosshair where a click went: on slices it is there already, on a surface it is looked up.
   *
   * @param x, y CSS pixels from the canvas's corner.
   * @returns Whether there is anything at that place.
   */
  pick(x: number, y: number): boolean {
    const scale = this.canvas.width / Math.max(this.canvas.clientWidth, 1)
    const isOnSlice = this.niivue.tileIndex(x * scale, y * scale) >= 0 && this.niivue.inRenderTile(x * scale, y * scale) < 0
    if (isOnSlice) return true
    const before = [...this.niivue.scene.crosshairPos]
    this.niivue.mousePos = [x * scale, y * scale]
    this.niivue.uiData.mouseDepthPicker = true
    this.niivue.drawScene()
    return before.some((each, axis) => each !== this.niivue.scene.crosshairPos[axis])
  }

  place(): Place {
    const position = this.niivue.scene.crosshairPos
    const [x, y, z] = this.niivue.frac2mm(position)
    const counts = this.sliceCounts
    const slice = counts.map((count, axis) =>
      Math.min(count - 1, Math.max(0, Math.floor(position[axis]! * count))),
    ) as Mm
    const scan = this.niivue.volumes[0]
    return { mm: [x!, y!, z!], value: scan ? scan.getValue(...slice) : null, slice }
  }

  /** Where a distance lies on the canvas, in CSS pixels: on every slice that both its ends are on. */
  linesOf(from: Mm, to: Mm): Line[] {
    const scale = this.canvas.clientWidth / Math.max(this.canvas.width, 1)
    return this.niivue.screenSlices.flatMap((slice) => {
      const [start, end] = [from, to].map((mm) => projected(mm, slice))
      if (!start || !end) return []
      return [{ x1: start[0] * scale, y1: start[1] * scale, x2: end[0] * scale, y2: end[1] * scale }]
    })
  }

  private arrange(): void {
    const hasScan = this.niivue.volumes.length > 0
    this.niivue.setCustomLayout(hasScan ? LAYOUTS[this.layout] : LAYOUTS.model)
    this.niivue.drawScene()
  }

  /** Whether that changes anything. */
  private setTable(image: NVImage, colours: Map<number, Colour>): boolean {
    const table = JSON.stringify([...colours])
    if (table === this.table) return false
    this.table = table
    const labels = [0, ...colours.keys()]
    const parts: Colour[] = [[0, 0, 0], ...[...colours.values()].map(vivid)]
    const column = (part: number): number[] => parts.map((colour) => colour[part]!)
    image.setColormapLabel({
      R: column(0),
      G: column(1),
      B: column(2),
      A: labels.map((label) => (label === 0 ? 0 : OPAQUE)),
      I: labels,
    })
    return true
  }
}

function vivid(colour: Colour): Colour {
  const gray = GRAYNESS * Math.min(...colour)
  const strongest = Math.max(...colour) - gray
  return colour.map((part) => Math.round(((part - gray) / Math.max(strongest, 1)) * OPAQUE)) as Colour
}

type View = { sliceType: SLICE_TYPE; position: [number, number, number, number] }

const GAP = 0.002
const HALF = 0.5 - GAP
const WHOLE: [number, number, number, number] = [0, 0, 1, 1]

const LAYOUTS: Record<Layout, View[]> = {
  all: [
    { sliceType: SLICE_TYPE.AXIAL, position: [0, 0, HALF, HALF] },
    { sliceType: SLICE_TYPE.CORONAL, position: [0.5 + GAP, 0, HALF, HALF] },
    { sliceType: SLICE_TYPE.SAGITTAL, position: [0, 0.5 + GAP, HALF, HALF] },
    { sliceType: SLICE_TYPE.RENDER, position: [0.5 + GAP, 0.5 + GAP, HALF, HALF] },
  ],
  axial: [{ sliceType: SLICE_TYPE.AXIAL, position: WHOLE }],
  coronal: [{ sliceType: SLICE_TYPE.CORONAL, position: WHOLE }],
  sagittal: [{ sliceType: SLICE_TYPE.SAGITTAL, position: WHOLE }],
  model: [{ sliceType: SLICE_TYPE.RENDER, position: WHOLE }],
}

type ScreenSlice = Niivue['screenSlices'][number]

/** Canvas pixels of a place on a slice; null where the slice does not go through it. */
function projected(mm: Mm, slice: ScreenSlice): [number, number] | null {
  const kind = SLICE_TYPES.indexOf(slice.axCorSag)
  if (kind < 0 || slice.AxyzMxy.length < 5) return null
  const [across, up, along] = AXES[kind]!.map((axis) => mm[axis]!) as Mm
  const [x0, y0, z0, slopeX, slopeY] = slice.AxyzMxy as [number, number, number, number, number]
  const planeAt = z0 + slopeY * (across - x0) - slopeX * (up - y0)
  if (Math.abs(along - planeAt) > TOUCH_MM) return null
  const [left, top, width, height] = slice.leftTopWidthHeight as [number, number, number, number]
  const partX = (across - slice.leftTopMM[0]!) / slice.fovMM[0]!
  const partY = (up - slice.leftTopMM[1]!) / slice.fovMM[1]!
  return [left + partX * width, top + (1 - partY) * height]
}

