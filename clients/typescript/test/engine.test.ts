/** Against a real engine: GNATHOS_CREDENTIALS names its credentials file, GNATHOS_SCAN a scan. */
import assert from "node:assert/strict";
import { openAsBlob, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { Engine, EngineError, isFinished, verifyWebhook, WebhookError } from "../src/index.js";

const known = JSON.parse(readFileSync(process.env["GNATHOS_CREDENTIALS"] ?? "", "utf8")) as Record<string, string>;
const credentials = { clientId: known["client_id"] ?? "", clientSecret: known["client_secret"] ?? "" };
const engine = new Engine({ url: known["url"] ?? "", ...credentials });
const scan = await openAsBlob(process.env["GNATHOS_SCAN"] ?? "");

test("a scan becomes a mesh in one call", async () => {
  const stages = new Set<string>();
  const { result, files } = await engine.segment(scan, {
    meshes: ["mandible"],
    options: { mandible: { smoothingIterations: 0 } },
    onProgress: (state) => stages.add(state.stage),
  });

  assert.equal(result.success, true);
  const mesh = result.outputFiles.meshes?.[0];
  assert.equal(mesh?.status, "Available");
  const stl = await files.get("mandible")?.arrayBuffer();
  assert.equal(stl?.byteLength, mesh?.size);
  assert.equal(new DataView(stl as ArrayBuffer).getUint32(80, true), ((stl?.byteLength ?? 0) - 84) / 50);
  assert.ok(stages.size > 0);
  const { jobs } = await engine.jobs({ limit: 1 });
  assert.equal(jobs[0]?.jobId, result.jobId);
  assert.ok((await engine.delete(result.jobId)).erasedAt);
  await assert.rejects(engine.poll(result.jobId), { status: 410, code: "job_deleted" });
});

test("each step apart, and a job that is cancelled", async () => {
  const job = await engine.submit({
    inputFiles: { cbct: { extension: ".dcm" } },
    outputFiles: { meshes: [{ extension: ".stl", structures: ["mandible"] }] },
  });
  const state = await engine.poll(job.jobId);
  assert.equal(isFinished(state), false);
  assert.equal((await engine.cancel(job.jobId)).state, "cancelled");
  const result = await engine.wait(job.jobId);
  assert.equal(result.success, false);
  assert.equal(result.error?.["code"], "job_cancelled");
});

test("a refusal has the engine's own words", async () => {
  const refused = engine.submit({
    inputFiles: { cbct: { extension: ".dcm" } },
    outputFiles: { meshes: [{ extension: ".stl", structures: ["mandble"] }] },
  });
  await assert.rejects(refused, (error: unknown) => {
    assert.ok(error instanceof EngineError);
    assert.deepEqual([error.status, error.code], [400, "unknown_structure"]);
    assert.match(error.message, /mandible/);
    return true;
  });
  await assert.rejects(new Engine({ url: known["url"] ?? "", clientId: "nobody", clientSecret: "x" }).token(), {
    status: 401,
  });
});

test("a lost connection is tried again, and a token that is refused renewed", async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url?.split("?")[0]} ${request.headers.authorization ?? ""}`.trim());
    if (request.url === "/oauth/token") {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ access_token: `token${seen.length}`, expires_in: 86400 }));
    } else if (seen.length === 2) {
      request.socket.destroy();
    } else if (seen.length === 3) {
      response.writeHead(503, { "Retry-After": "0" }).end();
    } else if (seen.length === 4) {
      response.writeHead(401).end("{}");
    } else {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ success: true, outputFiles: {} }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const result = await new Engine({ url, ...credentials, patience: { firstPauseMs: 1 } }).wait("job");
  server.closeAllConnections();
  server.close();

  assert.equal(result.success, true);
  assert.deepEqual(seen, [
    "POST /oauth/token",
    ...Array<string>(3).fill("GET /26.11/pollJobResults Bearer token1"),
    "POST /oauth/token",
    "GET /26.11/pollJobResults Bearer token5",
  ]);
  const away = new Engine({ url, ...credentials, patience: { attempts: 2, firstPauseMs: 1 } });
  await assert.rejects(away.token(), { code: "engine_not_reachable" });
});

test("a webhook is verified as the standard says", async () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const body = '{"test": 2432232314}';
  assert.deepEqual(await verifyWebhook(secret, headers, body, Infinity), JSON.parse(body));
  for (const wrong of [verifyWebhook(secret, headers, body), verifyWebhook(secret, headers, `${body} `, Infinity)]) {
    await assert.rejects(wrong, WebhookError);
  }
});
