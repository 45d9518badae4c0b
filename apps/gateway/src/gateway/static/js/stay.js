// How an order is shown, in lists and by itself.
import { t } from "./page.js";
import { fen, h, money, picture, shortDate, stateChip } from "./ui.js";

export function stayLine(order) {
  const dates = `${shortDate(order.liveStartDate)} – ${shortDate(order.liveEndDate)}`;
  return `${dates} · ${t("nights_people", { nights: order.nights, people: order.livePeopleNum })}`;
}

export function staySummary(order) {
  return h("div", { class: "summary" },
    picture(order.cover, "", { class: "thumb" }),
    h("div", {}, h("h3", {}, order.title), h("p", { class: "soft small" }, order.subTitle ?? ""), h("p", { class: "small" }, stayLine(order))));
}

export function orderItem(order, { href, extra = [] } = {}) {
  const inside = [
    h("div", { class: "row apart" }, h("small", { class: "soft mono" }, order.sn), stateChip(order.tradeState)),
    staySummary(order),
    h("div", { class: "row apart" }, h("div", {}, extra), h("strong", { class: "money" }, money(fen(order.orderTotalPrice)))),
  ];
  return h("li", { "data-testid": "order-item", "data-sn": order.sn }, href ? h("a", { class: "card item", href }, inside) : h("div", { class: "card item" }, inside));
}
