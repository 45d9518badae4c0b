// What happened to an order, oldest first, as the order service tells it.
import { t } from "./page.js";
import { h, money, timeOf } from "./ui.js";

const EVENTS = {
  created: "event_created",
  paid: "event_paid",
  "closed-buyer": "event_closed_buyer",
  "closed-unpaid": "event_closed_unpaid",
  "checked-in": "event_checked_in",
  "not-used": "event_not_used",
  cancelled: "event_cancelled",
  refunded: "event_cancelled",
  "refund-requested": "event_refund_requested",
  "refund-returned": "event_refund_returned",
  "refund-failed": "event_refund_failed",
};

const titleOf = ({ cause, state, refundFen }) => (cause in EVENTS ? t(EVENTS[cause], { amount: money(refundFen ?? 0) }) : t(`state_${state}`));

export function timeline(entries = []) {
  if (!entries.length) return [];
  const list = entries.map((entry) => h("li", { "data-cause": entry.cause }, h("span", {}, titleOf(entry)), h("time", { class: "soft small", datetime: new Date(entry.at * 1000).toISOString() }, timeOf(entry.at))));
  return [h("h2", {}, t("timeline_heading")), h("ol", { class: "timeline", "data-testid": "timeline" }, list)];
}
