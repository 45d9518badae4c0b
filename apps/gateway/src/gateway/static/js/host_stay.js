// How a host's own homestay is shown.
import { t } from "./page.js";
import { h } from "./ui.js";

export const ON_SALE = 1; // rowState

export const isOnSale = (homestay) => homestay.rowState === ON_SALE;

export function saleChip(homestay) {
  const state = isOnSale(homestay) ? "on_sale" : "off_sale";
  return h("span", { class: `state ${isOnSale(homestay) ? "s1" : ""}`, "data-sale": String(isOnSale(homestay)) }, t(state));
}

export const coverOf = (homestay) => homestay.photos?.[0]?.thumbUrl ?? homestay.banner;
