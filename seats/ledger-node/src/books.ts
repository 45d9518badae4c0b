/** Double entry, without files: what an event adds to what is known of its payment. */

import { type PaymentEvent, Poison } from "./event.js";

export type Account = "wechat-clearing" | "sales" | "refunds";

/** Money that moved once: its two lines are equal, one debit and one credit. */
export interface Entry {
  kind: "sale" | "refund";
  /** When the money moved, UTC. */
  at: string;
  fen: number;
  orderSn: string;
  paymentSn: string;
  business: string;
  version: number;
  source: string;
  id: string;
}

/** [debit, credit]: the balance of wechat-clearing is what WeChat holds of ours. */
export const ACCOUNTS: Record<Entry["kind"], readonly [Account, Account]> = {
  sale: ["wechat-clearing", "sales"],
  refund: ["refunds", "wechat-clearing"],
};

/** What is booked of one payment. `version` is the newest of which anything was booked or seen. */
export interface Booked {
  orderSn: string;
  totalFen: number;
  refundedFen: number;
  version: number;
}

/** All payments by number. Kept in memory, read from the files at the start. */
export class Books {
  readonly payments = new Map<string, Booked>();
  readonly #versions = new Map<string, string>();

  /**
   * The entries that bring the payment to the event's state: none for a duplicate or an older version. An event whose entries were
   * booked in part before the process was killed gets the rest. Raises Poison for what contradicts the books.
   */
  missing(event: PaymentEvent): Entry[] {
    const known = this.payments.get(event.paymentSn);
    this.#mustAgree(event, known);
    if (known && event.version < known.version) return [];
    const entry = (kind: Entry["kind"], at: string, fen: number): Entry => ({
      kind,
      at,
      fen,
      orderSn: event.orderSn,
      paymentSn: event.paymentSn,
      business: event.business,
      version: event.version,
      source: event.source,
      id: event.id,
    });
    const entries = known ? [] : [entry("sale", event.payTime, event.totalFen)];
    const refund = (event.refundedFen ?? 0) - (known?.refundedFen ?? 0);
    if (refund > 0) entries.push(entry("refund", event.time, refund));
    return entries;
  }

  /** Takes an entry that is on disk. Raises Poison for one that no event could have made. */
  take(entry: Entry): void {
    const known = this.payments.get(entry.paymentSn);
    if ((entry.kind === "sale") === (known !== undefined)) {
      throw new Poison(`${entry.paymentSn}: ${known ? "sold twice" : "a refund without a sale"}`);
    }
    const booked = known ?? { orderSn: entry.orderSn, totalFen: entry.fen, refundedFen: 0, version: entry.version };
    if (entry.kind === "refund") booked.refundedFen += entry.fen;
    if (booked.orderSn !== entry.orderSn) throw new Poison(`${entry.paymentSn}: of two orders`);
    if (booked.refundedFen > booked.totalFen) throw new Poison(`${entry.paymentSn}: more went back than was paid`);
    booked.version = Math.max(booked.version, entry.version);
    this.payments.set(entry.paymentSn, booked);
    this.#versions.set(`${entry.source} ${entry.id}`, `${entry.paymentSn} ${entry.version}`);
  }

  /** Notes a version that moved no money. */
  see(event: PaymentEvent): void {
    const known = this.payments.get(event.paymentSn);
    if (known) known.version = Math.max(known.version, event.version);
  }

  #mustAgree(event: PaymentEvent, known: Booked | undefined): void {
    const before = this.#versions.get(`${event.source} ${event.id}`);
    if (before !== undefined && before !== `${event.paymentSn} ${event.version}`) {
      throw new Poison(`id ${event.id} was another event: ${before}`);
    }
    if (!known) return;
    if (known.orderSn !== event.orderSn) throw new Poison(`orderSn: ${event.paymentSn} was booked for ${known.orderSn}`);
    if (known.totalFen !== event.totalFen) throw new Poison(`totalFen: ${event.paymentSn} was booked with ${known.totalFen}`);
    if (event.refundedFen !== null && event.version >= known.version && event.refundedFen < known.refundedFen) {
      throw new Poison(`refundedFen: ${event.paymentSn} has ${known.refundedFen} in version ${known.version}`);
    }
  }
}
