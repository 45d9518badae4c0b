import "./shell.js";
import { Refusal, call } from "./api.js";
import { byId, page, t } from "./page.js";
import { policyCard } from "./policy.js";
import { WAIT_PAY } from "./states.js";
import { busy, complain, complainWithRetry, fen, money, timeOf } from "./ui.js";
import { staySummary } from "./stay.js";

// A repeated request returns the same open payment: a double click never pays twice.
async function prepay() {
  try {
    return await call("/payment/v1/thirdPayment/thirdPaymentWxPay", { orderSn: page.sn, serviceType: "homestayOrder" }, { as: "user" });
  } catch (error) {
    if (error.slug === "wechat-not-linked") throw new Refusal(`${error.message} ${t("mini_program_only")}`, error);
    throw error;
  }
}

// What a mini-program hands to wx.requestPayment, under the names used there.
function forMiniProgram(answer) {
  return {
    appId: answer.appid,
    timeStamp: answer.timestamp,
    nonceStr: answer.nonceStr,
    package: answer.package,
    signType: answer.signType,
    paySign: answer.paySign,
  };
}

function cashier(answer) {
  const address = new URL(page.cashierUrl);
  address.searchParams.set("prepay_id", answer.package.replace(/^prepay_id=/, ""));
  address.searchParams.set("return_url", `${page.publicUrl || location.origin}/waiting/${page.sn}`);
  return address.href;
}

async function pay() {
  byId("problem").hidden = true;
  try {
    await busy(byId("pay"), t("going_to_pay"), async () => {
      const answer = await prepay();
      byId("parameters").textContent = JSON.stringify(forMiniProgram(answer), null, 2);
      if (!page.cashierUrl) return byId("developers").setAttribute("open", "");
      location.assign(cashier(answer));
      return new Promise(() => {});
    });
  } catch (error) {
    complain(byId("problem"), error);
    if (error.status === 409) load(); // paid or closed meanwhile: then the order's own page says so
  }
}

async function load() {
  try {
    const order = await call("/order/v1/homestayOrder/userHomestayOrderDetail", { sn: page.sn }, { as: "user" });
    if (order.tradeState !== WAIT_PAY || order.closing) return location.replace(`/orders/${page.sn}`);
    byId("stay").replaceChildren(staySummary(order));
    byId("amount").textContent = money(fen(order.orderTotalPrice));
    if (order.closeTime) byId("until").textContent = t("pay_until", { time: timeOf(order.closeTime) });
    const policy = policyCard(order.cancelPolicy, order.refundSteps);
    byId("policy").replaceChildren(...policy);
    byId("policy").hidden = policy.length === 0;
    byId("summary").hidden = false;
  } catch (error) {
    if (error.status === 404) complain(byId("problem"), error);
    else complainWithRetry(byId("problem"), error, load);
  }
}

byId("pay").addEventListener("click", pay);
byId("developers").addEventListener("toggle", async () => {
  if (!byId("developers").open || byId("parameters").textContent.startsWith("{")) return;
  try {
    byId("parameters").textContent = JSON.stringify(forMiniProgram(await prepay()), null, 2);
  } catch (error) {
    byId("parameters").textContent = error.message;
  }
});
// Back from the cashier by the browser's own button: the page may come out of its cache, still saying "opening".
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
load();
