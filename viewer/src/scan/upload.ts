/** Sending a file to an upload URL in parts, so that a connection that breaks costs no more than the part under way. */

import { asProblem, Problem, problemFrom, UNREACHABLE } from '../engine/problem'

const PART_BYTES = 32 * 2 ** 20
/** After each break in a row; then it is left to a person. */
const PAUSES_MS = [1000, 2000, 4000, 8000, 15_000, 30_000]
const PASSING = [408, 429]
const OFFSET_DIFFERS = 'upload_offset_differs'

export type Upload = {
  url: string
  content: Blob
  /** Whether some of it may be there already. */
  isBegun: boolean
  signal: AbortSignal
  progress: (sentBytes: number) => void
  /** The connection broke after so many bytes; it will be tried again. */
  broke: (sentBytes: number) => void
}

/** Send what the engine does not have yet, until it has all. */
export async function upload(given: Upload): Promise<void> {
  let offset = 0
  let isSure = !given.isBegun
  for (let breaks = 0; ; ) {
    try {
      if (!isSure) offset = await offsetAt(given, offset)
      isSure = true
      if (offset > 0 && offset >= given.content.size) return
      offset = await sendPart(given, offset)
      breaks = 0
    } catch (error) {
      const pause = PAUSES_MS[breaks++]
      if (given.signal.aborted || pause === undefined || !mayPass(asProblem(error))) throw error
      isSure = false
      given.broke(offset)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

function mayPass(problem: Problem): boolean {
  const isPassing = problem.status >= 500 || PASSING.includes(problem.status)
  return isPassing || problem.code === UNREACHABLE || problem.code === OFFSET_DIFFERS
}

/** How many bytes have come; as before where the engine does not say, since its answer to the next part will say why. */
async function offsetAt({ url, content, signal }: Upload, before: number): Promise<number> {
  const answer = await fetch(url, { method: 'HEAD', signal }).catch(() => {
    throw interrupted()
  })
  if (answer.headers.get('Upload-Complete') === '?1') return content.size
  return Number(answer.headers.get('Upload-Offset') ?? before)
}

function interrupted(): Problem {
  return new Problem('The upload was interrupted.', 'Check the connection, then send again: what has come is kept.', UNREACHABLE)
}

/** Where the next part begins. By XMLHttpRequest: fetch does not tell how far it is. */
function sendPart({ url, content, signal, progress }: Upload, offset: number): Promise<number> {
  const end = Math.min(offset + PART_BYTES, content.size)
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest()
    sending.open('PATCH', url)
    sending.setRequestHeader('Upload-Offset', String(offset))
    sending.setRequestHeader('Upload-Complete', end === content.size ? '?1' : '?0')
    sending.upload.onprogress = (event) => progress(offset + event.loaded)
    sending.onload = () =>
      sending.status < 400 ? resolve(end) : reject(problemFrom(sending.status, sending.responseText))
    sending.onerror = () => reject(interrupted())
    sending.onabort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', () => sending.abort(), { once: true })
    signal.throwIfAborted()
    sending.send(content.slice(offset, end))
  })
}
