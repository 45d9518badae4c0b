import "./shell.js";
import { call } from "./api.js";
import { ask } from "./ask.js";
import { askToCancel } from "./cancel.js";
import { byId, page, t } from "./page.js";
import { policyCard } from "./policy.js";
import { nightLines, totals } from "./quote.js";
import { refundOf, refundStory } from "./refund.js";
import { CANCELLED, REFUNDED, USED, WAIT_PAY, WAIT_USE } from "./states.js";
import { staySummary } from "./stay.js";
import { timeline } from "./timeline.js";
import { busy, complain, complainWithRetry, dateOf, fen, h, row, stateChip, timeOf, toast } from "./ui.js";
import { watch } from "./watch.js";

const DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail";
let shown = null;
let round = 0;
let reason = "";

function show(order) {
  if (JSON.stringify(order) === JSON.stringify(shown)) return; // nothing new: the reader is not disturbed
  shown = order;
  const state = order.tradeState;
  byId("state").replaceWith(Object.assign(stateChip(order), { id: "state" }));
  byId("state").dataset.testid = "state";
  byId("hint").textContent = hint(order);
  byId("steps").hidden = state === CANCELLED || state >= REFUNDED;
  byId("steps").replaceChildren(...["order", "pay", "stay"].map((step, index) => h("li", { class: index <= state ? "done" : "" }, t(`step_${step}`))));
  byId("stay").replaceChildren(h("a", { href: `/homestays/${order.homestayId}`, class: "plain" }, staySummary(order)));
  const sums = { homestayTotalFen: fen(order.homestayTotalPrice), foodTotalFen: fen(order.foodTotalPrice), orderTotalFen: order.orderTotalFen };
  byId("fees").replaceChildren(nightLines(order.lines), totals(sums, "total"));
  fill("policy-card", [WAIT_PAY, WAIT_USE].includes(state) ? policyCard(order.cancelPolicy, order.refundSteps) : []);
  fill("timeline-card", timeline(order.timeline));
  byId("info").replaceChildren(...about(order));
  byId("pay").hidden = byId("cancel").hidden = state !== WAIT_PAY || order.closing;
  byId("refund").hidden = state !== WAIT_USE || order.refundOpen;
  byId("refund").textContent = t(refundOf(order) ? "refund_again" : "cancel_booking");
  fill("refund-card", refundStory(order));
  showCode(state === WAIT_USE && !order.refundOpen ? order.tradeCode : "");
  if (byId("celebrate")) {
    byId("celebrate").hidden = ![WAIT_USE, USED].includes(state) || Boolean(refundOf(order));
    byId("heading").hidden = !byId("celebrate").hidden;
  }
  byId("order").hidden = false;
}

function fill(id, content) {
  byId(id).replaceChildren(...content);
  byId(id).hidden = content.length === 0;
}

function about(order) {
  const wechat = !order.payType || order.payType === "WECHAT_PAY" ? t("pay_wechat") : order.payType;
  return [
    ...row(t("field_sn"), order.sn, { class: "mono", "data-testid": "sn" }),
    ...row(t("field_stay"), `${dateOf(order.liveStartDate)} – ${dateOf(order.liveEndDate)}`),
    ...row(t("field_people"), String(order.livePeopleNum)),
    ...row(t("field_food"), t(order.needFood ? "yes" : "no")),
    ...(order.remark ? row(t("field_remark"), order.remark) : []),
    ...row(t("field_created"), timeOf(order.createTime)),
    ...(timeOf(order.payTime) ? [...row(t("field_paid"), timeOf(order.payTime)), ...row(t("field_pay_type"), wechat)] : []),
  ];
}

function hint(order) {
  if (order.refundOpen) return t(order.refundState === "asked" ? "hint_refund_asked" : "hint_refund_agreed");
  if (order.closing) return t("hint_closing");
  if (order.tradeState === WAIT_PAY && order.closeTime) return t("hint_0_until", { time: timeOf(order.closeTime) });
  if (order.tradeState === REFUNDED && order.refundedFen === 0) return t("hint_3_nothing");
  return t(`hint_${order.tradeState}`);
}

async function showCode(code) {
  byId("code-card").hidden = !code;
  if (!code || byId("code").textContent === code) return;
  byId("code").textContent = code;
  const answer = await fetch("/storefront/qr", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: code }),
  }).catch(() => null);
  if (!answer?.ok) return; // the code in letters is enough
  byId("qr").src = URL.createObjectURL(await answer.blob());
  byId("qr").hidden = false;
}

// Loads the order's newest state; returns whether it will change. A response that was overtaken, by a later one or by what
// the reader did, is not shown, and a failure only where there is nothing to show.
async function look() {
  const mine = (round += 1);
  try {
    const order = await call(DETAIL, { sn: page.sn }, { as: "user" });
    if (mine === round) show(order);
  } catch (error) {
    if (mine === round && !shown) {
      if (error.status === 404) complain(byId("problem"), error);
      else complainWithRetry(byId("problem"), error, again);
    }
  }
  return Boolean(shown?.closing || shown?.refundOpen);
}

// `question` resolves to the request's body, or to null when the reader thinks better of it.
function onAsk(id, path, question, said) {
  byId(id).addEventListener("click", async () => {
    byId("problem").hidden = true;
    try {
      const body = await question();
      if (body === null) return;
      const answer = await busy(byId(id), "", () => call(path, body, { as: "user" }));
      round += 1; // what was asked for before this is old by now
      show({ ...shown, ...answer });
      toast(said(answer));
    } catch (error) {
      complain(byId("problem"), error);
      byId("problem").scrollIntoView({ block: "center" });
    }
    await again();
  });
}

onAsk("cancel", "/order/v1/homestayOrder/cancelHomestayOrder",
  async () => ((await ask(t("cancel_ask"), t("cancel_yes"))) === null ? null : { sn: page.sn }),
  (answer) => t(answer.closing ? "hint_closing" : "cancelled"));
onAsk("refund", "/order/v1/homestayOrder/refundHomestayOrder",
  async () => {
    const body = await askToCancel(byId("refund"), page.sn, reason);
    reason = body?.reason ?? reason;
    return body;
  },
  (answer) => t(answer.tradeState === REFUNDED ? "cancelled" : answer.refundState === "agreed" ? "refund_agreed" : "refund_asked"));

const again = watch(look);
