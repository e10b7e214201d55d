/** A typed client of the Gnathos engine, for Node 20 and browsers. The types come from the engine's OpenAPI. */
import createClient, { type Client } from "openapi-fetch";

import type { FileResult, Finished, JobBody, JobSummary, paths, Processing, State, Submitted } from "./schema.js";
import { EngineError, type PatientOptions, patientFetch, pause, refusal, retryAfterMs } from "./http.js";

export type { FileResult, Finished, JobBody, JobSummary, Processing, State, Submitted } from "./schema.js";
export { EngineError } from "./http.js";
export { verifyWebhook, WebhookError } from "./webhooks.js";

export type Version = paths["/{version}/job"]["post"]["parameters"]["path"]["version"];

export interface EngineOptions {
  /** Of the engine, without a version: `https://engine.example`. */
  url: string;
  clientId: string;
  clientSecret: string;
  version?: Version;
  audience?: string;
  /** Where tokens are had, if not at the engine's own `/oauth/token`. */
  tokenUrl?: string;
  /** How often, and how patiently, a lost connection is tried again. */
  patience?: PatientOptions;
}

export interface SegmentOptions {
  /** Each becomes a mesh of its own. */
  meshes?: string[];
  /** What the scan is: `.dcm`, `.zip`, `.nii.gz` … */
  extension?: string;
  meshExtension?: NonNullable<JobBody["outputFiles"]["meshes"]>[number]["extension"];
  options?: JobBody["options"];
  onProgress?: (state: Processing) => void;
  signal?: AbortSignal;
}

/** A token that ends so soon is not used for another call. */
const RENEW_BEFORE_MS = 60_000;
/** How long the engine may hold a poll back; one that knows of no `wait` answers at once. */
const WATCH_S = 1;
const WAIT_S = 20;
const POLL_MS = 2_000;

/** One engine: submit, upload, notify, poll, download; each apart, or all in `segment`. */
export class Engine {
  readonly #api: Client<paths>;
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #version: Version;
  readonly #tokenUrl: string;
  readonly #grant: Record<string, string>;
  #token: Promise<string> | undefined;
  #tokenEndsAt = 0;

  constructor(given: EngineOptions) {
    const url = given.url.replace(/\/+$/, "");
    this.#version = given.version ?? "26.11";
    this.#tokenUrl = given.tokenUrl ?? `${url}/oauth/token`;
    this.#grant = {
      grant_type: "client_credentials",
      client_id: given.clientId,
      client_secret: given.clientSecret,
      audience: given.audience ?? "virtualpatientengine.com",
    };
    this.#fetch = patientFetch(given.patience);
    this.#api = createClient<paths>({ baseUrl: url, fetch: (request) => this.#authorized(request) });
  }

  /** An access token that is good for a while: the last one, or a new one. */
  async token(): Promise<string> {
    if (this.#token === undefined || Date.now() > this.#tokenEndsAt - RENEW_BEFORE_MS) {
      this.#token = this.#newToken();
      this.#token.catch(() => (this.#token = undefined));
    }
    return this.#token;
  }

  /** Submit a job; once, also when the connection is lost meanwhile. */
  async submit(body: JobBody): Promise<Submitted> {
    const { data, error, response } = await this.#api.POST("/{version}/job", {
      params: { path: { version: this.#version }, header: { "idempotency-key": crypto.randomUUID() } },
      body,
    });
    return good(data, error, response) as Submitted;
  }

  /** Send a file to an upload URL: a Blob is streamed, and sent again if the connection is lost. */
  async upload(url: string, file: Blob, signal?: AbortSignal): Promise<void> {
    const request = new Request(url, { method: "PUT", body: file, signal: signal ?? null });
    const answer = await this.#fetch(request);
    if (!answer.ok) throw await refusal(answer);
    await answer.body?.cancel();
  }

  /** Say that an input is there; the last one starts the job. */
  async notify(url: string): Promise<void> {
    const answer = await this.#authorized(new Request(url, { method: "PUT" }));
    if (!answer.ok) throw await refusal(answer);
    await answer.body?.cancel();
  }

  /** The job's result, or how far it is. */
  async poll(jobId: string, wait = 0): Promise<Finished | Processing> {
    return (await this.#poll(jobId, wait)).state;
  }

  /** The job's result, once there is one. */
  async wait(jobId: string, onProgress?: (state: Processing) => void, signal?: AbortSignal): Promise<Finished> {
    const holdS = onProgress === undefined ? WAIT_S : WATCH_S;
    for (;;) {
      signal?.throwIfAborted();
      const askedAt = Date.now();
      const { state, response } = await this.#poll(jobId, holdS);
      if (isFinished(state)) return state;
      onProgress?.(state);
      const heldBack = Date.now() - askedAt > holdS * 500;
      if (!heldBack) await pause(retryAfterMs(response, POLL_MS), signal);
    }
  }

  /** A file of a result, as a stream; `new Response(stream).blob()` has it whole. */
  async download(url: string): Promise<ReadableStream<Uint8Array>> {
    const answer = await this.#fetch(new Request(url));
    if (!answer.ok || answer.body === null) throw await refusal(answer);
    return answer.body;
  }

  /** Send a scan, wait, and hand back the result and, by structure, the files that were made. */
  async segment(scan: Blob, given: SegmentOptions = {}): Promise<{ result: Finished; files: Map<string, Blob> }> {
    const extension = given.meshExtension ?? ".stl";
    const body: JobBody = {
      inputFiles: { cbct: { extension: given.extension ?? ".dcm" } },
      outputFiles: { meshes: (given.meshes ?? ["mandible"]).map((name) => ({ extension, structures: [name] })) },
    };
    if (given.options !== undefined) body.options = given.options;
    const job = await this.submit(body);
    const urls = job.presignedUploadUrl["cbct"];
    if (urls === undefined) throw new EngineError("The engine gave no upload URL.", 0, "no_upload_url");
    await this.upload(urls.presignedUploadUrl, scan, given.signal);
    await this.notify(urls.notifyFinishUploadUrl);
    const result = await this.wait(job.jobId, given.onProgress, given.signal);
    return { result, files: await this.#files(result.outputFiles.meshes ?? []) };
  }

  /** One page of jobs, the newest first. */
  async jobs(query: { state?: State[]; limit?: number; cursor?: string } = {}) {
    const { data, error, response } = await this.#api.GET("/{version}/jobs", {
      params: { path: { version: this.#version }, query },
    });
    return good(data, error, response);
  }

  /** End a job without a result. */
  async cancel(jobId: string): Promise<JobSummary> {
    const { data, error, response } = await this.#api.POST("/{version}/jobs/{job_id}/cancel", {
      params: { path: { version: this.#version, job_id: jobId } },
    });
    return good(data, error, response);
  }

  /** Cancel a job if it is open, and erase its files. */
  async delete(jobId: string): Promise<JobSummary> {
    const { data, error, response } = await this.#api.DELETE("/{version}/jobs/{job_id}", {
      params: { path: { version: this.#version, job_id: jobId } },
    });
    return good(data, error, response);
  }

  async #poll(jobId: string, wait: number): Promise<{ state: Finished | Processing; response: Response }> {
    const { data, error, response } = await this.#api.GET("/{version}/pollJobResults", {
      params: { path: { version: this.#version }, query: { jobId, wait } },
    });
    return { state: good(data, error, response), response };
  }

  async #files(files: FileResult[]): Promise<Map<string, Blob>> {
    const found = new Map<string, Blob>();
    for (const { status, url, structures } of files) {
      if (status === "Available" && url) {
        found.set(structures.join("+"), await new Response(await this.download(url)).blob());
      }
    }
    return found;
  }

  /** Ask with the token; with a new one if the engine no longer takes it. */
  async #authorized(request: Request): Promise<Response> {
    const again = request.clone();
    const answer = await this.#fetch(await this.#withToken(request));
    if (answer.status !== 401) return answer;
    this.#tokenEndsAt = 0;
    return this.#fetch(await this.#withToken(again));
  }

  async #withToken(request: Request): Promise<Request> {
    request.headers.set("Authorization", `Bearer ${await this.token()}`);
    return request;
  }

  async #newToken(): Promise<string> {
    const headers = { "Content-Type": "application/json" };
    const request = new Request(this.#tokenUrl, { method: "POST", headers, body: JSON.stringify(this.#grant) });
    const answer = await this.#fetch(request);
    if (!answer.ok) throw await refusal(answer);
    const { access_token, expires_in } = (await answer.json()) as { access_token: string; expires_in?: number };
    this.#tokenEndsAt = Date.now() + 1000 * (expires_in ?? 120);
    return access_token;
  }
}

/** Whether a job has ended. */
export function isFinished(state: Finished | Processing): state is Finished {
  return "success" in state;
}

function good<T>(data: T | undefined, problem: unknown, answer: Response): T {
  if (data === undefined) throw EngineError.of(problem, answer);
  return data;
}
