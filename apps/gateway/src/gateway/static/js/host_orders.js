import { decisions } from "./host_decisions.js";
import { filters } from "./order_states.js";
import { moreRefund } from "./host_refund.js";
import { hostOnly, hostProblem } from "./host_shell.js";
import { Listing } from "./list.js";
import { byId, t } from "./page.js";
import { refundOf } from "./refund.js";
import { orderItem } from "./stay.js";
import { h } from "./ui.js";
import { watch } from "./watch.js";

const ORDER_LIST = "/order/v1/merchant/orderList";
const MOST_WAITED_MS = 60000;
let gaveAt = 0;

await hostOnly();

const remark = (order) => (order.remark ? [h("p", { class: "soft small" }, `${t("field_remark")} · ${order.remark}`)] : []);
const orders = new Listing("orders", ORDER_LIST, (order) => orderItem(order, { extra: [...remark(order), ...moreRefund(order, gaveMore)] }), { forbidden });
const waiting = decisions(ORDER_LIST, { again: () => again(), forbidden });
filters(orders);

function forbidden(error) {
  byId("desk").hidden = true;
  hostProblem(error);
}

// WeChat needs some seconds to give it back.
function gaveMore() {
  gaveAt = Date.now();
  again();
}

const underWay = (order) => refundOf(order) === "agreed" && order.refundOpen;

const again = watch(async () => {
  await Promise.all([waiting.look(), orders.look()]);
  return orders.orders.some(underWay) || Date.now() - gaveAt < MOST_WAITED_MS;
});
byId("refresh").addEventListener("click", () => {
  waiting.look();
  orders.restart();
});
