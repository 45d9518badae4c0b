import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { AppendFile } from "../src/append-file.js";
import { DeadLetters } from "../src/dead-letters.js";
import { readEvent } from "../src/event.js";
import { Ledger } from "../src/ledger.js";
import { event } from "./events.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Opens real files; `change` replaces methods of their handles. */
function opening(change: (handle: FileHandle) => void) {
  return async (path: string, flags: string) => {
    const handle = await open(path, flags);
    change(handle);
    return handle;
  };
}

test("letters that come while others are written are all kept, each once, in order", async () => {
  const messages = [...Array(100).keys()].map((number) => ({ number }));
  const letters = await DeadLetters.open(folder);

  const keeping: Promise<void>[] = [];
  for (const message of messages) {
    keeping.push(letters.keep(message, "does not fit"), letters.keep(message, "does not fit"));
    await stat(folder); // time for a part of what an append does
  }
  await Promise.all(keeping);

  assert.equal(readFileSync(join(folder, "dead-letters.jsonl"), "utf8").split("\n").length, 100 + 1);
  const again = await DeadLetters.open(folder);
  assert.deepEqual([...again.waiting.values()].map((letter) => letter.message), messages);
});

test("a letter that comes twice at the same time is refused twice when it cannot be kept, and kept when it comes again", async () => {
  const letters = await DeadLetters.open(folder);
  rmSync(folder, { recursive: true });
  const both = await Promise.allSettled([letters.keep("a", "does not fit"), letters.keep("a", "does not fit")]);
  assert.deepEqual(both.map((each) => each.status), ["rejected", "rejected"]);
  assert.equal(letters.waiting.size, 0);

  mkdirSync(folder);
  await letters.keep("a", "does not fit");
  assert.equal((await DeadLetters.open(folder)).waiting.size, 1);
});

test("what an append writes is not cut off by a repair or an append that is called while it waits for the disk", async () => {
  let second: Promise<unknown> | undefined;
  const open = opening((handle) => {
    const sync = handle.datasync.bind(handle);
    handle.datasync = async () => {
      if (!second) {
        second = Promise.all([file.repair(), file.append("two\n")]);
        for (let operation = 0; operation < 50; operation++) await stat(folder); // more than both take
      }
      await sync();
    };
  });
  const file = new AppendFile(join(folder, "file"), 0, open);

  await file.append("one\n");
  await second;
  await file.append("three\n");

  assert.equal(readFileSync(file.path, "utf8"), "one\ntwo\nthree\n");
});

test("texts that are appended at the same time are whole, also when one of them does not fit on the disk", async () => {
  let appends = 0;
  const file = new AppendFile(
    join(folder, "file"),
    0,
    opening((handle) => {
      const write = handle.appendFile.bind(handle);
      handle.appendFile = async (data) => {
        const full = ++appends === 3;
        await write(full ? String(data).slice(0, 2) : data);
        if (full) throw new Error("ENOSPC: no space left on device, write");
      };
    }),
  );

  const results = await Promise.allSettled(["one\n", "two\n", "three\n", "four\n", "five\n"].map((text) => file.append(text)));

  assert.deepEqual(results.map((each) => each.status), ["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
  assert.equal(readFileSync(file.path, "utf8"), "one\ntwo\nfour\nfive\n");
  assert.equal(file.length, "one\ntwo\nfour\nfive\n".length);
});

test("an entry that is on disk is booked, also when its file cannot be closed", async () => {
  let closes = 0;
  const open = opening((handle) => {
    const close = handle.close.bind(handle);
    handle.close = async () => {
      await close();
      closes++;
      throw new Error("EIO: i/o error, close");
    };
  });
  const ledger = await Ledger.open(folder, (path, length) => new AppendFile(path, length, open));
  const numbers = ["PMT2026112309310000000001", "PMT2026112309310000000002"];

  for (const paymentSn of numbers) assert.equal(await ledger.book(readEvent(event({ paymentSn }))), 1);

  assert.equal(closes, 4); // the header, its folder, two entries
  assert.deepEqual([...(await Ledger.open(folder)).books.payments.keys()], numbers);
});

test("of an append that fails, its own error is raised, not the one of closing the file", async () => {
  const open = opening((handle) => {
    const close = handle.close.bind(handle);
    handle.datasync = () => Promise.reject(new Error("EIO: i/o error, fdatasync"));
    handle.close = async () => {
      await close();
      throw new Error("EIO: i/o error, close");
    };
  });
  const file = new AppendFile(join(folder, "file"), 0, open);

  await assert.rejects(file.append("one\n"), /fdatasync/);
  assert.equal(readFileSync(file.path, "utf8"), "");
});
