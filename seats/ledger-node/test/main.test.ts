/** The program as it is started: alone on its folder, ended in good order, or not started at all. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return String(port);
}

/** A ledger process, whose sidecar is gone. `said` is what it has written so far. */
async function start(more: Record<string, string> = {}): Promise<{ child: ChildProcess; said: () => string }> {
  const environment = { LEDGER_DIR: folder, APP_PORT: await freePort(), APP_API_TOKEN: "a".repeat(32), DAPR_HTTP_PORT: await freePort(), ...more };
  const child = spawn(process.execPath, ["dist/main.js"], { env: environment });
  children.push(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text };
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    assert.ok(Date.now() < deadline, "in time");
  }
}

async function exitCode(child: ChildProcess): Promise<unknown> {
  return child.exitCode ?? ((await once(child, "exit")) as unknown[])[0];
}

test("SIGTERM ends it with 0", async () => {
  const { child, said } = await start();
  await until(() => said().includes("the ledger is open"));

  child.kill("SIGTERM");

  assert.equal(await exitCode(child), 0);
  assert.match(said(), /the ledger is closed/);
});

test("what it writes only its owner can read", async () => {
  const books = join(folder, "books");
  const { said } = await start({ LEDGER_DIR: books });
  await until(() => said().includes("the ledger is open"));

  assert.equal(statSync(books).mode & 0o777, 0o700);
});

test("a second one on the same folder does not start, and after a kill -9 the next one does", async () => {
  const first = await start();
  await until(() => first.said().includes("the ledger is open"));

  const second = await start();
  assert.equal(await exitCode(second.child), 2);
  assert.match(second.said(), /another ledger writes into/);

  first.child.kill("SIGKILL");
  await exitCode(first.child);
  const third = await start();
  await until(() => third.said().includes("the ledger is open"));
});

test("settings that are missing or wrong are all named", async () => {
  const { child, said } = await start({ LEDGER_DIR: "", APP_PORT: "none", DELIVERY_TOKEN: "short" });

  assert.equal(await exitCode(child), 2);
  for (const name of ["LEDGER_DIR: ", "APP_PORT: ", "DELIVERY_TOKEN: "]) assert.ok(said().includes(name), said());
});
