// How an order is shown, in lists and by itself.
import { t } from "./page.js";
import { dateOf, fen, h, money, nightsBetween, picture, shortDate, stateChip } from "./ui.js";

export function nightsOf(order) {
  return nightsBetween(dateOf(order.liveStartDate), dateOf(order.liveEndDate));
}

export function stayLine(order) {
  const nights = nightsOf(order);
  const dates = order.liveStartDate ? `${shortDate(order.liveStartDate)} – ${shortDate(order.liveEndDate)}` : "";
  const size = nights > 0 ? t(order.livePeopleNum ? "nights_people" : "nights", { n: nights, nights, people: order.livePeopleNum }) : "";
  return [dates, size].filter(Boolean).join(" · ");
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
