// A homestay as a card of a list: its picture, price and, when dates were searched, what the whole stay costs.
import { t } from "./page.js";
import { BY_PERSON } from "./states.js";
import { fen, h, money, nightsBetween, picture } from "./ui.js";

export function homestayCard(homestay, { small = false, search = null } = {}) {
  const base = fen(homestay.homestayPrice);
  const price = homestay.fromFen ?? base; // the average of the stay, when dates were searched
  const market = fen(homestay.marketHomestayPrice);
  const total = homestay.stayTotalFen ?? null;
  return h("a", { class: "card stay", href: linkTo(homestay, search), "data-testid": "homestay-card", "data-id": homestay.id },
    picture(homestay.photos?.[0]?.thumbUrl ?? homestay.banner ?? homestay.cover, ""),
    h("div", { class: "body" },
      h("h3", {}, homestay.title),
      !small && h("p", { class: "soft clamp" }, homestay.subTitle),
      h("p", { class: "price" }, perNight(homestay, price, { varies: total === null }), market > price && h("s", { class: "soft" }, money(market, { short: true }))),
      total !== null && search && h("p", { class: "stay-total", "data-testid": "stay-total" },
        t("stay_total", { amount: money(total, { short: true }), nights: nightsBetween(search.start, search.end) })),
      !small && chips(homestay)));
}

// "from" where nights have different prices: which one a stay gets, its quote says.
export function perNight(homestay, priceFen, { varies = true } = {}) {
  const unit = t(homestay.rowType === BY_PERSON ? "per_night_person" : "per_night");
  const from = varies && (homestay.weekendPriceFen ?? priceFen) !== priceFen;
  return [h("strong", { "data-testid": "price" }, money(priceFen, { short: true })), h("span", { class: "soft" }, ` ${from ? t("and_up") : ""}/${unit}`)];
}

function chips(homestay) {
  const stars = homestay.commentNum > 0 && h("span", { class: "chip stars" }, `★ ${homestay.star.toFixed(1)}`, h("small", {}, ` ${t("comment_count", { n: homestay.commentNum })}`));
  return h("p", { class: "chips" },
    homestay.city && h("span", { class: "chip place" }, homestay.city),
    h("span", { class: "chip" }, t("people_limit", { n: homestay.peopleNum })),
    h("span", { class: "chip" }, t(homestay.rowType === BY_PERSON ? "row_person" : "row_whole")),
    stars);
}

// The dates and the number of people go along.
function linkTo({ id }, search) {
  const query = new URLSearchParams();
  if (search?.start) query.set("start", search.start);
  if (search?.end) query.set("end", search.end);
  if (search?.people > 1) query.set("people", search.people);
  return `/homestays/${id}${query.size ? `?${query}` : ""}`;
}
