import "./shell.js";
import { byId, t } from "./page.js";
import { h } from "./ui.js";
import { Listing } from "./list.js";
import { orderItem } from "./stay.js";

const orders = new Listing("/order/v1/homestayOrder/userHomestayOrderList", (order) => orderItem(order, { href: `/orders/${order.sn}` }));

byId("filters").append(...[0, 1, 2, 3, 4, -1].map((state) => h("button", { type: "button", "data-state": state, "aria-pressed": "false" }, t(`state_${state}`))));
byId("filters").addEventListener("click", ({ target }) => {
  if (!target.dataset.state) return;
  for (const button of byId("filters").children) button.setAttribute("aria-pressed", String(button === target));
  orders.restart({ tradeState: Number(target.dataset.state) });
});
orders.restart({ tradeState: -99 });
