/** What the ledger asks of its own sidecar. */

import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { z } from "zod";

import type { Settings } from "./settings.js";

const PATIENCE_MS = 2000;
const Metadata = z.object({ subscriptions: z.array(z.object({ topic: z.string() })).default([]) });

/** Those of `topics` that the sidecar does not read. Raises Error when it does not respond. */
export async function unread(topics: string[], told: Settings): Promise<string[]> {
  const url = `http://${told.DAPR_HOST}:${told.DAPR_HTTP_PORT}/v1.0/metadata`;
  const headers = { "dapr-api-token": told.DAPR_API_TOKEN };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  const { subscriptions } = Metadata.parse(await response.json());
  return topics.filter((topic) => !subscriptions.some((each) => each.topic === topic));
}

/** Returns when the sidecar has closed its port, which it does after its last delivery, or after DRAIN_SECONDS. */
export async function gone(told: Settings): Promise<void> {
  const deadline = Date.now() + told.DRAIN_SECONDS * 1000;
  for (let refused = 0; refused < 2 && Date.now() < deadline; ) {
    refused = (await isOpen(told.DAPR_HOST, told.DAPR_HTTP_PORT)) ? 0 : refused + 1;
    await pause(100);
  }
}

function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("error", () => {
      end(false);
    });
  });
}
