import { newKey } from "./api.js";
import { ask as confirm } from "./ask.js";
import { calm, needAll, showRefusal } from "./host_forms.js";
import { HOMESTAY, hostApi, hostOnly, load } from "./host_shell.js";
import { byId, page, t } from "./page.js";
import { busy, complain, h, shortDate, timeOf, toast } from "./ui.js";

const form = byId("add");
const OF_IT = { homestayId: HOMESTAY };
let key = newKey();

await hostOnly();

async function look() {
  show(await hostApi("calendarLinks", OF_IT));
  await conflicts();
}

function show({ exportUrl, imports }) {
  byId("export").value = new URL(exportUrl, page.publicUrl || location.origin).href;
  byId("imports").replaceChildren(...imports.map(imported));
  byId("imports").setAttribute("aria-busy", "false");
  byId("imports-empty").hidden = imports.length > 0;
}

async function conflicts() {
  const { list } = await hostApi("conflicts", OF_IT);
  byId("conflicts-card").hidden = list.length === 0;
  byId("conflicts").replaceChildren(...list.map(({ night, importName }) => h("li", {}, h("strong", {}, shortDate(night)), ` · ${importName}`)));
}

function imported({ id, name, url, fetchedAt, error, nights }) {
  const state = error ? "failed" : fetchedAt ? "s1" : "s0";
  const words = t(error ? "import_failed" : fetchedAt ? "import_good" : "import_new");
  return h("li", { class: "import", "data-testid": "import", "data-id": id },
    h("div", { class: "row apart" }, h("strong", {}, name), h("span", { class: `state ${state}`, "data-state": state }, words)),
    h("p", { class: "soft small mono one-line" }, url),
    h("p", { class: "soft small" }, fetchedAt ? t("import_fetched", { time: timeOf(fetchedAt), n: nights }) : t("import_soon")),
    error ? h("p", { class: "note bad small" }, `${error} ${t("import_kept")}`) : "",
    h("button", { type: "button", class: "button plain small-button", "data-testid": "remove-import", onclick: (event) => remove(event.currentTarget, id, name) }, t("remove_import")));
}

async function remove(button, importId, name) {
  if ((await confirm(t("remove_import_ask", { name }), t("remove_import"))) === null) return;
  await change(button, "removeImport", { id: importId }, "import_removed");
}

// Each of these returns the links as they are then, or nothing of use: they are loaded anew in any case.
async function change(button, name, body, said, options) {
  byId("problem").hidden = true;
  try {
    await busy(button, "", () => hostApi(name, { ...OF_IT, ...body }, options));
    toast(t(said));
    await look();
  } catch (error) {
    complain(byId("problem"), error);
    byId("problem").scrollIntoView({ block: "center" });
  }
}

byId("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("export").value);
    toast(t("copied"));
  } catch {
    byId("export").select(); // no clipboard without https: the reader copies what is selected
    toast(t("copy_selected"));
  }
});
byId("renew").addEventListener("click", async () => {
  if ((await confirm(t("renew_ask"), t("renew_link"))) !== null) await change(byId("renew"), "renewExport", {}, "renewed");
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  calm(form, byId("add-problem"));
  try {
    needAll(form);
    const body = { ...OF_IT, name: form.elements.name.value.trim(), url: form.elements.url.value.trim() };
    await busy(byId("add-button"), t("saving"), () => hostApi("addImport", body, { key }));
    key = newKey();
    form.reset();
    toast(t("import_added"));
    await load(look);
  } catch (error) {
    showRefusal(form, error, byId("add-problem"));
  }
});

await load(look);
