import { ask as confirm } from "./ask.js";
import { HOMESTAY, hostApi, hostOnly, load } from "./host_shell.js";
import { saleChip } from "./host_stay.js";
import { byId, t } from "./page.js";
import { BY_PERSON } from "./states.js";
import { busy, complain, h, money, picture, row, toast } from "./ui.js";

let shown = null;

await hostOnly();

async function look() {
  show((await hostApi("homestayDetail", { id: HOMESTAY })).homestay);
}

function show(homestay) {
  shown = homestay;
  document.title = `${homestay.title} · ${document.title.split(" · ").pop()}`;
  const { onSale } = homestay;
  byId("sale").replaceWith(Object.assign(saleChip(homestay), { id: "sale" }));
  byId("sale").dataset.testid = "sale";
  byId("sale-hint").textContent = t(onSale ? "on_sale_hint" : "off_sale_hint");
  byId("toggle").textContent = t(onSale ? "take_off_sale" : "put_on_sale");
  byId("toggle").classList.toggle("plain", onSale);
  byId("public").hidden = !onSale;
  preview(homestay);
  byId("homestay").hidden = false;
}

// As guests see it, also before they can.
function preview(homestay) {
  const photos = homestay.photos ?? [];
  byId("gallery").replaceChildren(
    ...(photos.length
      ? photos.map(({ url, width, height }, index) => h("img", { src: url, width, height, alt: t("photo_n", { n: index + 1 }), loading: "lazy" }))
      : [homestay.banner ? picture(homestay.banner, "") : h("a", { class: "no-photo", href: `/host/homestays/${HOMESTAY}/photos` }, t("no_photo_yet"))]));
  byId("title").textContent = homestay.title;
  byId("subtitle").textContent = homestay.subTitle;
  const per = t(homestay.rowType === BY_PERSON ? "per_night_person" : "per_night");
  byId("price").replaceChildren(h("strong", {}, money(homestay.homestayPriceFen, { short: true })), h("span", { class: "soft" }, ` /${per}`));
  byId("facts").replaceChildren(
    ...[homestay.city, t(homestay.rowType === BY_PERSON ? "row_person" : "row_whole"), t("people_limit", { n: homestay.peopleNum })]
      .filter(Boolean).map((words) => h("span", { class: "chip" }, words)));
  byId("info").textContent = homestay.info;
  byId("rules").replaceChildren(
    ...(homestay.weekendPriceFen === null ? [] : row(t("rule_weekend"), money(homestay.weekendPriceFen, { short: true }))),
    ...row(t("rule_stock"), String(homestay.stock)),
    ...row(t("rule_nights"), t("nights_from_to", { from: homestay.minNights, to: homestay.maxNights })),
    ...row(t("rule_ahead"), t("n_days", { n: homestay.daysAhead })),
    ...row(t("rule_food"), homestay.foodPriceFen ? t("food_price", { info: homestay.foodInfo, price: money(homestay.foodPriceFen, { short: true }) }) : t("no_food")),
    ...row(t("rule_policy"), t(`policy_${homestay.cancelPolicy}`)));
}

// What it needs to be on sale, each with the page where it is said.
function missing(names) {
  const page = (name) => (name === "shop" ? "/host/shop" : name === "photos" ? `/host/homestays/${HOMESTAY}/photos` : `/host/homestays/${HOMESTAY}/edit#${name}`);
  return h("ul", {}, names.map((name) => h("li", {}, h("a", { class: "touch", href: page(name) }, t(`member_${name}`)))));
}

byId("toggle").addEventListener("click", async () => {
  const onSale = !shown.onSale;
  if (!onSale && (await confirm(t("off_sale_ask"), t("take_off_sale"))) === null) return;
  byId("sale-problem").hidden = true;
  try {
    show((await busy(byId("toggle"), t("saving"), () => hostApi("homestaySetSale", { id: HOMESTAY, onSale }))).homestay);
    toast(t(onSale ? "now_on_sale" : "now_off_sale"));
  } catch (error) {
    complain(byId("sale-problem"), error);
    if (error.missing?.length) byId("sale-problem").append(missing(error.missing));
  }
});

await load(look);
