// Amounts that a host gives back: of a request, or more later out of what was kept.
import { newKey } from "./api.js";
import { ask as confirm } from "./ask.js";
import { fenOf, yuanOf } from "./host_forms.js";
import { ask } from "./host_shell.js";
import { t } from "./page.js";
import { WAIT_USE } from "./states.js";
import { busy, complain, h, money, toast } from "./ui.js";

const LONGEST_AMOUNT = 10;

// Asks for an amount, in yuan, from `leastFen` to `mostFen`; resolves to fen, or to null when the host thinks better of it or
// typed no such amount, which `problem` then says.
export async function askAmount(words, yes, { leastFen, mostFen, valueFen = mostFen, problem }) {
  const label = t("amount_between", { least: money(leastFen), most: money(mostFen) });
  const typed = await confirm(words, yes, { label, most: LONGEST_AMOUNT, value: yuanOf(valueFen), needed: t("amount_needed") });
  if (typed === null) return null;
  try {
    const amountFen = fenOf(typed, "refundFen");
    if (amountFen >= leastFen && amountFen <= mostFen) return amountFen;
    complain(problem, { message: label });
  } catch (error) {
    complain(problem, error);
  }
  return null;
}

// What the row of an order gains once a part of it went back or can: how it was split, and a button to give more.
export function moreRefund(order, again) {
  if (order.tradeState <= WAIT_USE || order.keptFen <= 0) return [];
  const problem = h("p", { class: "note bad", role: "alert", hidden: true });
  const button = h("button", { type: "button", class: "link touch", "data-testid": "refund-more", onclick: give }, t("refund_more"));
  const split = order.refundedFen > 0 ? t("refund_split", { back: money(order.refundedFen), kept: money(order.keptFen) }) : "";
  const key = newKey(); // a row that changes is drawn anew, with another key
  return [h("div", { class: "row apart" }, h("span", { class: "small", "data-testid": "split" }, split), button), problem];

  async function give() {
    problem.hidden = true;
    const refundFen = await askAmount(t("refund_more_ask"), t("refund_more"), { leastFen: 1, mostFen: order.keptFen, problem });
    if (refundFen === null) return;
    try {
      await busy(button, t("decide_busy"), () => ask("/order/v1/merchant/refundMore", { sn: order.sn, refundFen, note: "" }, { key: `${key}${refundFen}` }));
      toast(t("decide_agreed", { amount: money(refundFen) }));
    } catch (error) {
      complain(problem, error);
    }
    again();
  }
}
