/** A file that only grows: what `append` has returned for is on disk, and nothing else is in it. */

import { type FileHandle, open as openHandle } from "node:fs/promises";
import { dirname } from "node:path";

type Open = (path: string, flags: string) => Promise<FileHandle>;

/** The file is not as it was left: another process writes it. */
export class ChangedByOthers extends Error {}

export class AppendFile {
  #torn = false;

  /** `length` is how many bytes of the file are good; what is behind them is cut off before the first append. */
  constructor(
    readonly path: string,
    public length: number,
    private readonly open: Open = openHandle,
  ) {}

  /** Cut off what is behind the good bytes. */
  async repair(): Promise<void> {
    const handle = await this.open(this.path, "r+");
    try {
      await handle.truncate(this.length);
      await handle.sync();
      this.#torn = false;
    } finally {
      await handle.close();
    }
  }

  /**
   * Write and wait until it is on disk. On an error (a full disk) the file is as before, now or before the next append. Raises
   * ChangedByOthers, and whatever the file system raises.
   */
  async append(text: string): Promise<void> {
    if (this.#torn) await this.repair();
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
      await handle.close();
      if (this.#torn) await this.repair().catch(() => undefined);
    }
  }

  /** A new file's name is on disk only when its folder is. */
  async #syncFolder(): Promise<void> {
    const folder = await this.open(dirname(this.path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
