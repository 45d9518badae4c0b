import "./shell.js";
import { Refusal, call } from "./api.js";
import { byId, t } from "./page.js";
import { busy, complain, h } from "./ui.js";
import { Listing } from "./list.js";
import { orderItem } from "./stay.js";

const orders = new Listing("/order/v1/merchant/orderList", (order) => orderItem(order, { extra: order.remark ? [h("small", { class: "soft" }, order.remark)] : [] }));

async function load() {
  try {
    await orders.restart({ tradeState: -99 });
  } catch (error) {
    byId("verify").hidden = true;
    complain(byId("problem"), error.status === 403 ? new Refusal(t("merchant_only")) : error);
  }
}

byId("verify").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = byId("code");
  const tradeCode = input.value.replace(/\s/g, "").toUpperCase();
  byId("verify-problem").hidden = byId("verify-done").hidden = true;
  try {
    if (!tradeCode) throw new Refusal(t("verify_empty"));
    const order = await busy(document.querySelector("[data-testid=verify-button]"), "", () => call("/order/v1/merchant/verifyTradeCode", { tradeCode }, { as: "user" }));
    byId("verify-done").textContent = order.sn ? t("verify_order", { sn: order.sn }) : t("verify_done");
    byId("verify-done").hidden = false;
    input.value = "";
    load();
  } catch (error) {
    complain(byId("verify-problem"), error);
    input.select();
  }
});
byId("refresh").addEventListener("click", load);
load();
