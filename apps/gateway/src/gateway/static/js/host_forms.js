// Forms whose inputs are named like the API's members: a refusal is shown below the input that it names.
import { Refusal } from "./api.js";
import { byId, t } from "./page.js";
import { complain } from "./ui.js";

const YUAN = /^(\d{1,7})(?:\.(\d{1,2}))?$/;

// "12.5" → 1250. Digits are moved, never multiplied: no rounding. Throws a Refusal that names `field` for all else.
export function fenOf(text, field) {
  const found = YUAN.exec(text.trim().replace(/[,，]/g, ""));
  if (!found) throw new Refusal(t("wrong_amount"), { field });
  return Number(found[1] + (found[2] ?? "").padEnd(2, "0"));
}

// 1250 → "12.5", as it is typed; "" for what is not set.
export function yuanOf(amountFen) {
  if (amountFen === null || amountFen === undefined) return "";
  const cents = String(amountFen % 100).padStart(2, "0").replace(/0+$/, "");
  return `${Math.trunc(amountFen / 100)}${cents && "."}${cents}`;
}

export function wholeOf(text, field) {
  if (!/^\d{1,9}$/.test(text.trim())) throw new Refusal(t("wrong_number"), { field });
  return Number(text);
}

// Below the input that it names, else at the form's own place.
export function showRefusal(form, error, place) {
  const input = error.field && form.elements.namedItem(error.field);
  const beside = error.field && byId(`${error.field}-problem`);
  if (!input || !beside) {
    complain(place, error);
    place.scrollIntoView({ block: "center" });
    return;
  }
  complain(beside, error);
  for (const each of input.length && !input.tagName ? input : [input]) {
    each.setAttribute("aria-invalid", "true");
    each.setAttribute("aria-describedby", beside.id);
  }
  const first = input.tagName ? input : input[0];
  first.scrollIntoView({ block: "center" });
  first.focus({ preventScroll: true });
}

export function calm(form, place) {
  place.hidden = true;
  for (const each of form.querySelectorAll(".field-problem")) each.hidden = true;
  for (const each of form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
}

// The required ones that are empty, the first by name: one message at a time, where the reader looks.
export function needAll(form) {
  for (const input of form.elements) {
    if (input.required && !input.value.trim()) throw new Refusal(t("needed"), { field: input.name });
  }
}
