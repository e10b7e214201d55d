/** Requests to the API, with the token; every failure is a Problem. */

import { versioned } from './address'
import { asProblem, problemOf } from './problem'
import { session } from './session.svelte'

const UNAUTHENTICATED = 401

export type Options = {
  method?: string
  query?: Record<string, string | number | undefined>
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** The answer to a versioned route, read as JSON. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  return (await (await request(path, options)).json()) as T
}

/** The answer itself, once its status says that it is one. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers }
  if (session.token) headers.Authorization = `Bearer ${session.token}`
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  const answer = await fetched(versioned(path) + queryOf(options.query), {
    method: options.method ?? 'GET',
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  })
  if (answer.status === UNAUTHENTICATED) session.end()
  if (!answer.ok) throw await problemOf(answer)
  return answer
}

/** A file at a signed URL of the engine's. */
export async function download(url: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  const answer = await fetched(url, signal ? { signal } : {})
  if (!answer.ok) throw await problemOf(answer)
  return answer.arrayBuffer()
}

async function fetched(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw asProblem(error)
  }
}

function queryOf(query: Options['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '')
  return given.length ? `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}` : ''
}
