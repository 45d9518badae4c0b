import "./shell.js";
import { call, newKey } from "./api.js";
import { byId, page, t } from "./page.js";
import { ask, busy, complain, complainWithRetry, dateOf, fen, h, money, row, stateChip, timeOf, toast } from "./ui.js";
import { staySummary } from "./stay.js";

const DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail";

function show(order) {
  const state = order.tradeState;
  byId("state").replaceWith(Object.assign(stateChip(state), { id: "state" }));
  byId("state").dataset.testid = "state";
  byId("hint").textContent = hint(order);
  const reached = { "-1": 1, 0: 1, 1: 2, 2: 3, 3: 2, 4: 2 }[state];
  byId("steps").replaceChildren(...["order", "pay", "stay"].map((step, index) => h("li", { class: index < reached ? "done" : "" }, t(`step_${step}`))));
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
  byId("pay").hidden = byId("cancel").hidden = state !== 0 || order.closing;
  byId("refund").hidden = state !== 1 || order.refundOpen;
  showCode(state === 1 ? order.tradeCode : "");
  if (byId("celebrate")) byId("celebrate").hidden = ![1, 2].includes(state);
  byId("order").hidden = false;
}

function hint(order) {
  if (order.refundOpen) return t("hint_refund_open");
  if (order.closing) return t("hint_closing");
  if (order.tradeState === 0 && order.closeTime) return t("hint_0_until", { time: timeOf(order.closeTime) });
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

async function load() {
  try {
    show(await call(DETAIL, { sn: page.sn }, { as: "user" }));
  } catch (error) {
    if (error.status === 404) complain(byId("problem"), error);
    else complainWithRetry(byId("problem"), error, load);
  }
}

function onAsk(id, question, path, body, done) {
  const key = newKey();
  byId(id).addEventListener("click", async () => {
    if (!(await ask(t(question)))) return;
    byId("problem").hidden = true;
    try {
      await busy(byId(id), "", () => call(path, body, { as: "user", key }));
      toast(t(done));
    } catch (error) {
      complain(byId("problem"), error);
      byId("problem").scrollIntoView({ block: "center" });
    }
    await load();
  });
}

onAsk("cancel", "cancel_ask", "/order/v1/homestayOrder/cancelHomestayOrder", { sn: page.sn }, "cancelled");
onAsk("refund", "refund_ask", "/order/v1/homestayOrder/refundHomestayOrder", { sn: page.sn, reason: t("refund_reason") }, "refund_asked");
load();
