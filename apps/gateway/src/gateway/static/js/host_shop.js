import { calm, needAll, showRefusal } from "./host_forms.js";
import { hostApi, hostOnly, load } from "./host_shell.js";
import { byId, t } from "./page.js";
import { busy, toast } from "./ui.js";

const NAMES = ["title", "info", "bossInfo", "tags"];
const form = byId("form");

await hostOnly();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  calm(form, byId("form-problem"));
  try {
    needAll(form);
    await busy(byId("save"), t("saving"), () => hostApi("shopEdit", Object.fromEntries(NAMES.map((name) => [name, form[name].value.trim()]))));
    toast(t("saved"));
  } catch (error) {
    showRefusal(form, error, byId("form-problem"));
  }
});

await load(async () => {
  const { shop } = await hostApi("shopDetail");
  for (const name of NAMES) form[name].value = shop[name] ?? "";
  form.hidden = false;
});
