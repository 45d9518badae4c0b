/** Events that could not be booked, in `dead-letters.jsonl`. Each is tried again at every start: a newer build may know more. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";

import { AppendFile } from "./append-file.js";
import { Poison } from "./event.js";
import { Queue } from "./queue.js";

interface Letter {
  id: string;
  receivedAt: string;
  reason: string;
  message: unknown;
}

export class DeadLetters {
  /** By id, those that are not booked yet. */
  readonly waiting = new Map<string, Letter>();
  readonly #known = new Set<string>();
  readonly #queue = new Queue();
  #torn = false;

  private constructor(private readonly file: AppendFile) {}

  /** As `read`, and cuts off a letter that was never acknowledged: it comes again. */
  static async open(folder: string): Promise<DeadLetters> {
    const letters = await DeadLetters.read(folder);
    if (letters.#torn) await letters.file.repair();
    return letters;
  }

  /** Writes nothing. */
  static async read(folder: string): Promise<DeadLetters> {
    const path = join(folder, "dead-letters.jsonl");
    const content = await readFile(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
      throw error;
    });
    const length = content.lastIndexOf("\n") + 1;
    const letters = new DeadLetters(new AppendFile(path, length));
    letters.#torn = content.length > length;
    for (const line of content.subarray(0, length).toString("utf8").split("\n").filter(Boolean)) {
      const letter = JSON.parse(line) as Letter | { id: string; bookedAt: string };
      letters.#known.add(letter.id);
      if ("bookedAt" in letter) letters.waiting.delete(letter.id);
      else letters.waiting.set(letter.id, letter);
    }
    return letters;
  }

  /** Keeps a letter, once, also when it comes twice at the same time. It is on disk when this returns. Raises what a full disk raises. */
  keep(message: unknown, reason: string): Promise<void> {
    return this.#queue.run(() => this.#keep(message, reason));
  }

  async #keep(message: unknown, reason: string): Promise<void> {
    const content = storable(message);
    const id = createHash("sha256").update(JSON.stringify(content)).digest("hex");
    if (this.#known.has(id)) return;
    const letter = { id, receivedAt: new Date().toISOString(), reason, message: content };
    await this.file.append(`${JSON.stringify(letter)}\n`);
    this.#known.add(id);
    this.waiting.set(id, letter);
  }

  /** Tries each letter that waits. Returns how many were booked. */
  async retry(book: (message: unknown) => Promise<unknown>): Promise<number> {
    const before = this.waiting.size;
    for (const { id, message } of [...this.waiting.values()]) {
      try {
        await book(message);
      } catch (error) {
        if (error instanceof Poison) continue;
        throw error;
      }
      await this.file.append(`${JSON.stringify({ id, bookedAt: new Date().toISOString() })}\n`);
      this.waiting.delete(id);
    }
    return before - this.waiting.size;
  }
}

/** The message, or of one that is too deep for JSON its beginning. */
function storable(message: unknown): unknown {
  try {
    JSON.stringify(message);
    return message;
  } catch {
    return inspect(message, { depth: 20 });
  }
}
