import "./shell.js";
import { call, newKey } from "./api.js";
import { byId, page, t } from "./page.js";
import { device, keep, rememberDevice } from "./session.js";
import { busy, complain } from "./ui.js";

const form = byId("signin");

function problem(error, otherwise) {
  complain(byId("problem"), error);
  const wrong = (error.field && form.elements.namedItem(error.field)) || otherwise;
  wrong.setAttribute("aria-invalid", "true");
  wrong.focus();
}

function fresh() {
  byId("problem").hidden = true;
  for (const input of [form.mobile, form.password, form.code]) input.removeAttribute("aria-invalid");
}

// The button counts down by itself: the server says how long, and a reload is no way around it.
function countDown(button, until) {
  const left = Math.ceil((until - Date.now()) / 1000);
  button.disabled = left > 0;
  button.textContent = left > 0 ? t("code_again", { n: left }) : t("code_send");
  if (left > 0) setTimeout(countDown, 1000, button, until);
}

byId("send-code").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  fresh();
  try {
    const sent = await busy(button, "", () => call("/usercenter/v1/user/sendMobileCode", { mobile: form.mobile.value.trim() }));
    countDown(button, Date.now() + sent.retryAfter * 1000);
    form.code.focus();
  } catch (error) {
    if (error.retryAfter) countDown(button, Date.now() + error.retryAfter * 1000);
    problem(error, form.mobile);
  }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  const registering = button.value === "register";
  fresh();
  try {
    await busy(button, t("signing_in"), async () => {
      const body = { mobile: form.mobile.value.trim(), password: form.password.value, deviceToken: device() };
      if (registering && form.code.value) body.code = form.code.value.trim();
      const signedIn = await call(`/usercenter/v1/user/${registering ? "register" : "login"}`, body, { key: registering ? newKey() : "" });
      rememberDevice(signedIn.deviceToken);
      keep(signedIn);
      location.replace(page.next); // the server has resolved it against its own pages
      return new Promise(() => {});
    });
  } catch (error) {
    problem(error, form.password); // a wrong pair names no field; it is the password that is typed again
  }
});
form.mobile.focus();
