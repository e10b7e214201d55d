/** A result as a list of structures: what became of each, and which files show it. */

import { expanded } from '../engine/catalogue.svelte'
import type { Catalogue, FileResult, Finished, Part, Reason } from '../engine/types'
import type { Colour } from './scene'

export type Tone = 'good' | 'warn' | 'bad' | 'none'

export type Row = {
  /** A structure's name, or those of a merged mesh. */
  key: string
  names: string[]
  status: string
  tone: Tone
  confidence: number
  reason: Reason | null
  colour: Colour
  /** In the label map; 0 where it is in none. */
  label: number
  mesh: FileResult | null
}

const AVAILABLE = 'Available'
const SHOWN_AS_SURFACES = ['.stl', '.ply', '.obj', '.glb']
const FAILED = 'Failed'
const GRAY: Colour = [176, 186, 194]

export const TONE_COLOURS: Record<Tone, Colour> = {
  good: [70, 178, 118],
  warn: [224, 160, 48],
  bad: [214, 78, 70],
  none: GRAY,
}

export function toneOf(status: string, reason: Reason | null): Tone {
  if (status === AVAILABLE) return reason ? 'warn' : 'good'
  return status === FAILED ? 'bad' : 'none'
}

export function wordFor(tone: Tone, status: string): string {
  return tone === 'warn' ? 'Found, with a reservation' : (WORDS[status] ?? status)
}

const WORDS: Record<string, string> = { Available: 'Found', Missing: 'Not in the scan', Failed: 'Failed' }

export function rowsOf(result: Finished, known: Catalogue): Row[] {
  const meshes = meshesToShow(result.outputFiles.meshes ?? [])
  const labels = labelsOf(result)
  const rows = partsOf(result).map((part): Row => {
    const mesh = meshes.find((each) => sameNames(expanded(each.structures, known), [part.structure])) ?? null
    const said = mesh && mesh.status !== AVAILABLE ? mesh : part
    const structure = known.structures.find((each) => each.name === part.structure)
    return {
      key: part.structure,
      names: [part.structure],
      status: said.status,
      tone: toneOf(said.status, said.reason),
      confidence: part.confidence,
      reason: said.reason,
      colour: structure?.colour ?? GRAY,
      label: labels[part.structure] ?? 0,
      mesh,
    }
  })
  const merged = meshes.filter((each) => expanded(each.structures, known).length > 1).map((each) => mergedRow(each, known))
  return [...rows, ...merged]
}

function mergedRow(mesh: FileResult, known: Catalogue): Row {
  const first = known.structures.find((each) => each.name === expanded(mesh.structures, known)[0])
  return {
    key: mesh.structures.join('+'),
    names: mesh.structures,
    status: mesh.status,
    tone: toneOf(mesh.status, mesh.reason),
    confidence: mesh.confidence,
    reason: mesh.reason,
    colour: first?.colour ?? GRAY,
    label: 0,
    mesh,
  }
}

/** One part for each structure, as the first output that shows it says. */
function partsOf(result: Finished): Part[] {
  const parts = new Map<string, Part>()
  const order = ['meshes', ...Object.keys(result.outputFiles)]
  for (const output of order.flatMap((kind) => result.outputFiles[kind] ?? [])) {
    for (const part of output.parts ?? []) if (!parts.has(part.structure)) parts.set(part.structure, part)
  }
  return [...parts.values()]
}

/** Where a mesh comes in several formats, the one that can be shown. */
function meshesToShow(meshes: FileResult[]): FileResult[] {
  const best = new Map<string, FileResult>()
  for (const mesh of meshes) {
    const key = mesh.structures.join('+')
    const before = best.get(key)
    if (!before || (!canBeShown(normalised(before.extension)) && canBeShown(normalised(mesh.extension)))) best.set(key, mesh)
  }
  return [...best.values()]
}

export function canBeShown(extension: string): boolean {
  return SHOWN_AS_SURFACES.includes(extension)
}

export function normalised(extension: string): string {
  const lower = extension.trim().toLowerCase()
  return lower.startsWith('.') ? lower : `.${lower}`
}

export function viewingFiles(result: Finished): { scan: FileResult | null; labels: FileResult | null } {
  const volumes = (result.outputFiles.volumes ?? []).filter((each) => each.status === AVAILABLE)
  return {
    scan: volumes.find((each) => each.structures.length === 0) ?? null,
    labels: volumes.find((each) => each.structures.length > 0) ?? null,
  }
}

function labelsOf(result: Finished): Record<string, number> {
  return (viewingFiles(result).labels?.measures.labels ?? {}) as Record<string, number>
}

function sameNames(some: string[], others: string[]): boolean {
  return some.length === others.length && some.every((name) => others.includes(name))
}
