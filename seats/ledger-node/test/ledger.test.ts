import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { AppendFile, ChangedByOthers } from "../src/append-file.js";
import { readEvent } from "../src/event.js";
import { Ledger } from "../src/ledger.js";
import { Damaged, HEADER, shanghaiDay } from "../src/lines.js";
import { event, PAYMENT, refunded } from "./events.js";

const SALE_DAY = "2026-11-23";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function path(day = SALE_DAY): string {
  return join(folder, `${day}.csv`);
}

function content(day = SALE_DAY): string {
  return readFileSync(path(day), "latin1");
}

async function filled(...events: unknown[]): Promise<Ledger> {
  const ledger = await Ledger.open(folder);
  for (const each of events) await ledger.book(readEvent(each));
  return ledger;
}

function files(): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".csv"));
}

test("a payment is two equal lines in its day's file", async () => {
  await filled(event({}, { id: "a" }));

  const [header, debit, credit, end] = content().split("\n");
  const rest = "HSO2026112309302612345678,PMT2026112309310087654321,homestayOrder,2,minsu/payment,a";
  assert.equal(`${header}\n`, HEADER);
  assert.match(debit ?? "", new RegExp(`^1,2026-11-23T01:31:20Z,wechat-clearing,19900,0,${rest},[0-9a-f]{16}$`));
  assert.match(credit ?? "", new RegExp(`^2,2026-11-23T01:31:20Z,sales,0,19900,${rest},[0-9a-f]{16}$`));
  assert.equal(end, "");
});

test("a refund is in the file of the day in Shanghai on which it became known", async () => {
  await filled(event(), refunded(5000, 3)); // 16:00:01 UTC is a second past midnight there

  assert.deepEqual(files(), ["2026-11-23.csv", "2026-11-25.csv"]);
  assert.match(content("2026-11-25"), /^1,2026-11-24T16:00:01Z,refunds,5000,0,.*\n2,.*,wechat-clearing,0,5000,/m);
});

test("days begin at midnight in Shanghai", () => {
  assert.equal(shanghaiDay("2026-11-23T15:59:59.999Z"), "2026-11-23");
  assert.equal(shanghaiDay("2026-11-23T16:00:00Z"), "2026-11-24");
});

test("duplicates and older versions change no byte, before and after a restart", async () => {
  const [paid, part] = [event(), refunded(5000, 3)];
  const ledger = await filled(paid, part);
  const before = files().map((name) => readFileSync(join(folder, name), "latin1"));

  for (const each of [part, paid, part]) await ledger.book(readEvent(each));
  await filled(paid, part, paid);

  assert.deepEqual(files().map((name) => readFileSync(join(folder, name), "latin1")), before);
});

test("events that come at the same time are written one after another", async () => {
  const ledger = await filled();
  const numbers = [...Array(30).keys()].map((number) => `PMT20261123093100${String(number).padStart(8, "0")}`);
  const again = [...numbers, ...numbers].map((paymentSn) => ledger.book(readEvent(event({ paymentSn }))));
  await Promise.all(again);

  assert.equal(content().split("\n").length, 1 + 60 + 1);
  assert.deepEqual([...(await filled()).books.payments.keys()], numbers);
});

for (const cut of [1, 17, 150, 250]) {
  test(`a last entry that is ${cut} bytes short is cut off, kept aside, and booked when its event comes again`, async () => {
    const other = event({ paymentSn: "PMT2026112309310000000001" });
    await filled(event(), other);
    const whole = content();
    writeFileSync(path(), whole.slice(0, -cut), "latin1");

    const ledger = await Ledger.open(folder);

    assert.deepEqual([...ledger.books.payments.keys()], [PAYMENT]);
    assert.equal(readdirSync(join(folder, "torn")).length, 1);
    assert.ok(whole.startsWith(content()) && content().endsWith("\n"));
    await ledger.book(readEvent(other));
    assert.equal(content(), whole);
  });
}

test("a header that is not whole is written again", async () => {
  writeFileSync(path(), HEADER.slice(0, 9));

  await filled(event());

  assert.equal(content().split("\n").length, 4);
});

const CHANGES: [string, (text: string) => string][] = [
  ["an amount", (text) => text.replace(",19900,0,", ",19901,0,")],
  ["the last line's hash", (text) => text.replace(/.\n$/, "!\n")],
  ["a line that is gone", (text) => text.replace(/\n1,.*\n/, "\n")],
  ["two lines that are gone", (text) => text.replace(/\n1,.*\n2,.*\n/, "\n")],
  ["a header", (text) => text.replace("debit_fen", "debit_yuan")],
];

for (const [what, change] of CHANGES) {
  test(`refuses to open a file in which ${what} was changed, and leaves it as it is`, async () => {
    await filled(event(), event({ paymentSn: "PMT2026112309310000000001" }), refunded(19900, 3, { time: "2026-11-23T02:00:00Z" }));
    const changed = change(content());
    assert.notEqual(changed, content());
    writeFileSync(path(), changed, "latin1");

    await assert.rejects(Ledger.open(folder), (error) => error instanceof Damaged && error.message.includes(`${SALE_DAY}.csv`));
    assert.equal(content(), changed);
  });
}

/** Files on a disk that has room for `room` bytes more: a write that does not fit leaves what fitted, as the kernel does. */
function fullDisk(disk: { room: number }): (path: string, length: number) => AppendFile {
  const opening = async (path: string, flags: string) => {
    const handle = await open(path, flags);
    const write = handle.appendFile.bind(handle);
    handle.appendFile = async (data) => {
      const text = String(data);
      await write(text.slice(0, disk.room));
      if (text.length > disk.room) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    return handle;
  };
  return (path, length) => new AppendFile(path, length, opening);
}

for (const room of [0, 40, HEADER.length, HEADER.length + 100]) {
  test(`a disk that is full after ${room} bytes: nothing is half written, and the event is booked when there is room`, async () => {
    const disk = { room };
    const ledger = await Ledger.open(folder, fullDisk(disk));

    await assert.rejects(ledger.book(readEvent(event())), /ENOSPC/);
    assert.ok(["", HEADER].includes(content()));
    assert.equal(ledger.books.payments.size, 0);

    disk.room = 10_000;
    assert.equal(await ledger.book(readEvent(event())), 1);
    assert.equal(content().split("\n").length, 4);
  });
}

test("an entry that another process wrote in between is found, and nothing is added to it", async () => {
  const ledger = await filled(event());
  appendFileSync(path(), "x");
  const before = content();

  const next = ledger.book(readEvent(event({ paymentSn: "PMT2026112309310000000001" })));

  await assert.rejects(next, ChangedByOthers);
  assert.equal(content(), before);
});
