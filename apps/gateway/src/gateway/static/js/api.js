// The public JSON API, as any front end speaks it. Errors are `Refusal`s with the problem's message for the user.
import { page, t } from "./page.js";
import { forget, keep, session, toSignIn } from "./session.js";

const PATIENCE_MS = 25000;

export class Refusal extends Error {
  constructor(message, { status = 0, field = "", traceId = "", retryAfter = 0, slug = "", night = "", missing = [] } = {}) {
    super(message);
    Object.assign(this, { status, field, traceId, retryAfter, slug, night, missing });
  }
}

// One intent, one key: a double click or a repeat after a lost answer is the same order.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function call(path, body = {}, { key = "", as = "anyone", patienceMs = PATIENCE_MS } = {}) {
  const answer = await post(path, body, { key, as, patienceMs });
  return (await answer.json().catch(() => ({}))).data ?? {};
}

// What is not JSON, as a file: what it is called is up to the caller.
export async function fetchBlob(path, body) {
  return (await post(path, body, { as: "user", patienceMs: PATIENCE_MS })).blob();
}

// The response of a request that succeeded; throws a Refusal otherwise.
async function post(path, body, { key = "", as, patienceMs }) {
  const answer = await (as === "user" ? sendSignedIn : sendJson)(path, body, { key, patienceMs });
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => ({}));
  throw new Refusal(content.msg || t("unexpected"), {
    status: answer.status,
    field: content.field,
    traceId: content.trace_id,
    retryAfter: Number(answer.headers.get("Retry-After")) || 0,
    slug: String(content.type ?? "").split("/").pop(),
    night: content.night,
    missing: content.missing,
  });
}

// With a token that is good: refreshed when it is time, and once more when it was refused. Without one the page leads to the sign-in.
async function sendSignedIn(path, body, options) {
  if (session() && Date.now() / 1000 >= session().refreshAfter) await refresh().catch(() => {}); // the present token may still be good
  for (const isLast of [false, true]) {
    const token = session()?.accessToken;
    if (!token) return toSignIn();
    const answer = await sendJson(path, body, { ...options, token });
    if (answer.status !== 401) return answer;
    if (isLast) forget();
    else if (session()?.accessToken === token) await refresh().catch(unlessOver);
  }
  return toSignIn();
}

function sendJson(path, body, { key, patienceMs, token }) {
  const headers = { "Content-Type": "application/json", "Accept-Language": page.language };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  return send(path, { method: "POST", headers, body: JSON.stringify(body) }, patienceMs);
}

async function send(path, request, patienceMs) {
  try {
    return await fetch(path, { ...request, signal: AbortSignal.timeout(patienceMs) });
  } catch (error) {
    throw new Refusal(t(error.name === "TimeoutError" ? "slow" : "offline"));
  }
}

function unlessOver(error) {
  if (session()) throw error; // usercenter is down: that signs no user out
}

let refreshing = null;

// New tokens, with the roles of now. All who ask at once, also in a duplicate of this tab, share one refresh. Throws a Refusal.
export function refresh() {
  refreshing ??= inTurn(async () => {
    const { refreshToken = "" } = session() ?? {};
    try {
      keep(await call("/usercenter/v1/user/refreshToken", { refreshToken }));
    } catch (error) {
      if ([401, 422].includes(error.status)) forget(); // over: the next page asks to sign in
      throw error;
    }
  }).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

// Web Locks need https; without them two tabs that ask at the same moment are still given the same tokens.
async function inTurn(action) {
  const before = session()?.accessToken;
  const unlessDone = async () => (session()?.accessToken === before ? action() : undefined);
  return navigator.locks ? navigator.locks.request(`minsu.refresh.${session()?.id}`, unlessDone) : unlessDone();
}

// Ends the session everywhere. Without an answer this tab forgets it all the same, and it ends by itself.
export async function signOut() {
  await call("/usercenter/v1/user/logout", {}, { as: "user", patienceMs: 4000 }).catch(() => {});
  forget();
  location.assign("/");
}
