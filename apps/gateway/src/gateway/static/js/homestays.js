import "./shell.js";
import { call } from "./api.js";
import { byId, t } from "./page.js";
import { BY_PERSON } from "./states.js";
import { complainWithRetry, fen, h, money, picture, skeletons } from "./ui.js";

const PAGE_SIZE = 12;
let shown = 0;

function card(homestay, { small = false } = {}) {
  const price = fen(homestay.homestayPrice);
  const market = fen(homestay.marketHomestayPrice);
  const unit = t(homestay.rowType === BY_PERSON ? "per_night_person" : "per_night");
  return h(
    "a",
    { class: "card stay", href: `/homestays/${homestay.id}`, "data-testid": "homestay-card", "data-id": homestay.id },
    picture(homestay.banner ?? homestay.cover, ""),
    h("div", { class: "body" },
      h("h3", {}, homestay.title),
      small ? "" : h("p", { class: "soft clamp" }, homestay.subTitle),
      h("p", { class: "price" }, h("strong", {}, money(price, { short: true })), h("span", { class: "soft" }, ` /${unit}`),
        market > price ? h("s", { class: "soft" }, money(market, { short: true })) : ""),
      small ? "" : h("p", { class: "chips" },
        h("span", { class: "chip" }, t("people_limit", { n: homestay.peopleNum })),
        h("span", { class: "chip" }, t(homestay.rowType === BY_PERSON ? "row_person" : "row_whole")),
        homestay.commentNum > 0 ? h("span", { class: "chip stars" }, `★ ${homestay.star.toFixed(1)}`, h("small", {}, ` ${t("comment_count", { n: homestay.commentNum })}`)) : ""),
    ),
  );
}

async function more() {
  const list = byId("homestays");
  const page = shown / PAGE_SIZE + 1;
  if (page === 1) list.replaceChildren(...skeletons(6));
  try {
    const { list: found = [] } = await call("/travel/v1/homestay/homestayList", { page, pageSize: PAGE_SIZE });
    if (page === 1) list.replaceChildren();
    list.append(...found.map((homestay) => card(homestay)));
    shown += PAGE_SIZE;
    byId("more").hidden = found.length < PAGE_SIZE;
    if (!list.children.length) list.append(h("p", { class: "soft" }, t("nothing_here")));
  } catch (error) {
    if (page === 1) list.replaceChildren();
    const place = h("p", { class: "note bad", role: "alert" });
    list.append(place);
    complainWithRetry(place, error, () => { place.remove(); more(); });
  }
  list.setAttribute("aria-busy", "false");
}

async function guesses() {
  try {
    const { list = [] } = await call("/travel/v1/homestay/guessList");
    byId("guesses").replaceChildren(...list.map((homestay) => card(homestay, { small: true })));
    byId("guess-section").hidden = list.length === 0;
  } catch {
    // An extra: the page is whole without it.
  }
}

byId("more").addEventListener("click", more);
more();
guesses();
