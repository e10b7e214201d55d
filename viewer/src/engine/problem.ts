/** Something that did not work, as the engine says it: a sentence, and what to do. */
export class Problem extends Error {
  constructor(
    readonly detail: string,
    readonly remedy = '',
    readonly code = '',
    readonly status = 0,
    readonly requestId = '',
    readonly findings: { pointer: string; detail: string }[] = [],
  ) {
    super(detail)
  }
}

export const UNREACHABLE = 'engine_not_reachable'

/** What any thrown thing says to a person. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof TypeError) {
    return new Problem('The engine does not answer.', 'Check that it is running, then try again.', UNREACHABLE)
  }
  const text = error instanceof Error ? error.message : String(error)
  return new Problem(`Something unexpected happened in the page: ${text}`, 'Load the page again.')
}

/** The problem in an answer that is not a success. */
export async function problemOf(answer: Response): Promise<Problem> {
  return problemFrom(answer.status, await answer.text())
}

/** The same from status and body: problem+json, or an error of OAuth. */
export function problemFrom(status: number, text: string): Problem {
  let body: Record<string, unknown> = {}
  try {
    body = JSON.parse(text) as Record<string, unknown>
  } catch {
    // An answer of a proxy's.
  }
  const word = (key: string): string => (typeof body[key] === 'string' ? (body[key] as string) : '')
  const detail = word('detail') || word('error_description') || `The engine answered with status ${status}.`
  const findings = Array.isArray(body.errors) ? (body.errors as { pointer: string; detail: string }[]) : []
  return new Problem(detail, word('remedy'), word('code') || word('error'), status, word('requestId'), findings)
}
