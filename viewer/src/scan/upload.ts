/** Sending a file to an upload URL; fetch does not tell how far it is, so this is the older way. */

import { Problem, problemFrom, UNREACHABLE } from '../engine/problem'

export function upload(
  url: string,
  content: Blob,
  progress: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest()
    sending.open('PUT', url)
    sending.upload.onprogress = (event) => progress(event.loaded)
    sending.onload = () =>
      sending.status < 400 ? resolve() : reject(problemFrom(sending.status, sending.responseText))
    sending.onerror = () =>
      reject(new Problem('The upload was interrupted.', 'Check the connection, then try again.', UNREACHABLE))
    sending.onabort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', () => sending.abort(), { once: true })
    sending.send(content)
  })
}
