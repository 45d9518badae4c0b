// What a guest searches for: a form, kept in the page's address so that it can be shared and survives the way back.
import { byId } from "./page.js";
import { addDays, isDate, today } from "./ui.js";

const MOST_PEOPLE = 100;
const SORTS = ["recommended", "priceUp", "priceDown", "star"];
const form = byId("search");
const wholeYuan = (text) => (/^\d{1,6}$/.test(text ?? "") ? Number(text) : null);

// Reads an address; what cannot be is left out: a link may be old, or typed.
export function searchOf(address) {
  const given = Object.fromEntries(new URLSearchParams(address));
  const dates = isDate(given.start) && isDate(given.end) && given.start >= today() && given.end > given.start;
  return {
    start: dates ? given.start : "",
    end: dates ? given.end : "",
    people: Math.min(Math.max(wholeYuan(given.people) ?? 1, 1), MOST_PEOPLE),
    city: given.city ?? "",
    low: wholeYuan(given.low),
    high: wholeYuan(given.high),
    sort: SORTS.includes(given.sort) ? given.sort : "recommended",
  };
}

export function addressOf({ start, end, people, city, low, high, sort }) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ start, end, city, low, high })) if (value) query.set(name, value);
  if (people > 1) query.set("people", people);
  if (sort !== "recommended") query.set("sort", sort);
  return query.size ? `/?${query}` : "/";
}

export const isPlain = (search) => addressOf(search) === "/";

// The request body of travel's search; prices in fen there.
export function requestOf({ start, end, people, city, low, high, sort }, page, pageSize) {
  const prices = { ...(low !== null && { lowFen: low * 100 }), ...(high !== null && { highFen: high * 100 }) };
  return { ...(start && { start, end }), people, city, ...prices, sort, page, pageSize };
}

export function fill(search) {
  for (const [name, value] of Object.entries(search)) form.elements.namedItem(name).value = value ?? "";
  if (search.low !== null || search.high !== null || search.sort !== "recommended") byId("search-more").open = true;
  bound();
}

export function read() {
  return searchOf(new URLSearchParams(new FormData(form)));
}

function bound() {
  form.start.min = today();
  form.end.min = addDays(form.start.value || today(), 1);
}

// One date alone searches nothing: the other follows it.
form.addEventListener("input", ({ target }) => {
  const { start, end } = form;
  if (target === start && start.value && end.value <= start.value) end.value = addDays(start.value, 1);
  if (target === end && end.value && !start.value) start.value = today();
  if (target === start && !start.value) end.value = "";
  if (target === end && !end.value) start.value = "";
  bound();
});
