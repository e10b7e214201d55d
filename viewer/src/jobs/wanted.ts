/** What a person chose, and the body of the job that asks for it. */

import { expanded } from '../engine/catalogue.svelte'
import type { Catalogue, InputBody, JobBody, JobRecord, MeshOptions, OutputBody } from '../engine/types'

export type Wanted = {
  structures: string[]
  /** Extensions by kind; a kind without any is not asked for. */
  formats: Record<string, string[]>
  /** What differs from the defaults, by family. */
  options: Record<string, Partial<MeshOptions>>
  reference: string
}

/** Made for this page, whatever is chosen: what its slices show. */
export const VIEWING = 'volumes'
const VIEWING_FORMAT = '.nii.gz'

const MESHES = 'meshes'
/** Kinds of one file per structure; of the others there is one file for all. */
const ONE_EACH = [MESHES, 'dicomMeshes']

export function usual(known: Catalogue): Wanted {
  const mesh = known.outputFiles[MESHES]?.extensions[0]
  return { structures: ['mandible'], formats: mesh ? { [MESHES]: [mesh] } : {}, options: {}, reference: '' }
}

/** The kinds that can be chosen. */
export function kindsToChoose(known: Catalogue): string[] {
  return Object.keys(known.outputFiles).filter((kind) => kind !== VIEWING)
}

/** Whether what was chosen shows structures: a panoramic picture does not. */
export function needsStructures(wanted: Wanted, known: Catalogue): boolean {
  const kinds = Object.keys(wanted.formats).filter((kind) => wanted.formats[kind]!.length > 0)
  const showing = kinds.filter((kind) => known.outputFiles[kind]?.takesStructures)
  return showing.length > 0 || kinds.length === 0
}

export function bodyOf(wanted: Wanted, input: InputBody, known: Catalogue): JobBody {
  const outputFiles: Record<string, OutputBody[]> = {}
  for (const [kind, extensions] of Object.entries(wanted.formats)) {
    const entries = extensions.flatMap((extension) => entriesOf(kind, extension, wanted.structures, known))
    if (entries.length > 0) outputFiles[kind] = entries
  }
  if (known.outputFiles[VIEWING]) {
    const labels = wanted.structures.length > 0 ? [{ extension: VIEWING_FORMAT, structures: wanted.structures }] : []
    outputFiles[VIEWING] = [{ extension: VIEWING_FORMAT }, ...labels]
  }
  const body: JobBody = { inputFiles: { cbct: input }, outputFiles }
  if (Object.keys(wanted.options).length > 0) body.options = wanted.options
  if (wanted.reference) body.endUserId = wanted.reference
  return body
}

function entriesOf(kind: string, extension: string, structures: string[], known: Catalogue): OutputBody[] {
  if (!known.outputFiles[kind]?.takesStructures) return [{ extension }]
  if (!ONE_EACH.includes(kind)) return [{ extension, structures }]
  return structures.map((name) => ({ extension, structures: [name] }))
}

/** What an earlier job asked for, to be changed and asked for again. */
export function wantedOf(job: JobRecord, options: Wanted['options'], known: Catalogue): Wanted {
  const chosen = job.outputFiles.filter((each) => each.kind !== VIEWING)
  const formats: Record<string, string[]> = {}
  for (const { kind, extension } of chosen) formats[kind] = [...new Set([...(formats[kind] ?? []), extension])]
  const names = expanded(chosen.flatMap((each) => each.structures), known)
  const structures = names.filter((name) => known.structures.some((each) => each.name === name))
  return { structures, formats, options, reference: job.endUserId ?? '' }
}
