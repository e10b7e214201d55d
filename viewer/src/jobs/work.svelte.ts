/** Uploads that this tab has under way; they go on while other places of the page are looked at. */

import { SvelteMap } from 'svelte/reactivity'
import { ownAddress } from '../engine/address'
import { call, request } from '../engine/call'
import { asProblem, type Problem } from '../engine/problem'
import type { JobBody, Submitted } from '../engine/types'
import type { Scan } from '../scan/given'
import { upload } from '../scan/upload'

/** `isBroken`: the connection broke, and is waited for. */
export type Work = { name: string; total: number; sent: number; isBroken: boolean; problem: Problem | null }

type Sending = { scan: Scan; uploadUrl: string; notifyUrl: string; isBegun: boolean; abort: AbortController }

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
    sendings.set(made.jobId, { scan, ...urls, isBegun: false, abort: new AbortController() })
    void send(made.jobId)
  }
  return made.jobId
}

export async function send(jobId: string): Promise<void> {
  const sending = sendings.get(jobId)
  if (!sending) return
  const { name, content } = sending.scan
  const { isBegun, abort: { signal } } = sending
  const tell = (change: Partial<Work>): void => {
    const before = works.get(jobId) ?? { name, total: content.size, sent: 0 }
    if (!signal.aborted) works.set(jobId, { ...before, isBroken: false, problem: null, ...change })
  }
  tell({})
  sending.isBegun = true
  try {
    const progress = (sent: number): void => tell({ sent })
    const broke = (sent: number): void => tell({ sent, isBroken: true })
    await upload({ url: ownAddress(sending.uploadUrl), content, isBegun, signal, progress, broke })
    tell({ sent: content.size })
    await notify(sending.notifyUrl, signal)
    forget(jobId)
  } catch (error) {
    if (signal.aborted) forget(jobId)
    else tell({ problem: asProblem(error) })
  }
}

/** Stop sending, before what is under way is refused. */
export function abandon(jobId: string): void {
  sendings.get(jobId)?.abort.abort()
  forget(jobId)
}

async function notify(url: string, signal: AbortSignal): Promise<void> {
  const path = ownAddress(url).replace(/^.*?\/(v\d+|\d{2}\.\d{2})(?=\/)/, '')
  await request(path, { method: 'PUT', signal })
}

function forget(jobId: string): void {
  works.delete(jobId)
  sendings.delete(jobId)
}

function randomKey(): string {
  // crypto.randomUUID is there on HTTPS and on this machine only.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
