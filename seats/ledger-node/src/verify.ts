/**
 * `npm run verify -- FOLDER [--against payments.json]`: adds the ledger again from its lines alone, and compares it with what payment says
 * (`minsu ops payments --count 100000 --json`). Exit code 1 when anything is wrong; nothing is written.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { z } from "zod";

import { DeadLetters } from "./dead-letters.js";
import { days } from "./ledger.js";
import { decode, HEADER } from "./lines.js";

/** Sums in fen. */
export interface Sums {
  debit: bigint;
  credit: bigint;
  sales: bigint;
  refunds: bigint;
}

export interface Report {
  days: Map<string, Sums>;
  orders: Map<string, Sums>;
  payments: Map<string, Sums>;
  problems: string[];
}

const Payments = z.array(
  z.object({ sn: z.string(), payStatus: z.number(), totalFen: z.number().int(), refundedFen: z.number().int() }),
);

/** Everything that is wrong in the folder is in `problems`. */
export async function verify(folder: string): Promise<Report> {
  const report: Report = { days: new Map(), orders: new Map(), payments: new Map(), problems: [] };
  for (const day of await days(folder)) await addDay(folder, day, report);
  for (const [name, sums] of [...report.days, ...report.orders, ...report.payments]) {
    if (sums.debit !== sums.credit) report.problems.push(`${name}: debits ${sums.debit}, credits ${sums.credit}`);
  }
  for (const [number, sums] of report.payments) {
    if (sums.refunds > sums.sales) report.problems.push(`${number}: paid ${sums.sales}, refunded ${sums.refunds}`);
  }
  const letters = await DeadLetters.read(folder);
  for (const letter of letters.waiting.values()) report.problems.push(`dead letter ${letter.id.slice(0, 12)}: ${letter.reason}`);
  return report;
}

async function addDay(folder: string, day: string, report: Report): Promise<void> {
  const content = await readFile(join(folder, `${day}.csv`));
  try {
    const { length } = decode(day, content); // the chain of hashes
    if (length < content.length) {
      report.problems.push(`${day}.csv: its last entry is not whole; the ledger's next start cuts it off, and its event comes again`);
    }
    addLines(content.subarray(HEADER.length, length).toString("latin1"), day, report);
  } catch (error) {
    report.problems.push(error instanceof Error ? error.message : String(error));
  }
}

/** Re-adds columns, without what the ledger knows of entries. */
function addLines(text: string, day: string, report: Report): void {
  for (const line of text.split("\n").filter(Boolean)) {
    const [, , account = "", debitText = "", creditText = "", order = "", payment = ""] = line.split(",");
    const [debit, credit] = [BigInt(debitText), BigInt(creditText)];
    for (const [sums, name] of [[report.days, day], [report.orders, order], [report.payments, payment]] as const) {
      const before = sums.get(name) ?? { debit: 0n, credit: 0n, sales: 0n, refunds: 0n };
      sums.set(name, {
        debit: before.debit + debit,
        credit: before.credit + credit,
        sales: before.sales + (account === "sales" ? credit - debit : 0n),
        refunds: before.refunds + (account === "refunds" ? debit - credit : 0n),
      });
    }
  }
}

/** Payments of `minsu ops payments --json` that the ledger has otherwise or not at all; and those that only the ledger has. */
export function differences(report: Report, json: unknown): string[] {
  const theirs = Payments.parse(json).filter((each) => each.payStatus >= 1);
  const found: string[] = [];
  for (const { sn, totalFen, refundedFen } of theirs) {
    const ours = report.payments.get(sn);
    const [sales, refunds] = [ours?.sales ?? 0n, ours?.refunds ?? 0n];
    if (sales !== BigInt(totalFen) || refunds !== BigInt(refundedFen)) {
      found.push(`${sn}: payment has ${totalFen} paid, ${refundedFen} refunded; the ledger ${sales}, ${refunds}`);
    }
  }
  const known = new Set(theirs.map((each) => each.sn));
  for (const number of report.payments.keys()) if (!known.has(number)) found.push(`${number}: only the ledger has it`);
  return found;
}

/** The days with their sums, in yuan. */
export function table(report: Report): string {
  const total: Sums = { debit: 0n, credit: 0n, sales: 0n, refunds: 0n };
  const rows = [...report.days].map(([day, sums]) => {
    total.sales += sums.sales;
    total.refunds += sums.refunds;
    return [day, sums] as const;
  });
  const line = (name: string, sums: Sums) =>
    `${name.padEnd(12)}${[sums.sales, sums.refunds, sums.sales - sums.refunds].map((fen) => yuan(fen).padStart(16)).join("")}`;
  const head = `${"day".padEnd(12)}${["paid", "refunded", "left at WeChat"].map((name) => name.padStart(16)).join("")}`;
  return [head, ...rows.map(([day, sums]) => line(day, sums)), line("all", total)].join("\n");
}

function yuan(fen: bigint): string {
  const digits = (fen < 0n ? -fen : fen).toString().padStart(3, "0");
  return `${fen < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Returns the exit code. */
export async function main(argv: string[], say: (text: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, options: { against: { type: "string" } }, allowPositionals: true });
  const [folder = process.env["LEDGER_DIR"]] = positionals;
  if (!folder) {
    say("usage: npm run verify -- FOLDER [--against payments.json]");
    return 64;
  }
  const report = await verify(folder);
  const problems = [...report.problems];
  if (values.against) problems.push(...differences(report, JSON.parse(await readFile(values.against, "utf8"))));
  say(table(report));
  for (const problem of problems) say(`✗ ${problem}`);
  const compared = values.against ? ", as payment has them" : "";
  if (problems.length === 0) say(`✓ ${report.payments.size} payments of ${report.orders.size} orders balance${compared}`);
  return problems.length === 0 ? 0 : 1;
}

if (process.argv[1]?.endsWith("verify.js")) {
  process.exitCode = await main(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`));
}
