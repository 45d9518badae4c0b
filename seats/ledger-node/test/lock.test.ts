import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { lock } from "../src/lock.js";

let folder: string;
let held: Server[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
  held = [];
});
afterEach(() => {
  for (const each of held) each.close();
  rmSync(folder, { recursive: true });
});

async function tryLock(path = folder): Promise<void> {
  held.push(await lock(path));
}

/** A process that held the folder and was killed. */
async function killedHolder(): Promise<void> {
  const program = "const { lock } = await import(process.argv[1]); await lock(process.argv[2]); console.log('held'); setInterval(() => {}, 1000);";
  const url = new URL("../src/lock.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, url, folder], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  await assert.rejects(tryLock(), /another ledger writes into/);
  child.kill("SIGKILL");
  await once(child, "exit");
}

test("of many that start at the same time after one was killed, one holds the folder", async () => {
  await killedHolder();

  const results = await Promise.allSettled([...Array(20).keys()].map(() => tryLock()));

  const refused = results.filter((each) => each.status === "rejected").map((each) => (each.reason as Error).message);
  assert.equal(held.length, 1);
  assert.deepEqual(new Set(refused), new Set([`another ledger writes into ${folder}: stop it, or set LEDGER_DIR to another folder`]));
});

test("another name of the same folder is held too, another folder is not", async () => {
  await tryLock();
  symlinkSync(folder, join(folder, "same"));

  await assert.rejects(tryLock(join(folder, "same")), /another ledger writes into/);
  await tryLock(join(folder, "other"));
});
