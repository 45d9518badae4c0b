// How a host's own homestay is shown.
import { t } from "./page.js";
import { h } from "./ui.js";

export const saleChip = ({ onSale }) =>
  h("span", { class: `state ${onSale ? "s1" : ""}`, "data-sale": String(onSale) }, t(onSale ? "on_sale" : "off_sale"));

export const coverOf = (homestay) => homestay.photos?.[0]?.thumbUrl ?? homestay.banner;
