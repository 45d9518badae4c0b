import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { DeadLetters } from "../src/dead-letters.js";
import { Poison, readEvent } from "../src/event.js";
import { Ledger } from "../src/ledger.js";
import { main } from "../src/verify.js";
import { event, PAYMENT, refunded } from "./events.js";

let folder: string;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
  said = [];
  const ledger = await Ledger.open(folder);
  for (const each of [event(), refunded(5000, 3)]) await ledger.book(readEvent(each));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function verified(payments?: unknown[]): Promise<number> {
  const file = join(folder, "payments.json");
  if (payments) writeFileSync(file, JSON.stringify(payments));
  return main([folder, ...(payments ? ["--against", file] : [])], (text) => said.push(text));
}

const THEIRS = { sn: PAYMENT, payStatus: 1, totalFen: 19900, refundedFen: 5000 };
const UNPAID = { sn: "PMT2026112309310000000009", payStatus: 0, totalFen: 1, refundedFen: 0 };

test("a ledger that balances, as payment has it", async () => {
  assert.equal(await verified([THEIRS, UNPAID]), 0);
  assert.deepEqual(said, [
    [
      "day                     paid        refunded  left at WeChat",
      "2026-11-23            199.00            0.00          199.00",
      "2026-11-25              0.00           50.00          -50.00",
      "all                   199.00           50.00          149.00",
    ].join("\n"),
    "✓ 1 payments of 1 orders balance, as payment has them",
  ]);
});

const WRONG: [string, unknown[], string][] = [
  ["another total", [{ ...THEIRS, totalFen: 19901 }], `✗ ${PAYMENT}: payment has 19901 paid, 5000 refunded; the ledger 19900, 5000`],
  ["another refund", [{ ...THEIRS, refundedFen: 5001 }], `✗ ${PAYMENT}: payment has 19900 paid, 5001 refunded; the ledger 19900, 5000`],
  ["one that the ledger lacks", [THEIRS, { ...UNPAID, payStatus: 1 }], `✗ ${UNPAID.sn}: payment has 1 paid, 0 refunded; the ledger 0, 0`],
  ["one that payment lacks", [], `✗ ${PAYMENT}: only the ledger has it`],
];

for (const [what, payments, line] of WRONG) {
  test(`a difference: ${what}`, async () => {
    assert.equal(await verified(payments), 1);
    assert.deepEqual(said.slice(1), [line]);
  });
}

test("a changed amount", async () => {
  const path = join(folder, "2026-11-25.csv");
  writeFileSync(path, readFileSync(path, "latin1").replace(",5000,0,", ",4000,0,"));

  assert.equal(await verified(), 1);
  assert.deepEqual(said.slice(1), ["✗ 2026-11-25.csv: line 1 or the next was changed: restore the file from a copy"]);
});

test("an entry that is not whole, which verify itself leaves as it is", async () => {
  const path = join(folder, "2026-11-25.csv");
  const torn = readFileSync(path, "latin1").slice(0, -1);
  writeFileSync(path, torn);

  assert.equal(await verified(), 1);
  assert.match(said[1] ?? "", /^✗ 2026-11-25.csv: its last entry is not whole/);
  assert.equal(readFileSync(path, "latin1"), torn);
});

test("a dead letter counts once and is a problem until it is booked", async () => {
  const letters = await DeadLetters.open(folder);
  const message = event({ totalFen: 0 });
  await letters.keep(message, "data.totalFen: too small");
  await letters.keep(message, "data.totalFen: too small");
  writeFileSync(join(folder, "dead-letters.jsonl"), `${readFileSync(join(folder, "dead-letters.jsonl"), "utf8")}{"id":"torn`);

  assert.equal(await verified(), 1);
  assert.equal(said.length, 2);
  assert.match(said[1] ?? "", /^✗ dead letter [0-9a-f]{12}: data.totalFen: too small$/);

  const again = await DeadLetters.open(folder);
  assert.equal(await again.retry(() => Promise.reject(new Poison("still"))), 0);
  assert.equal(await again.retry(() => Promise.resolve()), 1);
  assert.equal((await DeadLetters.open(folder)).waiting.size, 0);
  assert.equal(await verified(), 0);
});

test("a letter that is too deep for JSON is kept as far as it can be shown", async () => {
  const letters = await DeadLetters.open(folder);
  await letters.keep(JSON.parse("[".repeat(100_000) + "]".repeat(100_000)), "event: expected object");
  assert.deepEqual([...(await DeadLetters.open(folder)).waiting.values()].map((each) => each.reason), ["event: expected object"]);
});

test("without a folder it says how it is called", async () => {
  assert.equal(await main([], (text) => said.push(text)), 64);
});
