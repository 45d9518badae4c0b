/** The SDK's server, behind the gate and the probes. */

import { CommunicationProtocolEnum, DaprPubSubStatusEnum, DaprServer, LogLevel } from "@dapr/dapr";
import express from "express";

import { Poison } from "./event.js";
import { gate, refuse } from "./gate.js";
import { log } from "./log.js";
import { metrics, notReady, probes } from "./probes.js";
import type { Settings } from "./settings.js";
import { DEAD_LETTERS, PUBSUB, TOPIC } from "./topics.js";

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
  const { registry, handled } = metrics(settings, () => consumer.deadLetters());

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
  app.use(probes(() => notReady(state.problem, settings), registry), gate(settings));
  // The SDK would listen on every interface.
  const listen = app.listen.bind(app) as (port: number, host: string) => ReturnType<typeof app.listen>;
  app.listen = ((port: number) => listen(port, settings.APP_HOST)) as typeof app.listen;
  const server = new DaprServer({
    serverHost: settings.APP_HOST,
    serverPort: String(settings.APP_PORT),
    communicationProtocol: CommunicationProtocolEnum.HTTP,
    serverHttp: app,
    maxBodySizeMb: 4, // as much as the sidecar takes: what is refused here comes again for ever
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
