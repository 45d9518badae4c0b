import "./shell.js";
import { Refusal, call } from "./api.js";
import { booking } from "./booking.js";
import { gallery } from "./gallery.js";
import { perNight } from "./homestaycard.js";
import { byId, page, t } from "./page.js";
import { BY_PERSON } from "./states.js";
import { complain, complainWithRetry, dateOf, fen, h, money, picture } from "./ui.js";

const chip = (words, more = "") => h("span", { class: `chip ${more}` }, words);

function show(homestay) {
  const byPerson = homestay.rowType === BY_PERSON;
  const [price, market, food] = [homestay.homestayPrice, homestay.marketHomestayPrice, homestay.foodPrice].map(fen);
  document.title = `${homestay.title} · ${document.title.split(" · ").pop()}`;
  gallery(homestay);
  byId("title").textContent = homestay.title;
  byId("subtitle").textContent = homestay.subTitle;
  byId("info").textContent = homestay.info;
  byId("facts").replaceChildren(...[
    homestay.city && chip(homestay.city, "place"),
    chip(t(byPerson ? "row_person" : "row_whole")),
    chip(t("people_limit", { n: homestay.peopleNum })),
    homestay.minNights > 1 && chip(t("nights_least", { n: homestay.minNights })),
    homestay.commentNum > 0 && chip(`★ ${homestay.star.toFixed(1)}`, "stars"),
  ].filter(Boolean));
  byId("food-info").textContent = food > 0
    ? t("food_price", { info: homestay.foodInfo, price: money(food, { short: true }) })
    : homestay.foodInfo || t("no_food");
  byId("food-choice").hidden = !(food > 0);
  byId("price").replaceChildren(...perNight(homestay, price), market > price ? h("s", { class: "soft" }, money(market, { short: true })) : "");
  byId("homestay").hidden = false;
  booking(homestay);
}

function comment({ nickname, avatar, content, star, createTime }) {
  return h("li", {},
    picture(avatar || "/static/avatars/1.svg", "", { width: 44, height: 44, class: "avatar" }),
    h("div", {},
      h("p", { class: "row apart" }, h("strong", {}, nickname || t("anonymous")),
        h("span", { class: "stars", role: "img", "aria-label": t("star", { n: star.toFixed(1) }) }, `★ ${star.toFixed(1)}`)),
      h("p", {}, content),
      h("small", { class: "soft" }, dateOf(createTime))));
}

async function comments() {
  try {
    const { list = [] } = await call("/travel/v1/homestayComment/commentList", { lastId: 0, pageSize: 50, homestayId: page.homestayId });
    byId("comments").replaceChildren(...(list.length ? list.map(comment) : [h("li", { class: "soft" }, t("no_comments"))]));
  } catch (error) {
    byId("comments").replaceChildren(h("li", { class: "soft" }, error.message));
  }
}

async function load() {
  try {
    const { homestay } = await call("/travel/v1/homestay/homestayDetail", { id: page.homestayId });
    show(homestay);
    comments();
  } catch (error) {
    if (error.status === 404) complain(byId("problem"), new Refusal(t("not_found")));
    else complainWithRetry(byId("problem"), error, load);
  }
}

load();
