import "./shell.js";
import { call } from "./api.js";
import { ask } from "./ask.js";
import { byId, t } from "./page.js";
import { keep, session, toSignIn } from "./session.js";
import { busy, complain, complainWithRetry, h, momentOf, toast } from "./ui.js";

const user = (name, body = {}) => call(`/usercenter/v1/user/${name}`, body, { as: "user" });
const form = byId("change-password");

async function show() {
  byId("sessions-problem").hidden = true;
  try {
    const { list } = await user("sessionList");
    byId("sessions").replaceChildren(...list.map(item));
  } catch (error) {
    complainWithRetry(byId("sessions-problem"), error, show);
  }
}

function item({ id, device, startedAt, lastUsedAt, isCurrent }) {
  const end = (event) => endSession(event.currentTarget, id);
  return h("li", { class: "row apart", "data-testid": "session" },
    h("div", {},
      h("strong", {}, device || t("device_unknown")), " ",
      isCurrent && h("span", { class: "soft", "data-testid": "current" }, t("this_device")),
      h("div", { class: "soft" }, t("session_times", { started: momentOf(startedAt), used: momentOf(lastUsedAt) }))),
    !isCurrent && h("button", { type: "button", class: "link", onclick: end, "data-testid": "end-session" }, t("end_session")));
}

async function endSession(button, id) {
  if ((await ask(t("end_session_ask"), t("end_session"))) === null) return;
  try {
    await busy(button, "", () => user("sessionEnd", { id }));
    toast(t("session_ended"));
  } catch (error) {
    complain(byId("sessions-problem"), error);
    return;
  }
  await show();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("password-problem").hidden = true;
  for (const input of form.querySelectorAll("input")) input.removeAttribute("aria-invalid");
  const [oldPassword, newPassword, totpCode] = [form.oldPassword.value, form.newPassword.value, form.totpCode.value.trim()];
  const proof = totpCode ? { totpCode } : {}; // asked for where the account has an authenticator
  try {
    await busy(form.querySelector("button"), "", async () => keep(await user("changePassword", { oldPassword, newPassword, ...proof })));
  } catch (error) {
    complain(byId("password-problem"), error);
    if (error.field === "totpCode") byId("totp").hidden = false;
    const wrong = (error.field && form.elements.namedItem(error.field)) || form.oldPassword;
    wrong.setAttribute("aria-invalid", "true");
    wrong.focus();
    return;
  }
  form.reset();
  byId("totp").hidden = true;
  toast(t("password_changed"));
  await show();
});

if (session()) show();
else toSignIn();
