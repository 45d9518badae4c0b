import "./shell.js";
import { Refusal, call } from "./api.js";
import { decisions } from "./decisions.js";
import { filters } from "./filters.js";
import { byId, t } from "./page.js";
import { refundOf } from "./refund.js";
import { busy, complain, h } from "./ui.js";
import { Listing } from "./list.js";
import { orderItem } from "./stay.js";
import { watch } from "./watch.js";

const ORDER_LIST = "/order/v1/merchant/orderList";
const remark = (order) => (order.remark ? [h("p", { class: "soft small" }, `${t("field_remark")} · ${order.remark}`)] : []);
const orders = new Listing("orders", ORDER_LIST, (order) => orderItem(order, { extra: remark(order) }), { forbidden });
const waiting = decisions(ORDER_LIST, { again: () => again(), forbidden });
filters(orders);

function forbidden() {
  byId("desk").hidden = true;
  complain(byId("problem"), new Refusal(t("merchant_only")));
}

byId("verify").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = byId("code");
  const tradeCode = input.value.replace(/\s/g, "").toUpperCase();
  byId("verify-problem").hidden = byId("verify-done").hidden = true;
  input.removeAttribute("aria-invalid");
  try {
    if (!tradeCode) throw new Refusal(t("verify_empty"));
    const order = await busy(byId("verify-button"), "", () => call("/order/v1/merchant/verifyTradeCode", { tradeCode }, { as: "user" }));
    byId("verify-done").textContent = t("verify_order", order);
    byId("verify-done").hidden = false;
    input.value = "";
    again();
  } catch (error) {
    complain(byId("verify-problem"), error);
    input.setAttribute("aria-invalid", "true");
    input.select();
  }
});

const underWay = (order) => refundOf(order) === "agreed" && order.refundOpen;

const again = watch(async () => {
  await Promise.all([waiting.look(), orders.look()]);
  return orders.orders.some(underWay);
});
byId("refresh").addEventListener("click", () => {
  waiting.look();
  orders.restart();
});
