// Cancelling a paid order: first what comes back and what stays, as the order service computes it, then the decision.
import { call } from "./api.js";
import { ask } from "./ask.js";
import { t } from "./page.js";
import { policySteps } from "./policy.js";
import { busy, h, money, row } from "./ui.js";

const LONGEST_REASON = 80;

const told = (sn) => call("/order/v1/homestayOrder/quoteCancel", { sn }, { as: "user" });
const same = (one, other) => one.refundFen === other.refundFen && one.asksHost === other.asksHost;

// Resolves to the body of the refund request, or to null when the reader keeps the booking. Raises a Refusal.
export async function askToCancel(button, sn, reason) {
  let quote = await busy(button, "", () => told(sn));
  for (;;) {
    const whole = h("input", { type: "checkbox", "data-testid": "ask-whole" });
    const field = { label: t("refund_reason"), most: LONGEST_REASON, value: reason };
    const given = await ask(question(quote), t("cancel_booking"), field, details(quote, whole));
    if (given === null) return null;
    const now = await told(sn); // a step of the policy may have passed while the question was open
    // The amount is named: should the step pass only now, the host is asked about it instead of less going back.
    if (same(now, quote)) return { sn, reason: given, refundFen: whole.checked ? quote.totalFen : quote.refundFen || undefined };
    [quote, reason] = [now, given];
  }
}

function question({ refundFen, keptFen, totalFen, asksHost }) {
  const amounts = { refund: money(refundFen), kept: money(keptFen), total: money(totalFen) };
  if (asksHost) return t("cancel_asks_host", amounts);
  if (keptFen === 0) return t("cancel_whole", amounts);
  return t(refundFen ? "cancel_part" : "cancel_nothing", amounts);
}

function details(quote, whole) {
  const { refundFen, keptFen, totalFen, asksHost } = quote;
  if (asksHost) return [];
  const amounts = h("dl", { class: "lines" },
    row(t("cancel_back"), money(refundFen), { class: "total", "data-testid": "refund-back" }),
    row(t("cancel_kept"), money(keptFen), { "data-testid": "refund-kept" }));
  const more = keptFen > 0 && h("label", { class: "check" }, whole, h("span", {}, t("cancel_ask_whole", { total: money(totalFen) })));
  return [amounts, policySteps(quote.steps), more].filter(Boolean);
}
