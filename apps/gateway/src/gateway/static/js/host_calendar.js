// A month of nights. Tapping one begins a range, tapping a second ends it; months can be turned in between.
import { calm, fenOf, showRefusal, yuanOf } from "./host_forms.js";
import { HOMESTAY, hostApi, hostOnly, load } from "./host_shell.js";
import { isoMonths, lastOf, monthHeading, weekdayNames, weekdayOf } from "./months.js";
import { byId, t } from "./page.js";
import { addDays, busy, h, money, nightsBetween, shortDate, today, toast } from "./ui.js";

const MOST_NIGHTS = 366;
const form = byId("range");
let month = today().slice(0, 7);
let nights = new Map();
let first = ""; // the range chosen: both ends are in it, "" while none is
let last = "";
let round = 0;

await hostOnly();
byId("weekdays").replaceChildren(...weekdayNames().map((name) => h("span", {}, name)));

async function turn() {
  const mine = (round += 1);
  byId("month").textContent = monthHeading(month);
  byId("earlier").disabled = month <= today().slice(0, 7);
  byId("nights").setAttribute("aria-busy", "true");
  const found = await hostApi("calendar", { id: HOMESTAY, month });
  if (mine !== round) return; // another month was asked for meanwhile
  nights = new Map(found.nights.map((night) => [night.night, night]));
  draw();
  byId("nights").setAttribute("aria-busy", "false");
}

function draw() {
  const days = Array.from({ length: lastOf(month) }, (_, index) => `${month}-${String(index + 1).padStart(2, "0")}`);
  const gap = Array.from({ length: weekdayOf(days[0]) }, () => h("span"));
  const focused = document.activeElement?.dataset?.night;
  byId("nights").replaceChildren(...gap, ...days.map(cell));
  if (focused) byId("nights").querySelector(`[data-night="${focused}"]`)?.focus({ preventScroll: true });
  sheet();
}

function cell(day) {
  const night = nights.get(day);
  const kinds = night ? kindsOf(night) : [];
  const chosen = first && day >= first && day <= (last || first);
  return h("button", {
    type: "button",
    class: ["night", ...kinds, chosen ? "chosen" : ""].filter(Boolean).join(" "),
    "data-night": day,
    "aria-pressed": String(Boolean(chosen)),
    "aria-label": night ? spoken(night, kinds) : shortDate(day),
    disabled: day < today() || !night,
    onclick: () => choose(day),
  },
    h("b", {}, String(Number(day.slice(8)))),
    night ? h("span", {}, money(night.priceFen, { short: true }).replace("¥", "")) : "",
    h("small", {}, kinds.includes("blocked") ? t("mark_blocked") : kinds.includes("closed") ? t("mark_closed") : night?.taken ? t("mark_taken", night) : ""));
}

function kindsOf({ source, closed, taken, stock, blockedBy }) {
  return [
    source !== "base" && source,
    closed && "closed",
    blockedBy.length > 0 && "blocked",
    taken > 0 && "taken",
    taken >= stock && "full",
  ].filter(Boolean);
}

function spoken(night, kinds) {
  return [
    shortDate(night.night),
    money(night.priceFen, { short: true }),
    kinds.includes("date") && t("key_date"),
    kinds.includes("weekend") && t("rule_weekend"),
    t("mark_taken", night),
    kinds.includes("closed") && t("key_closed"),
    kinds.includes("blocked") && t("blocked_by", { names: night.blockedBy.join(", ") }),
  ].filter(Boolean).join(" · ");
}

function choose(day) {
  if (!first || last || day < first) [first, last] = [day, ""];
  else last = day;
  if (last && nightsBetween(first, last) >= MOST_NIGHTS) last = addDays(first, MOST_NIGHTS - 1);
  calm(form, byId("range-problem"));
  draw();
  byId("nights").querySelector(`[data-night="${day}"]`)?.scrollIntoView({ block: "nearest" });
}

const count = () => nightsBetween(first, last || first) + 1;

function sheet() {
  form.hidden = !first;
  document.body.classList.toggle("has-sheet", Boolean(first));
  if (!first) return;
  const end = last || first;
  byId("range-words").textContent = `${shortDate(first)}${end === first ? "" : ` – ${shortDate(end)}`} · ${t("n_nights", { n: count() })}`;
  const shownNights = [...nights.values()].filter(({ night }) => night >= first && night <= end);
  const prices = new Set(shownNights.map(({ priceFen }) => priceFen));
  if (document.activeElement !== form.elements.priceFen) form.elements.priceFen.value = prices.size === 1 ? yuanOf([...prices][0]) : "";
  const names = [...new Set(shownNights.flatMap(({ blockedBy }) => blockedBy))];
  const sold = shownNights.reduce((sum, { taken }) => sum + taken, 0);
  byId("range-hint").textContent = [
    last ? "" : t("range_tap"),
    names.length ? t("blocked_by", { names: names.join(", ") }) : "",
    sold ? t("range_sold", { n: sold }) : "",
  ].filter(Boolean).join(" ");
}

async function set(button, change, said) {
  calm(form, byId("range-problem"));
  try {
    const n = count();
    await busy(button, t("saving"), () => hostApi("setDates", { id: HOMESTAY, start: first, end: addDays(last || first, 1), ...change() }));
    first = last = "";
    await turn();
    toast(t(said, { n }));
  } catch (error) {
    showRefusal(form, error, byId("range-problem"));
  }
}

function unselect() {
  const back = first;
  first = last = "";
  draw();
  byId("nights").querySelector(`[data-night="${back}"]`)?.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  set(byId("set-price"), () => ({ priceFen: fenOf(form.elements.priceFen.value, "priceFen") }), "price_was_set");
});
byId("close").addEventListener("click", () => set(byId("close"), () => ({ closed: true }), "nights_closed"));
byId("open").addEventListener("click", () => set(byId("open"), () => ({ closed: false }), "nights_opened"));
byId("reset").addEventListener("click", () => set(byId("reset"), () => ({ reset: true }), "nights_reset"));
byId("unselect").addEventListener("click", unselect);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && first) unselect(); });
for (const [id, step] of [["earlier", -1], ["later", 1]]) {
  byId(id).addEventListener("click", () => {
    month = isoMonths(month, step);
    load(turn);
  });
}

await load(turn);
