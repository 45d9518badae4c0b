import "./shell.js";
import { call, newKey } from "./api.js";
import { byId, page, t } from "./page.js";
import { keep } from "./session.js";
import { busy, complain } from "./ui.js";

const form = byId("signin");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  const registering = button.value === "register";
  byId("problem").hidden = true;
  for (const input of [form.mobile, form.password]) input.removeAttribute("aria-invalid");
  try {
    await busy(button, t("signing_in"), async () => {
      const body = { mobile: form.mobile.value.trim(), password: form.password.value };
      keep(await call(`/usercenter/v1/user/${registering ? "register" : "login"}`, body, { key: registering ? newKey() : "" }));
      location.replace(page.next); // the server has resolved it against its own pages
      return new Promise(() => {});
    });
  } catch (error) {
    complain(byId("problem"), error);
    // A wrong pair names no field; it is the password that is typed again.
    const wrong = (error.field && form.elements.namedItem(error.field)) || form.password;
    wrong.setAttribute("aria-invalid", "true");
    wrong.focus();
  }
});
form.mobile.focus();
