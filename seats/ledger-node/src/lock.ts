/** One ledger per folder on a machine: two would write into each other's lines. (In a cluster: one replica, Recreate.) */

import { createHash } from "node:crypto";
import { mkdir, realpath, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes the folder and holds it until the process ends, however it ends: the socket is the kernel's. Raises Error when another process holds it. */
export async function lock(folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const name = createHash("sha256").update(await realpath(folder)).digest("hex").slice(0, 24);
  const path = join(tmpdir(), `minsu-ledger-${name}.sock`);
  try {
    return await listen(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
  }
  if (await answers(path)) throw new Error(`another ledger writes into ${folder}: stop it, or set LEDGER_DIR to another folder`);
  await rm(path, { force: true }); // of a process that was killed
  return listen(path);
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => {
      resolve(server.unref());
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
