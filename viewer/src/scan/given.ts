/** What was dropped or chosen, made into one file to send. */

import { Problem } from '../engine/problem'
import { zipped, type NamedFile } from './zip'

export type Scan = { name: string; extension: string; content: Blob; files: number }

const NO_PART_OF_A_SCAN = /(^|\/)(\.[^/]*|__MACOSX\/.*|Thumbs\.db|desktop\.ini)$/i
const HEAD_BYTES = 352
const DICM_AT = 128
const NIFTI_MAGIC_AT = 344

/** Every file below what was dropped, folders opened. Must be called while the event is handled. */
export async function filesOf(transfer: DataTransfer): Promise<NamedFile[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const found = await Promise.all(entries.map((entry) => below(entry, '')))
  return found.flat()
}

/** Files of an <input>; those of a folder have a path. */
export function filesOfInput(input: HTMLInputElement): NamedFile[] {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
}

/** One file as it is; several as a zip. */
export async function scanOf(
  given: NamedFile[],
  known: string[],
  progress: (fraction: number) => void,
): Promise<Scan> {
  const files = given.filter((each) => !NO_PART_OF_A_SCAN.test(each.path) && each.file.size > 0)
  const [first] = files
  if (!first) throw new Problem('There is no file with any content in it.', 'Choose a scan.', 'scan_empty')
  if (files.length === 1) return single(first.file, known)
  const folder = first.path.includes('/') ? first.path.split('/')[0]! : `${files.length} files`
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return { name: folder, extension: '.zip', content: await zipped(sorted, progress), files: files.length }
}

async function single(file: File, known: string[]): Promise<Scan> {
  const name = file.name.toLowerCase()
  const named = known.flatMap((each) => [`${each}.gz`, each]).find((each) => name.endsWith(each))
  const extension = named ?? (await extensionByContent(file))
  if (!extension) {
    throw new Problem(
      `“${file.name}” is no file that a scan can be read from.`,
      `Choose a DICOM folder, or one file of these kinds: ${known.join(', ')}.`,
      'unknown_extension',
    )
  }
  return { name: file.name, extension, content: file, files: 1 }
}

/** Scanners often write files without an extension, or with one of their own. */
async function extensionByContent(file: File): Promise<string | undefined> {
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())
  const has = (text: string, at: number): boolean =>
    [...text].every((letter, index) => bytes[at + index] === letter.charCodeAt(0))
  if (has('DICM', DICM_AT)) return '.dcm'
  if (has('PK\x03\x04', 0)) return '.zip'
  if (has('NRRD', 0)) return '.nrrd'
  if (has('n+1', NIFTI_MAGIC_AT)) return '.nii'
  return undefined
}

async function below(entry: FileSystemEntry, prefix: string): Promise<NamedFile[]> {
  const path = prefix + entry.name
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [{ path, file }]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: NamedFile[] = []
  for (;;) {
    // A reader hands out its entries a hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    for (const each of some) found.push(...(await below(each, `${path}/`)))
  }
}
