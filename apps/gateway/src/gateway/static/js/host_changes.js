// What was changed, by whom it need not say: all of it was the host. Members as the API names them, in the reader's words.
import { hostOnly, HOMESTAY } from "./host_shell.js";
import { Listing } from "./list.js";
import { page, t } from "./page.js";
import { BY_PERSON } from "./states.js";
import { addDays, h, money, shortDate, timeOf } from "./ui.js";

await hostOnly();

const inWords = (prefix, name) => page.words[`${prefix}${name}`] ?? name;

function shown(name, value) {
  if (value === null || value === undefined || value === "") return t("change_nothing");
  if (name.endsWith("Fen")) return money(value, { short: true });
  if (["rowState", "onSale"].includes(name)) return t(value ? "on_sale" : "off_sale");
  if (typeof value === "boolean") return t(value ? "change_yes" : "change_no");
  if (name === "cancelPolicy") return inWords("policy_", value);
  if (name === "rowType") return t(value === BY_PERSON ? "row_person" : "row_whole");
  if (name === "nights") return nightsInWords(value);
  if (name === "photos") return t("n_photos", { n: value.length });
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

// Runs of nights that are alike: "12月1日 – 12月3日 · ¥288".
function nightsInWords(nights) {
  const runs = [];
  for (const night of [...nights].sort((one, other) => (one.night < other.night ? -1 : 1))) {
    const run = runs.at(-1);
    const goesOn = run && addDays(run.end, 1) === night.night && run.priceFen === night.priceFen && run.closed === night.closed;
    if (goesOn) run.end = night.night;
    else runs.push({ ...night, end: night.night });
  }
  return runs.map(({ night, end, priceFen, closed }) => [
    night === end ? shortDate(night) : `${shortDate(night)} – ${shortDate(end)}`,
    priceFen === null ? t("no_own_price") : money(priceFen, { short: true }),
    closed ? t("key_closed") : "",
  ].filter(Boolean).join(" · ")).join("; ");
}

function lines({ action, before, after }) {
  if (action === "orderPhotos") return [];
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .map((name) => h("li", {}, h("span", { class: "soft" }, `${inWords("member_", name)} `),
      before?.[name] === undefined ? "" : h("del", {}, shown(name, before[name])), before?.[name] === undefined ? "" : " → ",
      h("ins", {}, shown(name, after?.[name]))));
}

function item(change) {
  return h("li", { class: "card item", "data-testid": "change", "data-action": change.action },
    h("div", { class: "row apart" }, h("strong", {}, inWords("change_", change.action)), h("small", { class: "soft" }, timeOf(change.at))),
    h("ul", { class: "diff" }, lines(change)));
}

new Listing("changes", "/travel/v1/host/changeList", item).restart({ homestayId: HOMESTAY });
