import "./shell.js";
import { call } from "./api.js";
import { ask } from "./ask.js";
import { byId, page, t } from "./page.js";
import { refundOf, refundStory } from "./refund.js";
import { CANCELLED, REFUNDED, USED, WAIT_PAY, WAIT_USE } from "./states.js";
import { staySummary } from "./stay.js";
import { busy, complain, complainWithRetry, dateOf, fen, h, money, row, stateChip, timeOf, toast } from "./ui.js";
import { watch } from "./watch.js";

const DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail";
let shown = null;
let round = 0;
let reason = "";

function show(order) {
  if (JSON.stringify(order) === JSON.stringify(shown)) return; // whoever reads is not disturbed
  shown = order;
  const state = order.tradeState;
  byId("state").replaceWith(Object.assign(stateChip(state), { id: "state" }));
  byId("state").dataset.testid = "state";
  byId("hint").textContent = hint(order);
  byId("steps").hidden = state === CANCELLED || state >= REFUNDED;
  byId("steps").replaceChildren(...["order", "pay", "stay"].map((step, index) => h("li", { class: index <= state ? "done" : "" }, t(`step_${step}`))));
  byId("stay").replaceChildren(h("a", { href: `/homestays/${order.homestayId}`, class: "plain" }, staySummary(order)));
  byId("fees").replaceChildren(
    ...row(t("room_total"), money(fen(order.homestayTotalPrice))),
    ...(fen(order.foodTotalPrice) ? row(t("food_total"), money(fen(order.foodTotalPrice))) : []),
    ...row(t("total"), money(fen(order.orderTotalPrice)), { class: "total", "data-testid": "total" }),
  );
  const wechat = !order.payType || order.payType === "WECHAT_PAY" ? t("pay_wechat") : order.payType;
  byId("info").replaceChildren(
    ...row(t("field_sn"), order.sn, { class: "mono", "data-testid": "sn" }),
    ...row(t("field_stay"), `${dateOf(order.liveStartDate)} – ${dateOf(order.liveEndDate)}`),
    ...row(t("field_people"), String(order.livePeopleNum)),
    ...row(t("field_food"), t(order.needFood ? "yes" : "no")),
    ...(order.remark ? row(t("field_remark"), order.remark) : []),
    ...row(t("field_created"), timeOf(order.createTime)),
    ...(timeOf(order.payTime) ? [...row(t("field_paid"), timeOf(order.payTime)), ...row(t("field_pay_type"), wechat)] : []),
  );
  byId("pay").hidden = byId("cancel").hidden = state !== WAIT_PAY || order.closing;
  byId("refund").hidden = state !== WAIT_USE || order.refundOpen;
  byId("refund").textContent = t(refundOf(order) ? "refund_again" : "refund_order");
  byId("refund-card").replaceChildren(...refundStory(order));
  byId("refund-card").hidden = !refundOf(order);
  showCode(state === WAIT_USE && !order.refundOpen ? order.tradeCode : "");
  if (byId("celebrate")) {
    byId("celebrate").hidden = ![WAIT_USE, USED].includes(state) || Boolean(refundOf(order));
    byId("heading").hidden = !byId("celebrate").hidden;
  }
  byId("order").hidden = false;
}

function hint(order) {
  if (order.refundOpen) return t(order.refundState === "asked" ? "hint_refund_asked" : "hint_refund_agreed");
  if (order.closing) return t("hint_closing");
  if (order.tradeState === WAIT_PAY && order.closeTime) return t("hint_0_until", { time: timeOf(order.closeTime) });
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

function onAsk(id, path, question, body, said) {
  byId(id).addEventListener("click", async () => {
    const words = await question();
    if (words === null) return;
    byId("problem").hidden = true;
    try {
      const answer = await busy(byId(id), "", () => call(path, body(words), { as: "user" }));
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

onAsk("cancel", "/order/v1/homestayOrder/cancelHomestayOrder", () => ask(t("cancel_ask"), t("cancel_yes")), () => ({ sn: page.sn }),
  (answer) => t(answer.closing ? "hint_closing" : "cancelled"));
onAsk("refund", "/order/v1/homestayOrder/refundHomestayOrder",
  () => ask(t("refund_ask"), t("refund_yes"), { label: t("refund_reason"), most: 80, value: reason }),
  (words) => ({ sn: page.sn, reason: (reason = words) }),
  (answer) => t(answer.refundState === "agreed" ? "refund_agreed" : "refund_asked"));

const again = watch(look);
