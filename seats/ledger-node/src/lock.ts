/** One ledger per folder on a machine: two would write into each other's lines. (In a cluster: one replica, Recreate.) */

import { createHash } from "node:crypto";
import { mkdir, realpath } from "node:fs/promises";
import { createServer, type Server } from "node:net";

/** Bytes of a Unix socket's address on Linux. Versions of Node differ in how they fill a shorter name, so ours is never shorter. */
const ADDRESS = 108;

/**
 * Makes the folder and holds it until the process ends, however it ends. Raises Error when another process holds it.
 *
 * The lock is a name in Linux's abstract namespace (it begins with NUL, no file belongs to it; see unix(7)): the kernel gives it to one
 * process, and takes it back when that process is gone. So nothing stale is ever left that two starters could both remove.
 *
 * Limits: only Linux (elsewhere this raises); it is seen only within one network namespace, so two containers that share a volume do
 * not exclude each other (AppendFile then raises ChangedByOthers); any user of the machine can take the name, which only hinders a start.
 */
export async function lock(folder: string): Promise<Server> {
  if (process.platform !== "linux") throw new Error(`the lock of ${folder} needs Linux, this is ${process.platform}`);
  await mkdir(folder, { recursive: true });
  const name = createHash("sha256").update(await realpath(folder)).digest("hex");
  try {
    return await listen(`\0minsu-ledger-${name}`.padEnd(ADDRESS, "-"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(`another ledger writes into ${folder}: stop it, or set LEDGER_DIR to another folder`, { cause: error });
  }
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
