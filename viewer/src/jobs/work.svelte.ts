/** Uploads that this tab has under way; they go on while other places of the page are looked at. */

import { SvelteMap } from 'svelte/reactivity'
import { ownAddress } from '../engine/address'
import { call, request } from '../engine/call'
import { asProblem, type Problem } from '../engine/problem'
import type { JobBody, Submitted } from '../engine/types'
import type { Scan } from '../scan/given'
import { upload } from '../scan/upload'

export type Work = { name: string; total: number; sent: number; problem: Problem | null }

type Sending = { scan: Scan; uploadUrl: string; notifyUrl: string; abort: AbortController }

export const works = new SvelteMap<string, Work>()
const sendings = new Map<string, Sending>()

addEventListener('beforeunload', (event) => {
  if ([...works.values()].some((work) => !work.problem)) event.preventDefault()
})

/** Submit a job and begin to send its scan; null: the engine has it already. */
export async function submit(body: JobBody, scan: Scan | null): Promise<string> {
  const headers = { 'Idempotency-Key': randomKey() }
  const made = await call<Submitted>('/job', { method: 'POST', body, headers })
  const urls = made.presignedUploadUrl.cbct
  if (scan && urls) {
    sendings.set(made.jobId, { scan, ...urls, abort: new AbortController() })
    void send(made.jobId)
  }
  return made.jobId
}

export async function send(jobId: string): Promise<void> {
  const sending = sendings.get(jobId)
  if (!sending) return
  const { scan } = sending
  const tell = (sent: number, problem: Problem | null = null): void => {
    works.set(jobId, { name: scan.name, total: scan.content.size, sent, problem })
  }
  tell(0)
  try {
    await upload(ownAddress(sending.uploadUrl), scan.content, tell, sending.abort.signal)
    tell(scan.content.size)
    await notify(sending.notifyUrl)
    forget(jobId)
  } catch (error) {
    if (sending.abort.signal.aborted) forget(jobId)
    else tell(0, asProblem(error))
  }
}

/** Stop sending. */
export function abandon(jobId: string): void {
  sendings.get(jobId)?.abort.abort()
  forget(jobId)
}

async function notify(url: string): Promise<void> {
  const path = ownAddress(url).replace(/^.*?\/(v\d+|\d{2}\.\d{2})(?=\/)/, '')
  await request(path, { method: 'PUT' })
}

function forget(jobId: string): void {
  works.delete(jobId)
  sendings.delete(jobId)
}

function randomKey(): string {
  // crypto.randomUUID is there on HTTPS and on this machine only.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
