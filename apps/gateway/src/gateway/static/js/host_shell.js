// The top of every page of the host desk. Only hosts see more than the way to become one; every service checks the role itself.
import "./shell.js";
import { call, refresh } from "./api.js";
import { byId, page, t } from "./page.js";
import { session, toSignIn } from "./session.js";
import { complain, complainWithRetry } from "./ui.js";

export const HOMESTAY = page.homestayId;

export const isHost = () => Boolean(session()?.roles?.includes("merchant"));

export const ask = (path, body = {}, options = {}) => call(path, body, { as: "user", ...options });
export const hostApi = (name, body, options) => ask(`/travel/v1/host/${name}`, body, options);

// The role is in the token: a new one holds what was granted since.
export async function renewRoles() {
  await refresh();
  return isHost();
}

// Resolves for hosts alone; others are on their way to where one becomes a host.
export async function hostOnly() {
  if (!session()) return toSignIn();
  if (!isHost()) {
    location.replace("/host");
    return new Promise(() => {});
  }
  byId("desk-nav").hidden = false;
}

// Loads what the page shows. What cannot be loaded is said, with a way to try again.
export async function load(action) {
  try {
    byId("problem").hidden = true;
    await action();
  } catch (error) {
    hostProblem(error, () => load(action));
  }
}

// At the top of the page. 403: the role is gone; 404: no such homestay, or another host's.
export function hostProblem(error, again) {
  if (error.status === 403) complain(byId("problem"), { message: t("host_only") });
  else if (error.status === 404) complain(byId("problem"), { message: t("homestay_absent") });
  else complainWithRetry(byId("problem"), error, again);
}
