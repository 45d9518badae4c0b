// How an order is shown, in lists and by itself.
import { t } from "./page.js";
import { refundMark } from "./refund.js";
import { fen, h, money, picture, shortDate, stateChip } from "./ui.js";

function stayLine(order) {
  const dates = `${shortDate(order.liveStartDate)} – ${shortDate(order.liveEndDate)}`;
  const size = t("nights_people", { nights: order.nights, people: order.livePeopleNum });
  return h("p", { class: "small pieces" }, h("span", {}, dates), " ", h("span", {}, size));
}

export function staySummary(order, { id } = {}) {
  return h("div", { class: "summary" },
    picture(order.cover, "", { class: "thumb" }),
    h("div", {}, h("p", { id, class: "name" }, order.title), h("p", { class: "soft small" }, order.subTitle ?? ""), stayLine(order)));
}

export function orderItem(order, { href, extra = [] } = {}) {
  const inside = [
    h("p", { class: "marks" }, stateChip(order), refundMark(order)),
    staySummary(order),
    ...extra,
    h("p", { class: "row apart" }, h("small", { class: "soft mono" }, order.sn), h("strong", { class: "money" }, money(fen(order.orderTotalPrice)))),
  ];
  return h("li", { "data-testid": "order-item", "data-sn": order.sn }, href ? h("a", { class: "card item", href }, inside) : h("div", { class: "card item" }, inside));
}
