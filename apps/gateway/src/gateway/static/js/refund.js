// How a refund is shown. Only what the order says counts: asked, agreed, refused, and refunded once the money is back.
import { t } from "./page.js";
import { REFUNDED, WAIT_USE } from "./states.js";
import { fen, h, money, row, timeOf } from "./ui.js";

const STATES = {
  asked: { is: "refund_is_asked", text: "refund_text_asked", step: 1 },
  agreed: { is: "refund_is_agreed", text: "refund_text_agreed", step: 2 },
  refused: { is: "refund_is_refused", text: "refund_text_refused" },
  failed: { is: "refund_is_failed", text: "refund_text_failed" },
  refunded: { is: "refund_is_refunded", text: "refund_text_refunded", step: 3 },
};
const ON_THE_WAY = ["asked", "agreed"]; // of a request: money may also go back without one
const ENDED = ["refused", "failed"]; // without the money; it may be asked for again while the stay is to come
const STEPS = ["step_refund_ask", "step_refund_agree", "step_refund_back"];

// The refund's state, or "" for an order that has none to show.
export function refundOf(order) {
  if (order.tradeState === REFUNDED) return "refunded";
  return order.refundState in STATES ? order.refundState : "";
}

export const refundChip = (state) => h("span", { class: `state refund ${state}`, "data-refund": state }, t(STATES[state].is));

// Beside the order's own state, which says "refunded" by itself.
export const refundMark = (order) => (["", "refunded"].includes(refundOf(order)) ? "" : refundChip(refundOf(order)));

export const quote = (heading, words) => h("figure", { class: "quote" }, h("figcaption", {}, heading), h("blockquote", {}, words));

// What has come back; before that, what the request is for.
const refundFen = (order) => (order.tradeState === REFUNDED ? order.refundedFen : order.refundFen) ?? fen(order.orderTotalPrice);

export function refundLines(order, more = []) {
  return h("dl", { class: "lines facts" },
    ...row(t("refund_amount"), money(refundFen(order)), { class: "total", "data-testid": "refund-amount" }),
    ...(order.tradeState === REFUNDED && order.keptFen > 0 ? row(t("cancel_kept"), money(order.keptFen), { "data-testid": "kept-amount" }) : []),
    ...(order.refundAskTime ? row(t("refund_asked_at"), timeOf(order.refundAskTime)) : []),
    ...(order.refundTime ? row(t("refund_back_at"), timeOf(order.refundTime), { "data-testid": "refund-time" }) : []),
    ...more);
}

function steps(reached) {
  return h("ol", { class: "steps" }, STEPS.map((step, index) => h("li", { class: index < reached ? "done" : "", "aria-current": index === reached - 1 && "step" }, t(step))));
}

// What the buyer reads of it.
export function refundStory(order) {
  const state = refundOf(order);
  if (!state) return [];
  const { text, step } = STATES[state];
  return [
    h("h2", { class: "row apart" }, t("refund_heading"), refundChip(state)),
    h("p", { class: "soft", "data-testid": "refund-text" }, t(refundFen(order) ? text : "refund_text_nothing"), ENDED.includes(state) && order.tradeState === WAIT_USE ? ` ${t("refund_text_again")}` : ""),
    step && ON_THE_WAY.includes(order.refundState) ? steps(step) : "",
    order.refundNote ? quote(t("refund_note"), h("span", { "data-testid": "refund-note" }, order.refundNote)) : "",
    order.refundReason ? quote(t("refund_my_reason"), order.refundReason) : "",
    ENDED.includes(state) ? "" : refundLines(order),
  ];
}
