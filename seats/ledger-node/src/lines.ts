/**
 * Lines of a day's file. Each ends with a hash over itself and the hash before it, so that a torn, changed or missing line shows; the first
 * follows from the day. No value needs quotes (event.ts).
 */

import { createHash } from "node:crypto";

import { ACCOUNTS, type Entry } from "./books.js";

export const HEADER = "line,at,account,debit_fen,credit_fen,order_sn,payment_sn,business,version,event_source,event_id,hash\n";

/** A day's file holds something that this program never wrote. */
export class Damaged extends Error {}

const SHANGHAI_MS = 8 * 3600 * 1000;

/** The day in Shanghai, 2026-11-23, of a time in UTC. China has no summer time. */
export function shanghaiDay(utc: string): string {
  return new Date(Date.parse(utc) + SHANGHAI_MS).toISOString().slice(0, 10);
}

/** How far a file is read or written. */
export interface Position {
  /** The last line's hash; of an empty file its day. */
  hash: string;
  /** Lines after the header. */
  lines: number;
}

/** The two lines of an entry, and the position after them. */
export function encode(entry: Entry, after: Position): { text: string; position: Position } {
  let { hash, lines } = after;
  let text = "";
  const [debit, credit] = ACCOUNTS[entry.kind];
  for (const [account, debitFen, creditFen] of [
    [debit, entry.fen, 0],
    [credit, 0, entry.fen],
  ]) {
    const { at, orderSn, paymentSn, business, version, source, id } = entry;
    const values = [++lines, at, account, debitFen, creditFen, orderSn, paymentSn, business, version, source, id].join(",");
    hash = hashOf(hash, values);
    text += `${values},${hash}\n`;
  }
  return { text, position: { hash, lines } };
}

/**
 * The whole entries of a file's bytes. `length` is where they end: what is behind it was never acknowledged, and is at most one entry. Raises
 * Damaged, with the line, for anything else.
 */
export function decode(day: string, content: Buffer): { entries: Entry[]; position: Position; length: number } {
  const text = content.toString("latin1");
  const entries: Entry[] = [];
  let position: Position = { hash: day, lines: 0 };
  if (!text.startsWith(HEADER)) {
    if (HEADER.startsWith(text)) return { entries, position, length: 0 };
    throw new Damaged(`${day}.csv: its first line is not the header of a ledger`);
  }
  let length = HEADER.length;
  while (length < text.length) {
    const first = text.indexOf("\n", length) + 1;
    const end = first > 0 ? text.indexOf("\n", first) + 1 : 0;
    const entry = end > 0 ? entryOf(text.slice(length, end)) : undefined;
    const expected = entry && encode(entry, position);
    if (!entry || expected?.text !== text.slice(length, end)) {
      if (end === 0) return { entries, position, length };
      throw new Damaged(`${day}.csv: line ${position.lines + 1} or the next was changed: restore the file from a copy`);
    }
    entries.push(entry);
    position = expected.position;
    length = end;
  }
  return { entries, position, length };
}

function entryOf(pair: string): Entry | undefined {
  const [, at, account, debit, , orderSn, paymentSn, business, version, source, id] = pair.split("\n", 1)[0]?.split(",") ?? [];
  const kind = account === ACCOUNTS.sale[0] ? "sale" : "refund";
  if (!at || !orderSn || !paymentSn || !business || !source || !id || Number.isNaN(Date.parse(at))) return undefined;
  return { kind, at, fen: Number(debit), orderSn, paymentSn, business, version: Number(version), source, id };
}

function hashOf(before: string, values: string): string {
  return createHash("sha256").update(`${before}\n${values}`).digest("hex").slice(0, 16);
}
