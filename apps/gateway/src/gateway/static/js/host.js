import { Refusal, newKey } from "./api.js";
import { ask, hostApi, hostOnly, isHost, load, renewRoles } from "./host_shell.js";
import { calm, needAll, showRefusal } from "./host_forms.js";
import { byId, t } from "./page.js";
import { session, toSignIn } from "./session.js";
import { WAIT_USE } from "./states.js";
import { addDays, busy, complain, complainWithRetry, h, shortDate, stateChip, today } from "./ui.js";
import { watch } from "./watch.js";

const ORDER_LIST = "/order/v1/merchant/orderList";
const MOST_COUNTED = 20;
const SAID = ["shopName", "contactName", "contactMobile", "about"];
let day = today();
let round = 0;
let watching = false;

// ---- becoming a host

async function join() {
  byId("joining").hidden = false;
  const application = await hostApi("application");
  const { status, shopName, note } = application;
  if (status === "approved") {
    if (await renewRoles()) return location.reload();
    return standing("waiting", t("standing_preparing"));
  }
  if (status === "waiting") {
    standing(status, t("standing_waiting", { shop: shopName }));
    if (!watching) {
      watching = true;
      watch(() => load(join));
    }
    return;
  }
  if (status === "refused" && byId("standing").dataset.status !== status) { // what is being typed stays
    standing(status, t("standing_refused"), note);
    for (const name of SAID) byId("apply").elements[name].value = application[name];
  }
  byId("apply").hidden = false;
}

function standing(status, words, note = "") {
  const again = h("button", { type: "button", class: "link touch", onclick: () => load(join) }, t("look_again"));
  byId("apply").hidden = true;
  byId("standing").dataset.status = status;
  byId("standing").replaceChildren(h("p", { class: "strong" }, words), note ? h("blockquote", { class: "quote" }, note) : "", status === "waiting" ? again : "");
  byId("standing").hidden = false;
}

byId("apply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  calm(form, byId("apply-problem"));
  try {
    needAll(form);
    const body = Object.fromEntries(SAID.map((name) => [name, form.elements[name].value.trim()]));
    await busy(byId("apply-button"), t("sending"), () => hostApi("apply", body, { key: newKey() }));
    await load(join);
  } catch (error) {
    showRefusal(form, error, byId("apply-problem"));
  }
});

// ---- today

async function desk() {
  await hostOnly();
  byId("desk").hidden = false;
  byId("today").textContent = t("today_heading", { date: shortDate(today()) });
  const again = watch(look);
  byId("refresh").addEventListener("click", again);
  byId("days").addEventListener("click", ({ target }) => {
    if (!target.dataset.days) return;
    for (const button of byId("days").children) button.setAttribute("aria-pressed", String(button === target));
    day = addDays(today(), Number(target.dataset.days));
    again();
  });
  byId("verify").addEventListener("submit", (event) => verify(event, again));
}

async function look() {
  await Promise.all([arrivals(), refunds(), firstSteps()]);
  return false;
}

async function arrivals() {
  const mine = (round += 1);
  try {
    const { list } = await ask("/order/v1/merchant/arrivals", { day });
    if (mine !== round) return;
    byId("arrivals").replaceChildren(...list.map(arrival));
    byId("arrivals-empty").hidden = list.length > 0;
    byId("arrivals-problem").hidden = true;
  } catch (error) {
    if (mine === round) complainWithRetry(byId("arrivals-problem"), error, arrivals);
  }
  byId("arrivals").setAttribute("aria-busy", "false");
}

function arrival(order) {
  return h("li", { class: "card item arrival", "data-testid": "arrival", "data-sn": order.sn },
    h("div", { class: "row apart" }, h("p", { class: "name" }, order.title), stateChip(order)),
    h("p", { class: "soft small" }, t("nights_people", { nights: order.nights, people: order.livePeopleNum })),
    h("p", { class: "soft small mono" }, order.sn),
    order.tradeState === WAIT_USE ? h("button", { type: "button", class: "button plain wide", onclick: () => byId("code").focus() }, t("enter_code")) : "");
}

async function refunds() {
  const { list = [] } = await ask(ORDER_LIST, { pageSize: MOST_COUNTED, refundState: "asked" }).catch(() => ({}));
  byId("refunds").hidden = list.length === 0;
  byId("refunds-words").textContent = t("refunds_waiting", { n: list.length === MOST_COUNTED ? `${MOST_COUNTED}+` : list.length });
}

async function firstSteps() {
  const { list } = await hostApi("homestayList", { lastId: 0, pageSize: 1 }).catch(() => ({}));
  byId("first").hidden = list?.length !== 0;
}

async function verify(event, again) {
  event.preventDefault();
  const input = byId("code");
  const tradeCode = input.value.replace(/\s/g, "").toUpperCase();
  byId("verify-problem").hidden = byId("verify-done").hidden = true;
  input.removeAttribute("aria-invalid");
  try {
    if (!tradeCode) throw new Refusal(t("verify_empty"));
    const order = await busy(byId("verify-button"), "", () => ask("/order/v1/merchant/verifyTradeCode", { tradeCode }));
    byId("verify-done").textContent = t("verify_order", { title: order.title, sn: order.sn });
    byId("verify-done").hidden = false;
    input.value = "";
    again();
  } catch (error) {
    complain(byId("verify-problem"), error);
    input.setAttribute("aria-invalid", "true");
    input.select();
  }
}

if (!session()) await toSignIn();
if (isHost()) await desk();
else await load(join);
