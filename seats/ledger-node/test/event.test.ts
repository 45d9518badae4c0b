import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Poison, readEvent } from "../src/event.js";
import { event, ORDER, PAYMENT } from "./events.js";

const CONTRACTS = "../../contracts/events";

test("every example of every version in the contracts is read", () => {
  const examples = readdirSync(`${CONTRACTS}/examples`).filter((name) => name.startsWith("paystatus-updated.v"));
  assert.ok(examples.length >= 2);
  for (const name of examples) {
    const data: unknown = JSON.parse(readFileSync(`${CONTRACTS}/examples/${name}`, "utf8"));
    const type = `minsu.payment.paystatus-updated.${name.split(".")[1]}`;
    assert.equal(readEvent({ ...event(), type, data }).paymentSn, PAYMENT, name);
  }
});

test("the members of version 2", () => {
  assert.deepEqual(readEvent(event({ refundedFen: 9950, version: 3 }, { id: "a" })), {
    source: "minsu/payment",
    id: "a",
    time: "2026-11-23T01:31:21Z",
    orderSn: ORDER,
    business: "homestayOrder",
    paymentSn: PAYMENT,
    totalFen: 19900,
    refundedFen: 9950,
    payTime: "2026-11-23T01:31:20Z",
    version: 3,
  });
});

test("version 1 does not say how much of a paid payment went back, and all of a refunded one did", () => {
  assert.equal(readEvent(event({ refundedFen: undefined })).refundedFen, null);
  assert.equal(readEvent(event({ refundedFen: undefined, payStatus: 2 })).refundedFen, 19900);
});

test("unknown members are ignored, and an event without serviceType is a stay's", () => {
  assert.equal(readEvent(event({ colour: { deep: [1] }, serviceType: undefined }, { colour: 1 })).business, "homestayOrder");
});

test("what a line or a spreadsheet could take for something else is written as in URLs", () => {
  const read = readEvent(event({ serviceType: "=1+1" }, { id: "a,\"\n民", source: "-x/y:z" }));
  assert.deepEqual([read.business, read.id, read.source], ["%3D1%2B1", "a%2C%22%0A%E6%B0%91", "%2Dx/y:z"]);
});

const REFUSED: [string, unknown, string][] = [
  ["a number", 42, "event: "],
  ["nothing", null, "event: "],
  ["text", "not JSON", "event: "],
  ["an event without data", { ...event(), data: undefined }, "data: "],
  ["another type of event", event({}, { type: "minsu.order.tradestate-updated.v1" }), "type: is no paystatus-updated event"],
  ["an amount as text", event({ totalFen: "19900" }), "data.totalFen: "],
  ["half a fen", event({ totalFen: 0.5 }), "data.totalFen: "],
  ["no money", event({ totalFen: 0 }), "data.totalFen: "],
  ["an amount beyond 2^53", JSON.parse(JSON.stringify(event()).replace("19900", "9007199254740993")), "data.totalFen: "],
  ["an endless amount", JSON.parse(JSON.stringify(event()).replace("19900", "1e400")), "data.totalFen: "],
  ["more back than was paid", event({ refundedFen: 19901 }), "data.refundedFen is more than totalFen"],
  ["all back but not refunded", event({ refundedFen: 19900 }), "data.payStatus is 2 exactly when refundedFen is totalFen"],
  ["refunded but not all back", event({ refundedFen: 1, payStatus: 2 }), "data.payStatus is 2 exactly when"],
  ["a status of tomorrow", event({ payStatus: 3 }), "data.payStatus: "],
  ["the payment's number for the order's", event({ orderSn: PAYMENT }), "data.orderSn: must be an order's number"],
  ["a time that is none", event({ payTime: "2026-13-23T01:31:20Z" }), "data.payTime: "],
  ["a time without a zone", event({}, { time: "2026-11-23T01:31:20" }), "time: must be a time in UTC"],
  ["no business", event({ serviceType: "" }), "data.serviceType: "],
  ["a text that cannot be stored", event({}, { id: "\ud800" }), "id: cannot be stored"],
  ["a nest without end", JSON.parse("[".repeat(100_000) + "]".repeat(100_000)), "event: "],
  ["a version that no row has", event({ version: 2 ** 31 }), "data.version: "],
];

for (const [what, message, reason] of REFUSED) {
  test(`poison: ${what}`, () => {
    assert.throws(() => readEvent(message), (error) => error instanceof Poison && error.message.startsWith(reason));
  });
}
