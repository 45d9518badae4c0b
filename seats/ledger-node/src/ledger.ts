/** The ledger: one CSV file for each day in Shanghai on which money moved. An entry is on disk before `book` returns. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { AppendFile } from "./append-file.js";
import { Books, type Entry } from "./books.js";
import type { PaymentEvent } from "./event.js";
import { decode, encode, HEADER, type Position, shanghaiDay } from "./lines.js";
import { Queue } from "./queue.js";

const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.csv$/;

interface Day {
  file: AppendFile;
  position: Position;
}

/** The days of a folder, oldest first. */
export async function days(folder: string): Promise<string[]> {
  const found = (await readdir(folder)).map((name) => DAY_FILE.exec(name)?.[1]);
  return found.filter((day) => day !== undefined).sort();
}

export class Ledger {
  readonly books = new Books();
  readonly #days = new Map<string, Day>();
  readonly #queue = new Queue();

  private constructor(
    private readonly folder: string,
    private readonly newFile: (path: string, length: number) => AppendFile,
  ) {}

  /**
   * Reads every day, and cuts off an entry that was not whole when the process was killed: its event was not acknowledged and comes
   * again. What was cut off is kept in `torn/`. Raises Damaged for any other change.
   */
  static async open(folder: string, newFile = (path: string, length: number) => new AppendFile(path, length)): Promise<Ledger> {
    await mkdir(join(folder, "torn"), { recursive: true });
    const ledger = new Ledger(folder, newFile);
    const sales: Entry[] = [];
    const refunds: Entry[] = [];
    for (const day of await days(folder)) {
      const path = join(folder, `${day}.csv`);
      const content = await readFile(path);
      const { entries, position, length } = decode(day, content);
      const file = newFile(path, length);
      if (content.length > length) {
        await writeFile(join(folder, "torn", `${day}-${Date.now()}`), content.subarray(length));
        await file.repair();
      }
      ledger.#days.set(day, { file, position });
      for (const entry of entries) (entry.kind === "sale" ? sales : refunds).push(entry);
    }
    // A refund may lie in an earlier file than its sale: WeChat's clock and ours differ at midnight.
    for (const entry of [...sales, ...refunds]) ledger.books.take(entry);
    return ledger;
  }

  /** Writes what the event adds, one event at a time. Returns the number of entries. Raises Poison, or what a full disk raises. */
  book(event: PaymentEvent): Promise<number> {
    return this.#queue.run(() => this.#book(event));
  }

  async #book(event: PaymentEvent): Promise<number> {
    const entries = this.books.missing(event);
    for (const entry of entries) {
      const day = this.#day(shanghaiDay(entry.at));
      if (day.file.length === 0) await day.file.append(HEADER);
      const { text, position } = encode(entry, day.position);
      await day.file.append(text);
      day.position = position;
      this.books.take(entry);
    }
    this.books.see(event);
    return entries.length;
  }

  #day(name: string): Day {
    const day = this.#days.get(name) ?? {
      file: this.newFile(join(this.folder, `${name}.csv`), 0),
      position: { hash: name, lines: 0 },
    };
    this.#days.set(name, day);
    return day;
  }
}
