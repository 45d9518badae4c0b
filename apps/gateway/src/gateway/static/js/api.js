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
  const mine = session();
  if (as === "user" && !mine) return toSignIn();
  const headers = { "Content-Type": "application/json", "Accept-Language": page.language };
  if (as === "user") headers.Authorization = `Bearer ${mine.accessToken}`;
  if (key) headers["Idempotency-Key"] = key;
  const answer = await send(path, { method: "POST", headers, body: JSON.stringify(body) }, patienceMs);
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401 && as === "user") {
    forget();
    return toSignIn();
  }
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

async function send(path, request, patienceMs) {
  try {
    return await fetch(path, { ...request, signal: AbortSignal.timeout(patienceMs) });
  } catch (error) {
    throw new Refusal(t(error.name === "TimeoutError" ? "slow" : "offline"));
  }
}

export async function refreshWhenDue() {
  const mine = session();
  if (!mine || Date.now() / 1000 < mine.refreshAfter) return;
  try {
    keep(await call("/usercenter/v1/user/refreshToken", {}, { as: "user" }));
  } catch {
    // The present token is still good; the next page tries again.
  }
}
