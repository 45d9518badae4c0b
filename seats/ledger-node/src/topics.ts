/** The topics of resources/, and their routes. */

export const TOPIC = "payment-update-paystatus-topic";
export const DEAD_LETTERS = `${TOPIC}.ledger.dlq`;
export const PUBSUB = "ledger-pubsub";

/** By route in resources/: the SDK's own for the same subscription (its SubscriptionManager writes "-" for "."). */
export const ROUTES = new Map([
  ["/events/payment-status", `/${PUBSUB}--${TOPIC}--default`],
  ["/events/dead-letters/payment-update-paystatus-topic", `/${PUBSUB}--${DEAD_LETTERS.replaceAll(".", "-")}--default`],
]);
