// One dialog for every question, with `details` (nodes) under it. Resolves to null when the reader thinks better of it, else to what was typed: "" where nothing is asked for.
import { byId } from "./page.js";
import { complain } from "./ui.js";

const DOUBLE_CLICK_MS = 600;

export function ask(words, yes, field = null, details = []) {
  const dialog = byId("ask");
  const input = byId("ask-input");
  byId("ask-text").textContent = words;
  byId("ask-details").replaceChildren(...details);
  byId("ask-yes").textContent = yes;
  byId("ask-field").hidden = !field;
  byId("ask-label").textContent = field?.label ?? "";
  input.value = field?.value ?? "";
  input.maxLength = field?.most ?? 0;
  input.required = Boolean(field?.needed);
  calm(input);
  input.oninput = () => calm(input);
  byId("ask-yes").onclick = (event) => {
    if (!field?.needed || input.value.trim()) return;
    event.preventDefault();
    complain(byId("ask-problem"), { message: field.needed });
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  input.form.onsubmit = swallowSecondClick;
  dialog.returnValue = "no";
  dialog.showModal();
  (field?.needed ? input : byId("ask-no")).focus(); // what need not be typed opens no keyboard over the amounts
  return new Promise((resolve) => {
    dialog.onclose = () => {
      if (dialog.open) return; // the news is of the question before this one: keys are faster than events
      resolve(dialog.returnValue === "yes" ? input.value.trim() : null);
    };
  });
}

// The second half of a double click hits what lay under the dialog and is not intended.
function swallowSecondClick() {
  const swallow = (event) => {
    if (event.detail < 2) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("click", swallow, { capture: true });
  setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), DOUBLE_CLICK_MS);
}

function calm(input) {
  input.removeAttribute("aria-invalid");
  byId("ask-problem").hidden = true;
}
