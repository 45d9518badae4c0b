import assert from "node:assert/strict";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer } from "node:net";
import { after, before, beforeEach, test } from "node:test";

import { Poison } from "../src/event.js";
import { type Consumer, type Service, service } from "../src/http.js";
import { settings } from "../src/settings.js";
import { TOPIC } from "../src/topics.js";
import { event } from "./events.js";

const [APP_TOKEN, DELIVERY_TOKEN] = ["a".repeat(32), "d".repeat(32)];
const DELIVERED = `/delivered/${DELIVERY_TOKEN}/events/payment-status`;
const LETTERS = `/delivered/${DELIVERY_TOKEN}/events/dead-letters/${TOPIC}`;
let received: unknown[];
let failure: Error | undefined;
let running: Service;
let sidecar: Server;
/** The topics that the sidecar says it reads. */
let read: string[];
let url: string;

const take = (message: unknown) => (received.push(message), failure ? Promise.reject(failure) : Promise.resolve());
const consumer: Consumer = { onPayment: take, onDeadLetter: take, deadLetters: () => 3 };

before(async () => {
  sidecar = createHttpServer((request, response) => {
    assert.equal(request.headers["dapr-api-token"], "s".repeat(32));
    response.end(JSON.stringify({ subscriptions: read.map((topic) => ({ topic })) }));
  }).listen(await freePort(), "127.0.0.1");
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const { port: sidecarPort } = sidecar.address() as { port: number };
  const sidecarSettings = { DAPR_HTTP_PORT: String(sidecarPort), DAPR_API_TOKEN: "s".repeat(32) };
  const environment = { LEDGER_DIR: "unused", APP_PORT: String(port), APP_API_TOKEN: APP_TOKEN, DELIVERY_TOKEN, ...sidecarSettings };
  running = await service(settings(environment), consumer);
  await running.start();
});
after(async () => {
  await running.stop();
  sidecar.close();
});
beforeEach(() => {
  read = [TOPIC, `${TOPIC}.ledger.dlq`];
  received = [];
  failure = undefined;
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => {
        resolve(port);
      });
    });
  });
}

/** As daprd brings a raw message. */
function post(path: string, message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const body = JSON.stringify({ specversion: "1.0", id: "daprd's", source: "Dapr", data_base64: Buffer.from(text).toString("base64") });
  const sent = { "content-type": "application/cloudevents+json", "dapr-api-token": APP_TOKEN, ...headers };
  return fetch(url + path, { method: "POST", headers: sent, body });
}

test("an event comes as it was published, with its envelope", async () => {
  const message = event();
  const response = await post(DELIVERED, message);

  assert.deepEqual([response.status, await response.json()], [200, { status: "SUCCESS" }]);
  assert.deepEqual(received, [message]);
});

test("a message that is not JSON comes as text", async () => {
  await post(DELIVERED, "{not json");
  assert.deepEqual(received, ["{not json"]);
});

test("poison is DROP: the sidecar sends it to the dead letters", async () => {
  failure = new Poison("data.totalFen");
  assert.deepEqual(await (await post(DELIVERED, event())).json(), { status: "DROP" });
});

test("any other failure is RETRY, never SUCCESS, and not ready until one succeeds", async () => {
  failure = new Error("ENOSPC: no space left on device");
  assert.deepEqual(await (await post(DELIVERED, event())).json(), { status: "RETRY" });
  assert.deepEqual(await (await post(LETTERS, event())).json(), { status: "RETRY" });
  const unready = await fetch(`${url}/readyz`);
  assert.deepEqual([unready.status, await unready.json()], [503, { status: failure.message }]);
  assert.equal((await fetch(`${url}/livez`)).status, 200);

  failure = undefined;
  await post(DELIVERED, event());
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test("not ready while the sidecar does not read a topic", async () => {
  read = [TOPIC];
  const unready = await fetch(`${url}/readyz`);
  const missing = `${TOPIC}.ledger.dlq`;
  assert.deepEqual([unready.status, await unready.json()], [503, { status: `the sidecar does not read ${missing}` }]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.ok(metrics.includes(`subscription_missing{topic="${TOPIC}"} 0`) && metrics.includes(`subscription_missing{topic="${missing}"} 1`));
});

test("a message as large as the broker takes is read, and so can be refused", async () => {
  await post(DELIVERED, { junk: "x".repeat(1_048_000) });
  assert.equal(received.length, 1);
});

const REFUSED: [string, string, Record<string, string>, number][] = [
  ["without the app's token", DELIVERED, { "dapr-api-token": "" }, 401],
  ["with another token", DELIVERED, { "dapr-api-token": APP_TOKEN.replace("a", "b") }, 401],
  ["without the delivery token", "/events/payment-status", {}, 403],
  ["with another delivery token", DELIVERED.replace("d/", "e/"), {}, 403],
  ["another app's call", DELIVERED, { "dapr-caller-app-id": "order" }, 403],
  ["the SDK's own route", `/ledger-pubsub--${TOPIC}--default`, {}, 403],
  ["a route of a later build", `/delivered/${DELIVERY_TOKEN}/events/tomorrow`, {}, 503],
];

for (const [what, path, headers, status] of REFUSED) {
  test(`refused, and nothing is booked: ${what}`, async () => {
    const response = await post(path, event(), headers);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-type"), "application/problem+json; charset=utf-8");
    assert.deepEqual(received, []);
  });
}

test("subscriptions are declared, none is announced: the SDK's would lack the delivery token and the dead letters", async () => {
  const response = await fetch(`${url}/dapr/subscribe`, { headers: { "dapr-api-token": APP_TOKEN } });
  assert.deepEqual(await response.json(), []);
});

test("metrics count outcomes, and dead letters", async () => {
  const count = async () => /outcome="SUCCESS"\} (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
  const before = Number(await count());
  await post(DELIVERED, event());

  assert.equal(Number(await count()), before + 1);
  assert.match(await (await fetch(`${url}/metrics`)).text(), /dead_letters\{topic="payment-update-paystatus-topic",state="poison"\} 3/);
});
