/** Meshes of the engine (LPS, mm) as the viewer wants them: RAS, vertices shared by the faces around them. */

import { NVMeshLoaders } from '@niivue/niivue'

export type Surface = { points: Float32Array; faces: Uint32Array }

const READERS: Record<string, (content: ArrayBuffer) => Surface | Promise<Surface>> = {
  '.stl': readStl,
  '.ply': (content) => renamed(NVMeshLoaders.readPLY(content)),
  '.obj': async (content) => renamed(await NVMeshLoaders.readOBJ(content)),
  '.glb': readGlb,
}

export async function readSurface(content: ArrayBuffer, extension: string): Promise<Surface> {
  const surface = await READERS[extension]!(content)
  for (let at = 0; at < surface.points.length; at += 3) {
    surface.points[at] = -surface.points[at]!
    surface.points[at + 1] = -surface.points[at + 1]!
  }
  return surface
}

function renamed(found: { positions: Float32Array; indices: Uint32Array }): Surface {
  return { points: found.positions, faces: found.indices }
}

type Gltf = {
  meshes: { primitives: { attributes: { POSITION: number }; indices: number }[] }[]
  accessors: { bufferView: number; count: number }[]
  bufferViews: { byteOffset: number; byteLength: number }[]
}

const JSON_AT = 20
const CHUNK_HEADER_BYTES = 8

/** Binary glTF as the engine writes it: one buffer, 32-bit places and indices, no transforms; all its meshes as one. */
function readGlb(content: ArrayBuffer): Surface {
  const jsonBytes = new DataView(content).getUint32(JSON_AT - CHUNK_HEADER_BYTES, true)
  const gltf = JSON.parse(new TextDecoder().decode(new Uint8Array(content, JSON_AT, jsonBytes))) as Gltf
  const bytesOf = (accessor: number): ArrayBuffer => {
    const view = gltf.bufferViews[gltf.accessors[accessor]!.bufferView]!
    const start = JSON_AT + jsonBytes + CHUNK_HEADER_BYTES + view.byteOffset
    return content.slice(start, start + view.byteLength)
  }
  const points: number[] = []
  const faces: number[] = []
  for (const { attributes, indices } of gltf.meshes.flatMap((mesh) => mesh.primitives)) {
    const before = points.length / 3
    for (const each of new Float32Array(bytesOf(attributes.POSITION))) points.push(each)
    for (const each of new Uint32Array(bytesOf(indices))) faces.push(before + each)
  }
  return { points: Float32Array.from(points), faces: Uint32Array.from(faces) }
}

const HEADER_BYTES = 84
const COUNT_AT = 80
const FACE_BYTES = 50
const FIRST_CORNER_AT = 12
const CORNER_BYTES = 12

/** Binary STL repeats each corner for every face; those of the same bits become one vertex, for smooth shading. */
function readStl(content: ArrayBuffer): Surface {
  const view = new DataView(content)
  const count = view.getUint32(COUNT_AT, true)
  const vertices = new Vertices(count)
  const faces = new Uint32Array(count * 3)
  for (let face = 0; face < count; face++) {
    const at = HEADER_BYTES + face * FACE_BYTES + FIRST_CORNER_AT
    for (let corner = 0; corner < 3; corner++) {
      faces[face * 3 + corner] = vertices.index(view, at + corner * CORNER_BYTES)
    }
  }
  return { points: vertices.points(), faces }
}

/** A hash table with open addresses: a Map of text keys takes seconds for a skull. */
class Vertices {
  private readonly slots: Int32Array
  private readonly bits: Int32Array
  private count = 0

  constructor(faces: number) {
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(faces * 3 + 8)) * 2).fill(-1)
    this.bits = new Int32Array(faces * 9)
  }

  index(view: DataView, at: number): number {
    const x = view.getInt32(at, true)
    const y = view.getInt32(at + 4, true)
    const z = view.getInt32(at + 8, true)
    const mask = this.slots.length - 1
    let slot = (Math.imul(x, 73856093) ^ Math.imul(y, 19349663) ^ Math.imul(z, 83492791)) & mask
    for (;;) {
      const found = this.slots[slot]!
      if (found < 0) return this.add(slot, x, y, z)
      const base = found * 3
      if (this.bits[base] === x && this.bits[base + 1] === y && this.bits[base + 2] === z) return found
      slot = (slot + 1) & mask
    }
  }

  points(): Float32Array {
    return new Float32Array(this.bits.buffer, 0, this.count * 3).slice()
  }

  private add(slot: number, x: number, y: number, z: number): number {
    this.slots[slot] = this.count
    this.bits.set([x, y, z], this.count * 3)
    return this.count++
  }
}
