/** /livez, /readyz and /metrics. */

import type { RequestHandler, Response } from "express";
import { Counter, Gauge, Registry } from "prom-client";

import type { Settings } from "./settings.js";
import { unread } from "./sidecar.js";
import { DEAD_LETTERS, TOPIC } from "./topics.js";

const TOPICS = [TOPIC, DEAD_LETTERS];

export interface Metrics {
  registry: Registry;
  /** By topic and outcome: SUCCESS, RETRY, DROP. */
  handled: Counter<"topic" | "outcome">;
}

/** Metrics under the names that the alerts of all services watch. */
export function metrics(settings: Settings, deadLetters: () => number): Metrics {
  const registry = new Registry();
  const handled = new Counter({
    name: "events_handled_total",
    help: "Events by topic and outcome",
    labelNames: ["topic", "outcome"],
    registers: [registry],
  });
  new Gauge({
    name: "subscription_missing",
    help: "1 where the sidecar does not read a topic, or does not respond",
    labelNames: ["topic"],
    registers: [registry],
    async collect() {
      const missing = await unread(TOPICS, settings).catch(() => TOPICS);
      for (const topic of TOPICS) this.set({ topic }, missing.includes(topic) ? 1 : 0);
    },
  });
  new Gauge({
    name: "dead_letters",
    help: "Dead letters that wait for an operator",
    labelNames: ["topic", "state"],
    registers: [registry],
    collect() {
      this.set({ topic: TOPIC, state: "poison" }, deadLetters());
    },
  });
  return { registry, handled };
}

/** What is missing, or nothing. `problem` is what the last event met. */
export async function notReady(problem: string, settings: Settings): Promise<string> {
  if (problem) return problem;
  try {
    const topics = await unread(TOPICS, settings);
    return topics.length > 0 ? `the sidecar does not read ${topics.join(", ")}` : "";
  } catch {
    return "the sidecar does not respond";
  }
}

export function probes(readiness: () => Promise<string>, registry: Registry): RequestHandler {
  const answers: Record<string, (response: Response) => Promise<unknown>> = {
    "/livez": (response) => Promise.resolve(response.json({ status: "ok" })),
    "/readyz": async (response) => {
      const problem = await readiness();
      response.status(problem ? 503 : 200).json({ status: problem || "ok" });
    },
    "/metrics": async (response) => response.type(registry.contentType).send(await registry.metrics()),
  };
  return (request, response, next) => {
    const answer = request.method === "GET" ? answers[request.path] : undefined;
    if (answer) answer(response).catch(next);
    else next();
  };
}
