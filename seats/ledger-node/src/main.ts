/** The ledger of a folder, kept from payment's events until SIGTERM. */

import { DeadLetters } from "./dead-letters.js";
import { Poison, readEvent } from "./event.js";
import { service } from "./http.js";
import { Ledger } from "./ledger.js";
import { lock } from "./lock.js";
import { log } from "./log.js";
import { settings } from "./settings.js";
import { gone } from "./sidecar.js";

async function main(): Promise<void> {
  const told = settings(process.env);
  process.umask(0o077); // the books are for their owner
  await lock(told.LEDGER_DIR);
  const ledger = await Ledger.open(told.LEDGER_DIR);
  const letters = await DeadLetters.open(told.LEDGER_DIR);
  const book = (message: unknown) => ledger.book(readEvent(message));
  const booked = await letters.retry(book);
  const running = await service(told, {
    onPayment: book,
    deadLetters: () => letters.waiting.size,
    async onDeadLetter(message) {
      try {
        await book(message);
      } catch (error) {
        if (!(error instanceof Poison)) throw error;
        await letters.keep(message, error.message);
      }
    },
  });
  await running.start();
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
  log("info", "the ledger is open", { payments: ledger.books.payments.size, dead_letters: letters.waiting.size, booked });

  // What is being written is written; what was not acknowledged comes again.
  async function stop(): Promise<void> {
    await gone(told);
    await running.stop();
    log("info", "the ledger is closed");
    process.exit(0);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`ledger: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
});
