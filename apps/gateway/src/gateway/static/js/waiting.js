// Polls the payment's status at the backend. What the cashier or the phone reports never counts here.
import "./shell.js";
import { call } from "./api.js";
import { byId, page, t } from "./page.js";
import { NOT_PAID, PAID, PAYMENT_CLOSED, PAYMENT_REFUNDED, WAIT_PAY, WAIT_USE } from "./states.js";

const FIRST_MS = 400;
const LONGEST_MS = 10000;
const GROWTH = 1.35;
const LONG_SECONDS = 20;
const TEXTS = { [PAYMENT_CLOSED]: "waiting_closed", [PAID]: "waiting_paid", [PAYMENT_REFUNDED]: "waiting_paid" };
const began = Date.now();

async function look() {
  const order = await call("/order/v1/homestayOrder/userHomestayOrderDetail", { sn: page.sn }, { as: "user" });
  if (order.tradeState === WAIT_USE) return location.replace(`/paid/${page.sn}`) ?? "done";
  if (order.tradeState !== WAIT_PAY) return location.replace(`/orders/${page.sn}`) ?? "done";
  const payment = await paymentStatus();
  byId("payment-status").textContent = t(TEXTS[payment.payStatus] ?? "waiting_unconfirmed");
  return payment.payStatus === PAID ? "soon" : "later";
}

async function paymentStatus() {
  try {
    return await call("/payment/v1/thirdPayment/thirdPaymentStatus", { orderSn: page.sn }, { as: "user" });
  } catch (error) {
    if (error.status === 404) return { payStatus: NOT_PAID };
    throw error;
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const visible = () => document.visibilityState === "visible" || new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));

async function wait() {
  let next = FIRST_MS;
  for (;;) {
    let answer = "later";
    let least = 0;
    try {
      answer = await look();
    } catch (error) {
      if (error.status === 404) {
        byId("payment-status").textContent = error.message;
        return byId("spinner").classList.add("still");
      }
      byId("payment-status").textContent = t("waiting_trouble");
      least = error.retryAfter * 1000;
    }
    if (answer === "done") return undefined;
    next = answer === "soon" ? FIRST_MS : Math.min(next * GROWTH, LONGEST_MS);
    await pause(Math.max(next, least));
    await visible();
  }
}

setInterval(() => {
  const seconds = Math.round((Date.now() - began) / 1000);
  if (seconds >= 3) byId("elapsed").textContent = t("waiting_elapsed", { n: seconds });
  if (seconds >= LONG_SECONDS) byId("long").hidden = false;
}, 1000);
wait();
