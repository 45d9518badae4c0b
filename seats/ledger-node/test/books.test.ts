import assert from "node:assert/strict";
import { test } from "node:test";

import { Books } from "../src/books.js";
import { Poison, readEvent } from "../src/event.js";
import { event, PAYMENT, refunded } from "./events.js";

/** Books each event; returns what each added, as [kind, fen]. */
function booked(books: Books, ...events: unknown[]): [string, number][][] {
  return events.map((each) => {
    const read = readEvent(each);
    const entries = books.missing(read);
    for (const entry of entries) books.take(entry);
    books.see(read);
    return entries.map((entry) => [entry.kind, entry.fen]);
  });
}

test("a payment, two parts that go back, and the rest", () => {
  assert.deepEqual(booked(new Books(), event(), refunded(5000, 3), refunded(9950, 4), refunded(19900, 5)), [
    [["sale", 19900]],
    [["refund", 5000]],
    [["refund", 4950]],
    [["refund", 9950]],
  ]);
});

test("the sale is of the time when WeChat took the money, the refund of its event's", () => {
  const entries = new Books().missing(readEvent(refunded(19900, 3)));
  assert.deepEqual(entries.map((entry) => entry.at), ["2026-11-23T01:31:20Z", "2026-11-24T16:00:01Z"]);
});

test("duplicates, the same under another id, and older versions add nothing", () => {
  const [paid, part] = [event(), refunded(5000, 3)];
  assert.deepEqual(booked(new Books(), paid, paid, part, part, { ...part, id: "again" }, paid), [
    [["sale", 19900]], [], [["refund", 5000]], [], [], [],
  ]);
});

test("in the wrong order the books come to the same", () => {
  const books = new Books();
  assert.deepEqual(booked(books, refunded(9950, 4), refunded(5000, 3), event(), refunded(19900, 5)), [
    [["sale", 19900], ["refund", 9950]], [], [], [["refund", 9950]],
  ]);
  assert.equal(books.payments.get(PAYMENT)?.refundedFen, 19900);
});

test("version 1 of a paid payment takes nothing back that is booked", () => {
  const old = event({ refundedFen: undefined, version: 9 });
  assert.deepEqual(booked(new Books(), event(), refunded(5000, 3), old), [[["sale", 19900]], [["refund", 5000]], []]);
});

test("an event that was booked in part gets the rest", () => {
  const books = new Books();
  const both = readEvent(refunded(5000, 3));
  const [sale] = books.missing(both);
  assert.ok(sale);
  books.take(sale);
  assert.deepEqual(books.missing(both).map((entry) => [entry.kind, entry.fen]), [["refund", 5000]]);
});

const CONTRADICTIONS: [string, unknown, string][] = [
  ["another total", event({ totalFen: 20000, version: 4 }), "totalFen: "],
  ["another order", event({ orderSn: "HSO2026112309302699999999", version: 4 }), "orderSn: "],
  ["less back in a newer version", refunded(4000, 4), "refundedFen: "],
  ["the id of another event", refunded(6000, 4, { id: "first" }), "id first was another event: "],
];

for (const [what, message, reason] of CONTRADICTIONS) {
  test(`poison that changes nothing: ${what}`, () => {
    const books = new Books();
    booked(books, event({}, { id: "first" }), refunded(5000, 3));
    const before = structuredClone(books.payments);
    assert.throws(() => booked(books, message), (error) => error instanceof Poison && error.message.startsWith(reason));
    assert.deepEqual(books.payments, before);
  });
}
