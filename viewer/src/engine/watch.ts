/** Watching a job to its end: server-sent events, read with fetch because they need the token. */

import { request } from './call'
import { asProblem, Problem, UNREACHABLE } from './problem'
import type { Finished, Processing } from './types'

const AGAIN_MS = 2000

export type Watcher = {
  progress: (state: Processing) => void
  finished: (result: Finished) => void
  failed: (problem: Problem) => void
  /** The engine cannot be reached for now (true), or can again. */
  away: (isAway: boolean) => void
}

/** Tell of a job until it ends, or `signal` says to stop; an engine that is away for a while is waited for. */
export async function watch(jobId: string, watcher: Watcher, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const answer = await request(`/jobs/${jobId}/events`, { signal })
      watcher.away(false)
      for await (const event of eventsOf(answer)) {
        if (tell(event, watcher)) return
      }
    } catch (error) {
      if (signal.aborted) return
      const problem = asProblem(error)
      if (problem.code !== UNREACHABLE && problem.status < 500 && !isCutOff(error)) return watcher.failed(problem)
      watcher.away(true)
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  }
}

/** A stream that breaks in the middle, as when the engine is restarted. */
function isCutOff(error: unknown): boolean {
  return !(error instanceof Problem)
}

type Event = { name: string; data: string }

function tell(event: Event, watcher: Watcher): boolean {
  const content: unknown = JSON.parse(event.data)
  if (event.name === 'progress') watcher.progress(content as Processing)
  if (event.name === 'finished') watcher.finished(content as Finished)
  if (event.name === 'error') {
    const { detail, remedy, code } = content as { detail: string; remedy: string; code: string }
    watcher.failed(new Problem(detail, remedy, code))
  }
  return event.name === 'finished' || event.name === 'error'
}

async function* eventsOf(answer: Response): AsyncGenerator<Event> {
  if (!answer.body) return
  let rest = ''
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = eventOf(block)
      if (event) yield event
    }
  }
}

function eventOf(block: string): Event | null {
  const lines = block.split('\n')
  const field = (name: string): string =>
    lines
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n')
  const data = field('data')
  return data ? { name: field('event'), data } : null
}
