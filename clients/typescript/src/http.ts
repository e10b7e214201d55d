/** HTTP that does not give up at once, and errors in the engine's own words. */

/** The engine refused, or cannot be reached (status 0). */
export class EngineError extends Error {
  override readonly name = "EngineError";

  constructor(
    message: string,
    readonly status: number,
    /** The engine's stable code. */
    readonly code: string,
    /** What can be done about it. */
    readonly remedy?: string,
  ) {
    super(message);
  }

  static of(problem: unknown, answer: Response): EngineError {
    const told = (typeof problem === "object" && problem !== null ? problem : {}) as Record<string, string>;
    const code = told["code"] ?? told["error"] ?? "no_code";
    const sentence = told["detail"] ?? told["error_description"] ?? answer.statusText;
    return new EngineError(`The engine answered ${answer.status} (${code}): ${sentence}`, answer.status, code, told["remedy"]);
  }
}

export interface PatientOptions {
  attempts?: number;
  firstPauseMs?: number;
}

const RETRIED_STATUSES = new Set([429, 502, 503, 504]);
const LONGEST_PAUSE_MS = 30_000;

/** A `fetch` that asks again, at growing intervals, when the connection is lost or the engine wants patience. */
export function patientFetch(given: PatientOptions = {}): (request: Request) => Promise<Response> {
  const attempts = given.attempts ?? 6;
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const pauseMs = Math.min((given.firstPauseMs ?? 250) * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
      const isLast = attempt >= attempts;
      let waitMs = pauseMs * (0.75 + Math.random() / 4);
      try {
        const answer = await fetch(isLast ? request : request.clone());
        if (isLast || !RETRIED_STATUSES.has(answer.status)) return answer;
        await answer.body?.cancel();
        waitMs = retryAfterMs(answer, pauseMs);
      } catch (error) {
        request.signal.throwIfAborted();
        if (isLast) throw new EngineError(`The engine cannot be reached: ${reasonOf(error)}.`, 0, "engine_not_reachable");
      }
      await pause(waitMs, request.signal);
    }
  };
}

export async function refusal(answer: Response): Promise<EngineError> {
  return EngineError.of(await answer.json().catch(() => undefined), answer);
}

/** The pause that the engine asks for: seconds or a date. */
export function retryAfterMs(answer: Response, defaultMs: number): number {
  const wanted = answer.headers.get("Retry-After") ?? "";
  const ms = /^\d+$/.test(wanted) ? 1000 * Number(wanted) : Date.parse(wanted) - Date.now();
  return Number.isNaN(ms) ? defaultMs : Math.min(Math.max(ms, 0), LONGEST_PAUSE_MS);
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
