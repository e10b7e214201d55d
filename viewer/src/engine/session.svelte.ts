/** Who is signed in: a token in this tab alone, gone when the tab is closed. */

import { routed } from './address'
import { problemOf } from './problem'

const KEY = 'gnathos.session'

type Session = { token: string; expiresAt: number }

type TokenAnswer = { access_token: string; expires_in: number }

let current = $state<Session | null>(kept())

export const session = {
  /** The bearer token; empty where nobody is signed in. */
  get token(): string {
    return current?.token ?? ''
  },
  end(): void {
    current = null
    sessionStorage.removeItem(KEY)
  },
}

/** Sign in with a client's credentials. */
export async function signIn(clientId: string, clientSecret: string): Promise<void> {
  const body = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
  begin(await post<TokenAnswer>('/oauth/token', body))
}

/** The code for signing in with one click; null where the engine does not offer that here. */
export async function localCode(): Promise<string | null> {
  const answer = await fetch(routed('/local/code'))
  if (!answer.ok) throw await problemOf(answer)
  return ((await answer.json()) as { code: string | null }).code
}

/** Sign in as whoever sits at the engine's machine. */
export async function signInLocally(): Promise<void> {
  const code = await localCode()
  begin(await post<TokenAnswer>('/local/token', { code: code ?? '' }))
}

function begin(answer: TokenAnswer): void {
  current = { token: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 }
  sessionStorage.setItem(KEY, JSON.stringify(current))
}

async function post<T>(path: string, body: object): Promise<T> {
  const headers = { 'Content-Type': 'application/json' }
  const answer = await fetch(routed(path), { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw await problemOf(answer)
  return (await answer.json()) as T
}

function kept(): Session | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Session | null
    return found && found.expiresAt > Date.now() ? found : null
  } catch {
    return null
  }
}
