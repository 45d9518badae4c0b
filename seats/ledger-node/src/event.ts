/** What payment says of a payment (contracts/events/paystatus-updated.v1 and .v2), read strictly: a value that does not fit is Poison. */

import { z } from "zod";

const LONE_SURROGATE = /\p{Surrogate}/u;

/** An event that can never be booked. Its message names the member; the event goes to the dead letters. */
export class Poison extends Error {}

export const PAID = 1;
export const REFUNDED = 2;

/** A payment's state in one version. Amounts are fen, times are UTC. */
export interface PaymentEvent {
  source: string;
  id: string;
  /** When the payment came to this state. */
  time: string;
  orderSn: string;
  business: string;
  paymentSn: string;
  totalFen: number;
  /** How much has gone back so far; null where the event (v1, paid) does not say. */
  refundedFen: number | null;
  /** When WeChat took the money. */
  payTime: string;
  /** Of the payment's row: grows with each change. */
  version: number;
}

// A text that is written into the ledger: what a line or a spreadsheet could take for something else (commas, quotes, line breaks, "=1+1") is
// written as in URLs.
const text = z
  .string()
  .min(1)
  .max(256)
  .refine((given) => !LONE_SURROGATE.test(given), "cannot be stored")
  .transform((given) => encodeURIComponent(given).replaceAll("%2F", "/").replaceAll("%3A", ":").replace(/^-/, "%2D"));
const utc = z
  .string()
  .regex(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, "must be a time in UTC, 2026-11-23T01:31:20Z")
  .refine((given) => !Number.isNaN(Date.parse(given)), "is no time of the calendar");
// JSON.parse rounds beyond 2^53: such a number is not what was sent, and is refused.
const fen = z.number().int().max(Number.MAX_SAFE_INTEGER, "is beyond 2^53");

const Envelope = z.object({
  source: text,
  id: text,
  type: z.string().regex(/^minsu\.payment\.paystatus-updated\.v\d+$/, "is no paystatus-updated event"),
  time: utc,
  data: z.object({
    orderSn: z.string().regex(/^(?!PMT|RFD|RFR)[A-Z]{3}\d{22}$/, "must be an order's number"),
    serviceType: text.default("homestayOrder"),
    paymentSn: z.string().regex(/^PMT\d{22}$/, "must be a payment's number"),
    payStatus: z.union([z.literal(PAID), z.literal(REFUNDED)]),
    totalFen: fen.min(1),
    refundedFen: fen.min(0).optional(),
    payTime: utc,
    version: z.number().int().min(1).max(2 ** 31 - 1),
  }),
});

/** The event in a message of the topic, which is a CloudEvent's JSON or, of another's message, any value. Raises Poison. */
export function readEvent(message: unknown): PaymentEvent {
  const result = Envelope.safeParse(message);
  if (!result.success) {
    throw new Poison(result.error.issues.map((issue) => `${issue.path.join(".") || "event"}: ${issue.message}`).join("; "));
  }
  const { data, ...envelope } = result.data;
  const refundedFen = data.payStatus === REFUNDED ? (data.refundedFen ?? data.totalFen) : (data.refundedFen ?? null);
  if (refundedFen !== null && refundedFen > data.totalFen) throw new Poison("data.refundedFen is more than totalFen");
  if ((refundedFen === data.totalFen) !== (data.payStatus === REFUNDED)) {
    throw new Poison("data.payStatus is 2 exactly when refundedFen is totalFen");
  }
  return {
    source: envelope.source,
    id: envelope.id,
    time: envelope.time,
    orderSn: data.orderSn,
    business: data.serviceType,
    paymentSn: data.paymentSn,
    totalFen: data.totalFen,
    refundedFen,
    payTime: data.payTime,
    version: data.version,
  };
}
