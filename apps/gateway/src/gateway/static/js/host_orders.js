import { decisions } from "./host_decisions.js";
import { filters } from "./filters.js";
import { moreRefund } from "./host_refund.js";
import { hostOnly, hostProblem } from "./host_shell.js";
import { Listing } from "./list.js";
import { byId, t } from "./page.js";
import { refundOf } from "./refund.js";
import { orderItem } from "./stay.js";
import { h } from "./ui.js";
import { watch } from "./watch.js";

const ORDER_LIST = "/order/v1/merchant/orderList";

await hostOnly();

const remark = (order) => (order.remark ? [h("p", { class: "soft small" }, `${t("field_remark")} · ${order.remark}`)] : []);
const orders = new Listing("orders", ORDER_LIST, (order) => orderItem(order, { extra: [...remark(order), ...moreRefund(order, () => again())] }), { forbidden });
const waiting = decisions(ORDER_LIST, { again: () => again(), forbidden });
filters(orders);

function forbidden(error) {
  byId("desk").hidden = true;
  hostProblem(error);
}

const underWay = (order) => refundOf(order) === "agreed" && order.refundOpen;

const again = watch(async () => {
  await Promise.all([waiting.look(), orders.look()]);
  return orders.orders.some(underWay);
});
byId("refresh").addEventListener("click", () => {
  waiting.look();
  orders.restart();
});
