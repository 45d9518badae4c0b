/** Who may deliver: our own sidecar, which knows two tokens. */

import { createHash, timingSafeEqual } from "node:crypto";

import type { RequestHandler, Response } from "express";

import type { Settings } from "./settings.js";
import { ROUTES } from "./topics.js";

/** Lets deliveries of our own sidecar pass to the SDK's routes. Never 404: the sidecar takes that for "drop this event". */
export function gate(settings: Settings): RequestHandler {
  const prefix = settings.DELIVERY_TOKEN ? `/delivered/${settings.DELIVERY_TOKEN}` : "";
  return (request, response, next) => {
    if (!same(request.get("dapr-api-token") ?? "", settings.APP_API_TOKEN)) return refuse(response, 401, "not the sidecar's token");
    if (request.method === "GET" && request.path === "/dapr/subscribe") return response.json([]); // all are declared in resources/
    if (request.headers["dapr-caller-app-id"] !== undefined) return refuse(response, 403, "the ledger has no methods to call");
    const begin = request.path.slice(0, prefix.length);
    if (!same(begin, prefix)) return refuse(response, 403, "not a delivery");
    const route = ROUTES.get(request.path.slice(prefix.length));
    if (!route || request.method !== "POST") return refuse(response, 503, "this build has no such route");
    request.url = route;
    next();
  };
}

/** A refusal as a problem (RFC 9457). */
export function refuse(response: Response, status: number, detail: string): Response {
  return response.status(status).type("application/problem+json").send(JSON.stringify({ status, detail }));
}

function same(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

