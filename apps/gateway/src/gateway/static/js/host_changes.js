// What was changed, by whom it need not say: all of it was the host. Members as the API names them, in the reader's words.
import { hostOnly, HOMESTAY } from "./host_shell.js";
import { Listing } from "./list.js";
import { page, t } from "./page.js";
import { BY_PERSON } from "./states.js";
import { h, money, timeOf } from "./ui.js";

await hostOnly();

const inWords = (prefix, name) => page.words[`${prefix}${name}`] ?? name;

function shown(name, value) {
  if (value === null || value === undefined || value === "") return t("change_nothing");
  if (name.endsWith("Fen")) return money(value, { short: true });
  if (["rowState", "onSale"].includes(name)) return t(value ? "on_sale" : "off_sale");
  if (typeof value === "boolean") return t(value ? "change_yes" : "change_no");
  if (name === "cancelPolicy") return inWords("policy_", value);
  if (name === "rowType") return t(value === BY_PERSON ? "row_person" : "row_whole");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

function lines({ before, after }) {
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
