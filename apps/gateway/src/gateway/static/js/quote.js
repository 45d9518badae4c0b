// What a stay costs, night by night, and what comes back when it is cancelled. All amounts are the order service's.
import { t } from "./page.js";
import { policyCard } from "./policy.js";
import { h, money, row, shortDate } from "./ui.js";

const MANY = 6; // more lines than these are folded

// `lines`: [{night, homestayFen, foodFen}] of a quote or of an order.
export function nightLines(lines = []) {
  if (!lines.length) return "";
  const list = h("dl", { class: "lines nights", "data-testid": "nights" }, lines.flatMap(({ night, homestayFen, foodFen }) => {
    const food = foodFen > 0 && h("small", { class: "soft" }, t("night_food", { amount: money(foodFen) }));
    return row(shortDate(night), [money(homestayFen), food && " ", food], { "data-night": night });
  }));
  return h("details", { open: lines.length <= MANY }, h("summary", {}, t("night_lines", { n: lines.length })), list);
}

export function totals({ homestayTotalFen, foodTotalFen, orderTotalFen }, testid) {
  const food = foodTotalFen > 0 ? row(t("food_total"), money(foodTotalFen)) : [];
  return h("dl", { class: "lines" }, row(t("room_total"), money(homestayTotalFen)), food, row(t("total"), money(orderTotalFen), { class: "total", "data-testid": testid }));
}

export function quoteLines(quote) {
  return [nightLines(quote.nights), totals(quote, "estimate"), h("section", { class: "terms" }, policyCard(quote.cancelPolicy, quote.refundSteps))];
}

// Other stays of the same length that are free, as buttons; `take(start, end)` moves the dates there.
export function nearestStays(stays = [], take) {
  if (!stays.length) return [];
  const button = ({ start, end }) => h("button", { type: "button", class: "button plain", "data-testid": "nearest", "data-start": start, onclick: () => take(start, end) },
    `${shortDate(start)} – ${shortDate(end)}`);
  return [h("p", { class: "small" }, t("nearest")), h("div", { class: "choices" }, stays.map(button))];
}
