/** Webhooks that arrive: whether the engine sent them. */
import type { Finished } from "./schema.js";

/** Not the engine's, or not of now. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

/**
 * The result that a webhook brought. `body` is the request's body exactly as it came; `secret` is a key of
 * `GET /{version}/webhooks/keys`. Source: https://github.com/standard-webhooks/standard-webhooks, signatures v1.
 */
export async function verifyWebhook(
  secret: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  body: string,
  toleranceS = 300,
): Promise<Finished> {
  const given = headers instanceof Headers ? headers : new Headers(flat(headers));
  const [id, sent, signatures] = ["id", "timestamp", "signature"].map((name) => given.get(`webhook-${name}`));
  if (!id || !sent || !signatures) throw new WebhookError("A header of the webhook is missing.");
  const ageS = Math.abs(Date.now() / 1000 - Number(sent));
  if (!(ageS <= toleranceS)) throw new WebhookError(`The webhook is ${ageS.toFixed(0)} s away from now.`);
  const content = new TextEncoder().encode(`${id}.${sent}.${body}`);
  const key = await crypto.subtle.importKey("raw", bytes(secret.replace(/^whsec_/, "")), HMAC, false, ["verify"]);
  for (const each of signatures.split(" ")) {
    const [version, signature] = each.split(",");
    if (version !== "v1" || !signature) continue;
    if (await crypto.subtle.verify(HMAC, key, bytes(signature), content)) return JSON.parse(body) as Finished;
  }
  throw new WebhookError("The webhook's signature is not the engine's.");
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw new WebhookError("The secret or the signature is not base64.");
  }
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
