/** The HTTP side: the SDK's server behind a gate that knows the sidecar's tokens, and the probes. */

import { createHash, timingSafeEqual } from "node:crypto";

import { CommunicationProtocolEnum, DaprPubSubStatusEnum, DaprServer, LogLevel } from "@dapr/dapr";
import express, { type RequestHandler, type Response } from "express";
import { Counter, Gauge, Registry } from "prom-client";

import { Poison } from "./event.js";
import { log } from "./log.js";
import type { Settings } from "./settings.js";

export const TOPIC = "payment-update-paystatus-topic";
const DEAD_LETTERS = `${TOPIC}.ledger.dlq`;
const PUBSUB = "ledger-pubsub";
/** The routes in resources/, and the SDK's own for the same subscription (its SubscriptionManager writes "-" for "."). */
const ROUTES: Record<string, string> = {
  "/events/payment-status": `/${PUBSUB}--${TOPIC}--default`,
  "/events/dead-letters/payment-update-paystatus-topic": `/${PUBSUB}--${DEAD_LETTERS.replaceAll(".", "-")}--default`,
};

/** What the ledger does with a message. Poison refuses it for good; any other error is retried. */
export interface Consumer {
  onPayment(message: unknown): Promise<unknown>;
  onDeadLetter(message: unknown): Promise<unknown>;
  deadLetters(): number;
}

export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function service(settings: Settings, consumer: Consumer): Promise<Service> {
  const state = { problem: "" };
  const registry = new Registry();
  const handled = new Counter({
    name: "events_handled_total",
    help: "Events by topic and outcome",
    labelNames: ["topic", "outcome"],
    registers: [registry],
  });
  new Gauge({
    name: "dead_letters",
    help: "Dead letters that wait for an operator",
    labelNames: ["topic", "state"],
    registers: [registry],
    collect() {
      this.set({ topic: TOPIC, state: "poison" }, consumer.deadLetters());
    },
  });

  /** A callback that raises is SUCCESS to the SDK, and its event lost: so every end has its status here. */
  const answering = (topic: string, action: (message: unknown) => Promise<unknown>) => {
    for (const outcome of Object.values(DaprPubSubStatusEnum)) handled.inc({ topic, outcome }, 0);
    return async (message: unknown): Promise<DaprPubSubStatusEnum> => {
      const status = await statusOf(topic, () => action(message), state);
      handled.inc({ topic, outcome: status });
      return status;
    };
  };

  const app = express();
  app.disable("x-powered-by");
  app.use(probes(state, registry), gate(settings));
  // The SDK would listen on every interface.
  const listen = app.listen.bind(app) as (port: number, host: string) => ReturnType<typeof app.listen>;
  app.listen = ((port: number) => listen(port, settings.APP_HOST)) as typeof app.listen;
  const server = new DaprServer({
    serverHost: settings.APP_HOST,
    serverPort: String(settings.APP_PORT),
    communicationProtocol: CommunicationProtocolEnum.HTTP,
    serverHttp: app,
    maxBodySizeMb: 1,
    logger: { level: LogLevel.Error },
  });
  await server.pubsub.subscribe(PUBSUB, TOPIC, answering(TOPIC, (message) => consumer.onPayment(message)));
  await server.pubsub.subscribe(PUBSUB, DEAD_LETTERS, answering(DEAD_LETTERS, (message) => consumer.onDeadLetter(message)));
  app.use((_, response) => refuse(response, 503, "the SDK has no such route"));
  return {
    // Not server.start(), which waits for the sidecar: nothing is asked of it here.
    start: () => server.daprServer.start(settings.APP_HOST, String(settings.APP_PORT)),
    stop: () => server.stop(),
  };
}

async function statusOf(topic: string, action: () => Promise<unknown>, state: { problem: string }): Promise<DaprPubSubStatusEnum> {
  try {
    await action();
    state.problem = "";
    return DaprPubSubStatusEnum.SUCCESS;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof Poison) {
      log("warning", "an event cannot be booked", { topic, reason });
      return DaprPubSubStatusEnum.DROP;
    }
    state.problem = reason;
    log("error", "an event waits", { topic, reason });
    return DaprPubSubStatusEnum.RETRY;
  }
}

function probes(state: { problem: string }, registry: Registry): RequestHandler {
  const answers: Record<string, (response: Response) => unknown> = {
    "/livez": (response) => response.json({ status: "ok" }),
    "/readyz": (response) => response.status(state.problem ? 503 : 200).json({ status: state.problem || "ok" }),
    "/metrics": async (response) => response.type(registry.contentType).send(await registry.metrics()),
  };
  return async (request, response, next) => {
    const answer = request.method === "GET" ? answers[request.path] : undefined;
    if (answer) await answer(response);
    else next();
  };
}

/** Lets deliveries of our own sidecar pass to the SDK's routes. Never 404: the sidecar takes that for "drop this event". */
function gate(settings: Settings): RequestHandler {
  const prefix = settings.DELIVERY_TOKEN ? `/delivered/${settings.DELIVERY_TOKEN}` : "";
  return (request, response, next) => {
    if (!same(request.get("dapr-api-token") ?? "", settings.APP_API_TOKEN)) return refuse(response, 401, "not the sidecar's token");
    if (request.method === "GET" && request.path === "/dapr/subscribe") return response.json([]); // all are declared in resources/
    if (request.headers["dapr-caller-app-id"] !== undefined) return refuse(response, 403, "the ledger has no methods to call");
    const begin = request.path.slice(0, prefix.length);
    if (!same(begin, prefix)) return refuse(response, 403, "not a delivery");
    const route = ROUTES[request.path.slice(prefix.length)];
    if (!route || request.method !== "POST") return refuse(response, 503, "this build has no such route");
    request.url = route;
    next();
  };
}

function refuse(response: Response, status: number, detail: string): Response {
  return response.status(status).type("application/problem+json").send(JSON.stringify({ status, detail }));
}

function same(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

