import { newKey } from "./api.js";
import { calm, fenOf, needAll, showRefusal, wholeOf, yuanOf } from "./host_forms.js";
import { HOMESTAY, hostApi, hostOnly, load } from "./host_shell.js";
import { byId, t } from "./page.js";
import { busy } from "./ui.js";

const TEXTS = ["title", "subTitle", "city", "info", "foodInfo"];
const NUMBERS = ["stock", "peopleNum", "minNights", "maxNights", "daysAhead"];
const AMOUNTS = ["homestayPriceFen", "marketPriceFen", "foodPriceFen"];
const form = byId("form");
const key = newKey(); // one form, one homestay, however often the button is pressed

await hostOnly();

function fill(homestay) {
  for (const name of [...TEXTS, ...NUMBERS, "cancelPolicy"]) form.elements[name].value = homestay[name];
  for (const name of AMOUNTS) form.elements[name].value = yuanOf(homestay[name] || null);
  form.elements.weekendPriceFen.value = yuanOf(homestay.weekendPriceFen);
  form.elements.rowType.value = String(homestay.rowType);
}

// Throws a Refusal that names the first input that cannot be understood; the bounds are the server's.
function typed() {
  needAll(form);
  const value = (name) => form.elements[name].value;
  const amount = (name, empty) => (value(name).trim() ? fenOf(value(name), name) : empty);
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, value(name).trim()])),
    ...Object.fromEntries(NUMBERS.map((name) => [name, wholeOf(value(name), name)])),
    ...Object.fromEntries(AMOUNTS.map((name) => [name, amount(name, 0)])),
    weekendPriceFen: amount("weekendPriceFen", null),
    rowType: Number(value("rowType")),
    cancelPolicy: value("cancelPolicy"),
  };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  calm(form, byId("form-problem"));
  try {
    const body = typed();
    await busy(byId("save"), t("saving"), async () => {
      if (HOMESTAY) await hostApi("homestayEdit", { id: HOMESTAY, ...body });
      const id = HOMESTAY ?? (await hostApi("homestayCreate", body, { key })).homestay.id;
      location.assign(`/host/homestays/${id}${HOMESTAY ? "" : "/photos"}`);
      return new Promise(() => {});
    });
  } catch (error) {
    showRefusal(form, error, byId("form-problem"));
  }
});

await load(async () => {
  if (HOMESTAY) fill((await hostApi("homestayDetail", { id: HOMESTAY })).homestay);
  form.hidden = false;
  byId(location.hash.slice(1))?.focus(); // which member was missing
});
