// Small pieces that pages are built of. Text always enters as text, never as HTML.
import { byId, page, t } from "./page.js";
import { REFUNDED } from "./states.js";

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false && child !== ""));
  return element;
}

export const fen = (yuan) => Math.round(Number(yuan ?? 0) * 100);

export function money(amountFen, { short = false } = {}) {
  const [whole, cents] = [Math.trunc(amountFen / 100), Math.abs(amountFen % 100)];
  const tail = short && cents === 0 ? "" : `.${String(cents).padStart(2, "0")}`;
  return `¥${whole.toLocaleString("en-US")}${tail}`;
}

const ZONE = "Asia/Shanghai";
export const isDate = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
const moment = (value) => (typeof value === "number" ? (value > 0 ? new Date(value * 1000) : null) : value ? new Date(value) : null);

// Nights are slept in China: dates are dates there, wherever the reader is.
export function dateOf(value) {
  if (isDate(value)) return value;
  const when = moment(value);
  return when ? new Intl.DateTimeFormat("en-CA", { timeZone: ZONE }).format(when) : "";
}

export function shortDate(value) {
  const date = dateOf(value);
  if (!date) return "";
  const style = { timeZone: "UTC", month: page.language === "en" ? "short" : "long", day: "numeric", weekday: "short" };
  return new Intl.DateTimeFormat(page.language, style).format(new Date(`${date}T00:00:00Z`));
}

export function timeOf(value) {
  const when = moment(value);
  if (!when) return "";
  return new Intl.DateTimeFormat(page.language, { timeZone: ZONE, dateStyle: "medium", timeStyle: "short" }).format(when);
}

// A moment to the minute, short: until when something holds.
export function momentOf(value) {
  const style = { timeZone: ZONE, month: page.language === "en" ? "short" : "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(page.language, style).format(new Date(value));
}

export const nightsBetween = (start, end) => Math.round((Date.parse(`${end}T00:00:00Z`) - Date.parse(`${start}T00:00:00Z`)) / 86400000);
export const addDays = (date, days) => new Date(Date.parse(`${date}T00:00:00Z`) + days * 86400000).toISOString().slice(0, 10);
export const unixOf = (date) => Date.parse(`${date}T00:00:00+08:00`) / 1000;
export const today = () => dateOf(Date.now() / 1000);

export function picture(address, alt, attributes = {}) {
  const image = h("img", { alt, width: 800, height: 520, loading: "lazy", decoding: "async", ...attributes });
  image.addEventListener("error", () => image.classList.add("missing"), { once: true });
  image.src = firstPicture(address);
  return image;
}

// The source system keeps several pictures in one field, parted by commas.
export const firstPicture = (banner) => String(banner ?? "").split(",")[0].trim() || "/static/favicon.svg";

// `order.refundedFen` 0: it was cancelled, and by the policy nothing came back.
export function stateChip({ tradeState, refundedFen }) {
  const label = tradeState === REFUNDED && refundedFen === 0 ? "state_3_nothing" : `state_${tradeState}`;
  return h("span", { class: `state s${tradeState}`, "data-state": tradeState }, t(label));
}

export const row = (name, value, attributes = {}) => [h("dt", {}, name), h("dd", attributes, value)];

export function skeletons(count) {
  return Array.from({ length: count }, () => h("div", { class: "card skeleton", "aria-hidden": true }));
}

export function complain(place, error) {
  place.replaceChildren(error.message || t("unexpected"));
  if (error.status >= 500 && error.traceId) place.append(" ", h("small", {}, t("trace", { id: error.traceId.slice(0, 12) })));
  place.hidden = false;
}

export function complainWithRetry(place, error, again) {
  complain(place, error);
  place.append(" ", h("button", { type: "button", class: "link", onclick: () => { place.hidden = true; again(); } }, t("retry")));
}

// What is called often is done once, when calls have paused.
export function debounced(milliseconds, action) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

// A button that says it is working, and cannot be pressed twice meanwhile.
export async function busy(button, words, action) {
  const [before, text, focused] = [button.disabled, button.textContent, document.activeElement === button];
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  if (words) button.textContent = words;
  try {
    return await action();
  } finally {
    button.disabled = before;
    button.removeAttribute("aria-busy");
    button.textContent = text;
    if (focused && document.activeElement === document.body) button.focus(); // a disabled button loses it
  }
}

let toasting = 0;

export function toast(words) {
  const place = byId("toast");
  place.textContent = words;
  place.classList.add("shown");
  clearTimeout(toasting);
  toasting = setTimeout(() => place.classList.remove("shown"), 4000);
}
