/** Where the engine is: it serves this page, perhaps below a prefix of a proxy's. */

export const VERSION = '26.11'

const ROOT = new URL('.', location.href).pathname.replace(/\/$/, '')

/** An address of the API, as `/oauth/token`, for fetch. */
export function routed(path: string): string {
  return ROOT + path
}

/** A versioned address of the API. */
export function versioned(path: string): string {
  return routed(`/${VERSION}${path}`)
}

/**
 * A URL that the engine made, at the address where this page reaches it.
 *
 * Signed URLs are signed for their path alone. The engine's own idea of its host may differ from the address in the
 * browser (localhost or 127.0.0.1), and the page may talk to its own origin only.
 */
export function ownAddress(url: string): string {
  const { pathname, search } = new URL(url, location.href)
  const known = /\/(v\d+|\d{2}\.\d{2})\/.*$/.exec(pathname)
  return routed(known ? known[0] : pathname) + search
}
