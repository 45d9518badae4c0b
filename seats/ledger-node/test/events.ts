/** What tests say of a payment. */

export const PAYMENT = "PMT2026112309310087654321";
export const ORDER = "HSO2026112309302612345678";

let ids = 0;

/** A CloudEvent as payment publishes it; `data` and `envelope` replace members. */
export function event(data: Record<string, unknown> = {}, envelope: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    specversion: "1.0",
    id: `event-${++ids}`,
    source: "minsu/payment",
    type: "minsu.payment.paystatus-updated.v2",
    subject: PAYMENT,
    time: "2026-11-23T01:31:21Z",
    datacontenttype: "application/json",
    data: {
      orderSn: ORDER,
      serviceType: "homestayOrder",
      paymentSn: PAYMENT,
      payStatus: 1,
      totalFen: 19900,
      refundedFen: 0,
      payTime: "2026-11-23T01:31:20Z",
      version: 2,
      ...data,
    },
    ...envelope,
  };
}

/** The same payment after so much went back. */
export function refunded(fen: number, version: number, envelope: Record<string, unknown> = {}): Record<string, unknown> {
  return event({ refundedFen: fen, payStatus: fen === 19900 ? 2 : 1, version }, { time: "2026-11-24T16:00:01Z", ...envelope });
}
