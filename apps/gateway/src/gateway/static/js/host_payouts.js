import { fetchBlob } from "./api.js";
import { ask, hostOnly, load } from "./host_shell.js";
import { byId, t } from "./page.js";
import { addDays, busy, complain, h, money, row, shortDate, today } from "./ui.js";

const DAYS = 31; // at a time, each with all its homestays
const form = byId("csv");
let lastDay = "";

await hostOnly();
form.elements.to.value = form.elements.to.max = form.elements.from.max = today();
form.elements.from.value = addDays(today(), -30);

async function more() {
  const { list } = await ask("/payment/v1/host/payoutList", { pageSize: DAYS, ...(lastDay && { lastDay }) });
  byId("payouts").append(...list.map(statement));
  byId("payouts").setAttribute("aria-busy", "false");
  lastDay = list.at(-1)?.day ?? lastDay;
  byId("payouts-more").hidden = new Set(list.map(({ day }) => day)).size < DAYS;
  byId("payouts-empty").hidden = byId("payouts").children.length > 0;
}

// A day may end below nothing: of a refund that came after its stay was paid out.
const signed = (amountFen) => (amountFen < 0 ? `−${money(-amountFen)}` : money(amountFen));

function statement(payout) {
  const orders = h("ul", { class: "plain-list orders-of", "data-testid": "payout-orders" });
  const details = h("details", { "data-testid": "payout", "data-day": payout.day },
    h("summary", {},
      h("span", {}, h("strong", {}, shortDate(payout.day)), h("br"), h("small", { class: "soft" }, payout.title), " ", h("small", { class: "soft" }, t("n_orders", { n: payout.orders }))),
      h("strong", { class: "money" }, signed(payout.payableFen))),
    orders);
  details.addEventListener("toggle", () => { if (details.open && !orders.children.length) open(payout, orders); });
  return h("li", { class: "card item statement" }, details);
}

async function open({ day, homestayId }, place) {
  place.replaceChildren(h("li", { class: "soft" }, t("loading")));
  try {
    const { list } = await ask("/payment/v1/host/payoutOrders", { day, homestayId });
    place.replaceChildren(...list.map((order) => h("li", { "data-sn": order.sn },
      h("p", { class: "mono small" }, order.sn),
      h("dl", { class: "lines" },
        ...(order.totalFen ? row(t("payout_total"), money(order.totalFen)) : []),
        ...(order.refundedFen ? row(t("payout_refunded"), signed(-order.refundedFen)) : []),
        ...(order.feeFen ? row(t("payout_fee"), signed(-order.feeFen)) : []),
        ...row(t("payout_payable"), signed(order.payableFen), { class: "total" })))));
  } catch (error) {
    const problem = h("li", { class: "note bad" });
    complain(problem, error);
    place.replaceChildren(problem);
  }
}

byId("payouts-more").addEventListener("click", () => load(more));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("csv-problem").hidden = true;
  const [from, to] = [form.elements.from.value, form.elements.to.value];
  try {
    const file = await busy(byId("csv-button"), "", () => fetchBlob("/payment/v1/host/payoutCsv", { from, to }));
    const link = h("a", { href: URL.createObjectURL(file), download: `payouts-${from}-${to}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } catch (error) {
    complain(byId("csv-problem"), error);
  }
});

await load(more);
