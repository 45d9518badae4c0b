// Refund requests that wait for the merchant's decision: agreed to, or refused with a note that the buyer reads.
import { call } from "./api.js";
import { ask } from "./ask.js";
import { askAmount } from "./host_refund.js";
import { Listing } from "./list.js";
import { byId, t } from "./page.js";
import { quote } from "./refund.js";
import { staySummary } from "./stay.js";
import { busy, complain, h, money, row, timeOf } from "./ui.js";

const DECIDE = "/order/v1/merchant/refundDecision";
const LONGEST_NOTE = 256;

// `again` reloads the lists after each decision: made here, or refused because it was made elsewhere.
export function decisions(orderList, { again, forbidden }) {
  const notes = new Map(); // what was typed and could not be sent is not typed again
  const waiting = new Listing("refunds", orderList, request, { changed: count, forbidden });
  waiting.filter = { refundState: "asked" };

  function count() {
    const n = waiting.rows.length;
    byId("refunds-count").textContent = waiting.hasMore ? `${n}+` : String(n);
    byId("refunds-count").hidden = n === 0;
  }

  function request(order) {
    const problem = h("p", { class: "note bad", role: "alert", hidden: true });
    const about = { type: "button", "aria-describedby": `title-${order.sn}` };
    const buttons = {
      refuse: h("button", { ...about, class: "button plain", "data-testid": "refuse", onclick: () => refuse() }, t("decide_refuse")),
      agree: h("button", { ...about, class: "button", "data-testid": "agree", onclick: () => agree() }, t("decide_agree")),
    };
    const item = h("li", { class: "card item", "data-testid": "refund-request", "data-sn": order.sn },
      staySummary(order, { id: `title-${order.sn}` }),
      quote(t("decide_reason"), order.refundReason || t("decide_no_reason")),
      h("dl", { class: "lines facts" },
        ...row(t("refund_wanted"), money(order.refundFen), { class: "total", "data-testid": "refund-amount" }),
        ...row(t("order_amount"), money(order.orderTotalFen)),
        ...row(t("refund_least"), money(order.refundLeastFen), { "data-testid": "refund-least" }),
        ...row(t("refund_asked_at"), timeOf(order.refundAskTime)),
        ...row(t("field_sn"), order.sn, { class: "mono" })),
      problem,
      h("div", { class: "pair" }, Object.values(buttons)));

    // At least the policy's share; the host may give more, up to all of it. Filled in is what the guest asks for.
    async function agree() {
      problem.hidden = true;
      const leastFen = Math.max(1, order.refundLeastFen);
      const words = t("decide_agree_ask", { amount: money(order.orderTotalFen), least: money(order.refundLeastFen) });
      const refundFen = await askAmount(words, t("decide_agree"), { leastFen, mostFen: order.orderTotalFen, valueFen: order.refundFen, problem });
      if (refundFen !== null) await say(buttons.agree, { agree: true, note: "", refundFen }, t("decide_agreed", { amount: money(refundFen) }));
    }

    async function refuse() {
      const field = { label: t("decide_note"), most: LONGEST_NOTE, value: notes.get(order.sn), needed: t("decide_note_needed") };
      const note = await ask(t("decide_refuse_ask"), t("decide_refuse"), field);
      if (note === null) return;
      notes.set(order.sn, note);
      await say(buttons.refuse, { agree: false, note }, t("decide_refused"));
    }

    async function say(button, decision, done) {
      problem.hidden = byId("refunds-problem").hidden = byId("refunds-done").hidden = true;
      for (const each of Object.values(buttons)) each.disabled = true;
      try {
        await busy(button, t("decide_busy"), () => call(DECIDE, { sn: order.sn, ...decision }, { as: "user" }));
        waiting.drop(order.sn);
        byId("refunds-done").textContent = done;
        byId("refunds-done").hidden = false;
      } catch (error) {
        complain(problem, error);
      }
      for (const each of Object.values(buttons)) each.disabled = false;
      await again();
      if (!item.isConnected) leave(problem);
    }

    return item;
  }

  // The card is gone, and the focus with it: on to what comes next. What could not be done is still said.
  function leave(problem) {
    if (!problem.hidden) {
      byId("refunds-problem").replaceChildren(...problem.childNodes);
      byId("refunds-problem").hidden = false;
    }
    byId("refunds-heading").focus();
  }

  return waiting;
}
