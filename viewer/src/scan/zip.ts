/**
 * A folder as one zip, without copying it: the archive is a Blob whose parts are the files themselves.
 *
 * Nothing is compressed, so the browser reads each file once for its checksum and once more, piece by piece, while it is
 * sent. A library would hold the archive in memory; a CBCT is some hundred megabytes.
 */

import { Problem } from '../engine/problem'
import { crc32 } from './crc32'

const MOST_FILES = 65_535
const MOST_BYTES = 0xffff_ffff
const UTF8_NAMES = 0x0800
const VERSION_NEEDED = 20
const FIRST_OF_1980 = 0x0021

export type NamedFile = { path: string; file: File }

/** The archive (PKWARE's APPNOTE, without zip64). */
export async function zipped(files: NamedFile[], progress: (fraction: number) => void): Promise<Blob> {
  const total = files.reduce((sum, each) => sum + each.file.size, 0)
  if (files.length > MOST_FILES || total > MOST_BYTES) {
    throw new Problem('The folder is larger than a zip can be.', 'Choose the folder of one scan only.', 'folder_too_large')
  }
  const parts: BlobPart[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  let read = 0
  for (const { path, file } of files) {
    const checksum = await checksumOf(file, (bytes) => progress((read += bytes) / Math.max(total, 1)))
    const name = new TextEncoder().encode(path)
    const header = localHeader(name, checksum, file.size)
    directory.push(directoryEntry(name, checksum, file.size, offset))
    parts.push(header, file)
    offset += header.length + file.size
  }
  const size = directory.reduce((sum, each) => sum + each.length, 0)
  return new Blob([...parts, ...directory, ending(files.length, size, offset)], { type: 'application/zip' })
}

async function checksumOf(file: File, told: (bytes: number) => void): Promise<number> {
  let checksum = 0
  const reader = file.stream().getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return checksum
    checksum = crc32(value, checksum)
    told(value.length)
  }
}

function localHeader(name: Uint8Array, checksum: number, size: number): Uint8Array<ArrayBuffer> {
  return record(30 + name.length, (view, bytes) => {
    view.setUint32(0, 0x04034b50, true)
    common(view, 4, checksum, size, name.length)
    bytes.set(name, 30)
  })
}

function directoryEntry(name: Uint8Array, checksum: number, size: number, offset: number): Uint8Array<ArrayBuffer> {
  return record(46 + name.length, (view, bytes) => {
    view.setUint32(0, 0x02014b50, true)
    view.setUint16(4, VERSION_NEEDED, true)
    common(view, 6, checksum, size, name.length)
    view.setUint32(42, offset, true)
    bytes.set(name, 46)
  })
}

/** What both kinds of header say of a file: stored as it is, no date. */
function common(view: DataView, at: number, checksum: number, size: number, nameLength: number): void {
  view.setUint16(at, VERSION_NEEDED, true)
  view.setUint16(at + 2, UTF8_NAMES, true)
  view.setUint16(at + 8, FIRST_OF_1980, true)
  view.setUint32(at + 10, checksum, true)
  view.setUint32(at + 14, size, true)
  view.setUint32(at + 18, size, true)
  view.setUint16(at + 22, nameLength, true)
}

function ending(count: number, size: number, offset: number): Uint8Array<ArrayBuffer> {
  return record(22, (view) => {
    view.setUint32(0, 0x06054b50, true)
    view.setUint16(8, count, true)
    view.setUint16(10, count, true)
    view.setUint32(12, size, true)
    view.setUint32(16, offset, true)
  })
}

function record(length: number, fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  fill(new DataView(bytes.buffer), bytes)
  return bytes
}
