/** States, stages, kinds, sizes and times in words. */

import { pretty } from '../anatomy/words'
import type { State } from '../engine/types'

export const STATES: Record<State, string> = {
  waiting: 'Waiting',
  running: 'Running',
  succeeded: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

/** The steps of a job as they are shown, each with the engine's stages that it stands for. */
export const STEPS: { title: string; stages: string[]; now: string }[] = [
  { title: 'Upload', stages: ['upload', 'fetch'], now: 'Waiting for the scan to be uploaded.' },
  { title: 'Queue', stages: ['queue'], now: 'Waiting for a free worker.' },
  { title: 'Read', stages: ['start', 'read'], now: 'Reading the scan.' },
  { title: 'Check', stages: ['check'], now: 'Checking the scan.' },
  { title: 'Segment', stages: ['segment'], now: 'Finding the structures.' },
  { title: 'Mesh', stages: ['mesh'], now: 'Making the surfaces.' },
  { title: 'Write', stages: ['write', 'deliver', 'end'], now: 'Writing the files.' },
]

export function stepOf(stage: string): number {
  return STEPS.findIndex((step) => step.stages.includes(stage))
}

const KINDS: Record<string, [string, string]> = {
  meshes: ['Meshes', 'One surface for each structure, in millimetres and patient coordinates.'],
  dicomMeshes: ['Meshes as DICOM', 'Encapsulated STL, which refers to the scan; for archives (PACS).'],
  segmentations: ['Label maps', 'Every voxel with the number of its structure, on the scan’s own grid.'],
  previews: ['Picture', 'The surfaces from four sides and three slices, on one sheet.'],
  report: ['Report', 'Volumes, surfaces, extents and a table of teeth.'],
  archive: ['Archive', 'All files in one.'],
  volumes: ['Volumes for viewers', 'The scan and its labels on a coarse grid: what this page shows.'],
  panoramic: ['Panoramic picture', 'The jaws unrolled along the dental arch.'],
}

export function kindName(kind: string): string {
  return KINDS[kind]?.[0] ?? pretty(kind)
}

export function kindHint(kind: string): string {
  return KINDS[kind]?.[1] ?? ''
}

const FORMATS: Record<string, string> = {
  '.stl': 'STL',
  '.ply': 'PLY',
  '.obj': 'OBJ',
  '.glb': 'glTF (.glb)',
  '.drc': 'Draco',
  '.nii.gz': 'NIfTI (.nii.gz)',
  '.nii': 'NIfTI (.nii)',
  '.nrrd': 'NRRD',
  '.dcm': 'DICOM',
  '.png': 'PNG',
  '.json': 'JSON',
  '.zip': 'Zip',
}

export function formatName(extension: string): string {
  return FORMATS[extension] ?? extension
}

const UNITS: [string, number][] = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
]

export function size(bytes: number): string {
  const [unit, factor] = UNITS.find(([, each]) => bytes >= each) ?? ['B', 1]
  const value = bytes / factor
  return `${value < 10 && factor > 1 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const minutes = Math.floor(whole / 60)
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}

export function between(from: string | null, to: string | null): string {
  return from && to ? duration((Date.parse(to) - Date.parse(from)) / 1000) : ''
}

const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function moment(iso: string): string {
  return CLOCK.format(new Date(iso))
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`
}
