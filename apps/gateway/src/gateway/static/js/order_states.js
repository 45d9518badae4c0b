// The row of states above a list of orders.
import { byId, t } from "./page.js";
import { TRADE_STATES } from "./states.js";
import { h } from "./ui.js";

const ALL = -99;

export function filters(listing) {
  const tab = (state, words) => h("button", { type: "button", "data-state": state, "aria-pressed": String(state === ALL) }, words);
  byId("filters").replaceChildren(tab(ALL, t("filter_all")), ...TRADE_STATES.map((state) => tab(state, t(`state_${state}`))));
  listing.filter = { tradeState: ALL };
  byId("filters").addEventListener("click", ({ target }) => {
    if (!target.dataset.state) return;
    for (const button of byId("filters").children) button.setAttribute("aria-pressed", String(button === target));
    target.scrollIntoView({ inline: "nearest", block: "nearest" });
    listing.restart({ tradeState: Number(target.dataset.state) });
  });
}
