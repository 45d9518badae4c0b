/** A file that only grows: what `append` has returned for is on disk, and nothing else is in it. */

import { type FileHandle, open as openHandle } from "node:fs/promises";
import { dirname } from "node:path";

import { log } from "./log.js";
import { Queue } from "./queue.js";

type Open = (path: string, flags: string) => Promise<FileHandle>;

/** The file is not as it was left: another process writes it. */
export class ChangedByOthers extends Error {}

export class AppendFile {
  #torn = false;
  /** An append that began within another one would take its bytes for torn ones and cut them off. */
  readonly #queue = new Queue();

  /** `length` is how many bytes of the file are good; what is behind them is cut off before the first append. */
  constructor(
    readonly path: string,
    public length: number,
    private readonly open: Open = openHandle,
  ) {}

  /** Cut off what is behind the good bytes. */
  repair(): Promise<void> {
    return this.#queue.run(() => this.#repair());
  }

  /**
   * Write and wait until it is on disk; calls that overlap are done one after another, in their order. On an error (a full disk) the
   * file is as before, now or before the next append. Raises ChangedByOthers, and whatever the file system raises.
   */
  append(text: string): Promise<void> {
    return this.#queue.run(() => this.#append(text));
  }

  async #repair(): Promise<void> {
    const handle = await this.open(this.path, "r+");
    try {
      await handle.truncate(this.length);
      await handle.sync();
      this.#torn = false;
    } finally {
      await this.#close(handle);
    }
  }

  async #append(text: string): Promise<void> {
    if (this.#torn) await this.#repair();
    const handle = await this.open(this.path, "a");
    try {
      const { size } = await handle.stat();
      if (size !== this.length) throw new ChangedByOthers(`${this.path} has ${size} bytes, ${this.length} were written here: restart`);
      this.#torn = true;
      await handle.appendFile(text);
      await handle.datasync();
      if (this.length === 0) await this.#syncFolder();
      this.length += Buffer.byteLength(text);
      this.#torn = false;
    } finally {
      await this.#close(handle);
      if (this.#torn) await this.#repair().catch(() => undefined);
    }
  }

  /** A new file's name is on disk only when its folder is. */
  async #syncFolder(): Promise<void> {
    const folder = await this.open(dirname(this.path), "r");
    try {
      await folder.sync();
    } finally {
      await this.#close(folder);
    }
  }

  /** Raises nothing: what was synced is on disk, and a caller who heard of an error would write it again. */
  async #close(handle: FileHandle): Promise<void> {
    await handle.close().catch((error: unknown) => {
      log("warning", "a file could not be closed", { path: this.path, error: String(error) });
    });
  }
}
