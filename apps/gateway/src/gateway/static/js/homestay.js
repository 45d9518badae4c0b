import "./shell.js";
import { Refusal, call, newKey } from "./api.js";
import { byId, page, t } from "./page.js";
import { priceOf } from "./price.js";
import { session, toSignIn } from "./session.js";
import { BY_PERSON } from "./states.js";
import { addDays, busy, complain, complainWithRetry, dateOf, fen, firstPicture, h, money, nightsBetween, picture, row, shortDate, today, unixOf } from "./ui.js";

const form = byId("booking");
const DRAFT = `minsu.draft.${page.homestayId}`;
let offer = null;
let key = newKey();
let booked = ""; // what the present key stands for

function show(homestay) {
  offer = {
    homestayPriceFen: fen(homestay.homestayPrice),
    foodPriceFen: fen(homestay.foodPrice),
    byPerson: homestay.rowType === BY_PERSON,
    peopleNum: homestay.peopleNum,
  };
  document.title = `${homestay.title} · ${document.title.split(" · ").pop()}`;
  byId("picture").src = firstPicture(homestay.banner ?? homestay.cover);
  byId("picture").alt = homestay.title;
  byId("title").textContent = homestay.title;
  byId("subtitle").textContent = homestay.subTitle;
  byId("info").textContent = homestay.info;
  byId("facts").replaceChildren(
    h("span", { class: "chip" }, t(offer.byPerson ? "row_person" : "row_whole")),
    h("span", { class: "chip" }, t("people_limit", { n: homestay.peopleNum })),
    homestay.commentNum > 0 ? h("span", { class: "chip stars" }, `★ ${homestay.star.toFixed(1)}`) : "",
  );
  const meals = offer.foodPriceFen > 0;
  byId("food-info").textContent = meals
    ? t("food_price", { info: homestay.foodInfo, price: money(offer.foodPriceFen, { short: true }) })
    : homestay.foodInfo || t("no_food");
  byId("food-choice").hidden = !meals;
  byId("price").textContent = money(offer.homestayPriceFen, { short: true });
  byId("per").textContent = `/${t(offer.byPerson ? "per_night_person" : "per_night")}`;
  const market = fen(homestay.marketHomestayPrice);
  byId("market").textContent = market > offer.homestayPriceFen ? money(market, { short: true }) : "";
  byId("limit").textContent = t("people_limit", { n: homestay.peopleNum });
  form.people.max = homestay.peopleNum;
  begin();
  byId("homestay").hidden = false;
}

function begin() {
  form.start.min = today();
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null") ?? {};
  sessionStorage.removeItem(DRAFT);
  form.start.value = draft.start >= today() ? draft.start : today();
  form.end.value = draft.end > form.start.value ? draft.end : addDays(form.start.value, 1);
  form.people.value = draft.people ?? Math.min(2, offer.peopleNum);
  form.food.checked = draft.food ?? false;
  form.remark.value = draft.remark ?? "";
  estimate();
}

const wish = () => ({
  start: form.start.value,
  end: form.end.value,
  nights: nightsBetween(form.start.value, form.end.value),
  people: Number(form.people.value),
  food: form.food.checked,
  remark: form.remark.value,
});

function estimate() {
  const { start, nights, people, food } = wish();
  if (start) form.end.min = addDays(start, 1);
  byId("fewer").disabled = people <= 1;
  byId("more").disabled = people >= offer.peopleNum;
  if (!(nights >= 1) || !(people >= 1)) return byId("estimate").replaceChildren();
  const price = priceOf(offer, { nights, people, food });
  const values = { nights, people };
  byId("estimate").replaceChildren(
    ...row(t(offer.byPerson ? "line_room_person" : "line_room", { ...values, price: money(offer.homestayPriceFen, { short: true }) }), money(price.roomFen)),
    ...(food ? row(t("line_food", { ...values, price: money(offer.foodPriceFen, { short: true }) }), money(price.foodFen)) : []),
    ...row(t("total"), money(price.totalFen), { class: "total", "data-testid": "estimate" }),
  );
}

function check({ nights, people }) {
  if (!(nights >= 1)) throw new Refusal(t("wrong_dates"), { field: "liveEndTime" });
  if (!(people >= 1 && people <= offer.peopleNum)) throw new Refusal(t("wrong_people", { n: offer.peopleNum }), { field: "livePeopleNum" });
}

async function book() {
  const wanted = wish();
  check(wanted);
  if (!session()) {
    sessionStorage.setItem(DRAFT, JSON.stringify(wanted));
    return toSignIn();
  }
  const body = {
    homestayId: page.homestayId,
    isFood: wanted.food,
    liveStartTime: unixOf(wanted.start),
    liveEndTime: unixOf(wanted.end),
    livePeopleNum: wanted.people,
    remark: wanted.remark,
  };
  if (booked && booked !== JSON.stringify(body)) key = newKey();
  booked = JSON.stringify(body);
  const { orderSn } = await call("/order/v1/homestayOrder/createHomestayOrder", body, { as: "user", key });
  location.assign(`/pay/${orderSn}`);
  return new Promise(() => {});
}

form.addEventListener("input", (event) => {
  if (event.target === form.start && form.start.value && form.end.value <= form.start.value) form.end.value = addDays(form.start.value, 1);
  estimate();
});
for (const [id, step] of [["fewer", -1], ["more", 1]]) {
  byId(id).addEventListener("click", () => {
    form.people.value = Math.min(offer.peopleNum, Math.max(1, Number(form.people.value) + step));
    estimate();
  });
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("booking-problem").hidden = true;
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  try {
    await busy(byId("book"), t("submitting"), book);
  } catch (error) {
    if (error.night) error.message = t("night_full", { date: shortDate(error.night) });
    complain(byId("booking-problem"), error);
    const wrong = error.field && form.elements.namedItem(error.field);
    if (wrong) {
      wrong.setAttribute("aria-invalid", "true");
      wrong.focus();
    }
  }
});

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
