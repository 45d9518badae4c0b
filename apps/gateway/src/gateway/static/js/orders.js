import "./shell.js";
import { filters } from "./order_states.js";
import { Listing } from "./list.js";
import { orderItem } from "./stay.js";
import { watch } from "./watch.js";

const orders = new Listing("orders", "/order/v1/homestayOrder/userHomestayOrderList", (order) => orderItem(order, { href: `/orders/${order.sn}` }));
filters(orders);
watch(async () => {
  await orders.look();
  return orders.orders.some((order) => order.closing || order.refundOpen);
});
