// Numbers of the public API (contracts/openapi): tradeState of an order, payStatus of a payment, rowType of a homestay.
export const CANCELLED = -1;
export const WAIT_PAY = 0;
export const WAIT_USE = 1;
export const USED = 2;
export const REFUNDED = 3;
export const EXPIRED = 4;
export const TRADE_STATES = [WAIT_PAY, WAIT_USE, USED, REFUNDED, EXPIRED, CANCELLED];

export const PAYMENT_CLOSED = -1;
export const NOT_PAID = 0;
export const PAID = 1;
export const PAYMENT_REFUNDED = 2;

export const BY_PERSON = 1;
