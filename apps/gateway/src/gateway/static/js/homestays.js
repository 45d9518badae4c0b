import "./shell.js";
import { call } from "./api.js";
import { homestayCard } from "./homestaycard.js";
import { byId, t } from "./page.js";
import { addressOf, fill, isPlain, read, requestOf, searchOf } from "./search.js";
import { complainWithRetry, h, nightsBetween, shortDate, skeletons } from "./ui.js";

const PAGE_SIZE = 12;
let search = searchOf(location.search);
let shown = 0;
let round = 0;

function heading(total) {
  const { start, end, people } = search;
  byId("found").textContent = isPlain(search) ? t("featured") : t(total ? "found" : "nothing_found", { n: total });
  const stay = start && `${shortDate(start)} – ${shortDate(end)} · ${t("nights_people", { nights: nightsBetween(start, end), people })}`;
  byId("found-stay").textContent = stay;
  byId("found-stay").hidden = !stay;
}

function nothing() {
  const again = (words, change) => h("button", { type: "button", class: "button plain", onclick: () => go({ ...search, ...change }) }, words);
  const filtered = search.city || search.low !== null || search.high !== null;
  return h("div", { class: "empty", "data-testid": "nothing-found" },
    h("p", { class: "soft" }, t(isPlain(search) ? "nothing_here" : "nothing_found_text")),
    h("div", { class: "choices" },
      search.start && again(t("other_dates"), { start: "", end: "" }),
      filtered && again(t("other_places"), { city: "", low: null, high: null })));
}

async function more() {
  const list = byId("homestays");
  const mine = (round += 1);
  const page = shown / PAGE_SIZE + 1;
  list.setAttribute("aria-busy", "true");
  if (page === 1) list.replaceChildren(...skeletons(6));
  byId("more").hidden = true;
  try {
    const { list: found = [], total } = await call("/travel/v1/homestay/search", requestOf(search, page, PAGE_SIZE));
    if (mine !== round) return; // another search was begun meanwhile
    if (page === 1) list.replaceChildren();
    list.append(...found.map((homestay) => homestayCard(homestay, { search })));
    shown += PAGE_SIZE;
    byId("more").hidden = shown >= total;
    heading(total);
    if (!list.children.length) list.append(nothing());
  } catch (error) {
    if (mine !== round) return;
    if (page === 1) list.replaceChildren();
    const place = h("p", { class: "note bad", role: "alert" });
    list.append(place);
    complainWithRetry(place, error, () => { place.remove(); more(); });
  }
  list.setAttribute("aria-busy", "false");
}

function begin() {
  shown = 0;
  byId("guess-section").classList.toggle("away", !isPlain(search));
  fill(search);
  return more();
}

function go(wanted) {
  search = wanted;
  history.pushState(null, "", addressOf(search));
  begin();
}

// Both are extras: the page is whole without them.
async function guesses() {
  const { list = [] } = await call("/travel/v1/homestay/guessList").catch(() => ({}));
  byId("guesses").replaceChildren(...list.map((homestay) => homestayCard(homestay, { small: true })));
  byId("guess-section").hidden = list.length === 0;
}

async function cities() {
  const { list = [] } = await call("/travel/v1/homestay/cityList").catch(() => ({}));
  const known = list.map(({ city, count }) => h("option", { value: city }, t("city_count", { city, n: count })));
  const asked = search.city && !list.some(({ city }) => city === search.city) && h("option", { value: search.city }, search.city);
  byId("city").append(...known, ...(asked ? [asked] : []));
  byId("city").value = search.city;
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  go(read());
  byId("found").scrollIntoView({ block: "start" });
});
byId("sort").addEventListener("change", () => go(read()));
byId("more").addEventListener("click", more);
window.addEventListener("popstate", () => {
  search = searchOf(location.search);
  begin();
});
begin();
cities();
guesses();
