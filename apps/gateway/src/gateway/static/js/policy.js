// How much of an order comes back when it is cancelled, as the order service has computed it: pages only show it.
import { t } from "./page.js";
import { h, money, momentOf } from "./ui.js";

const NAMES = { flexible: "policy_flexible", moderate: "policy_moderate", strict: "policy_strict" };

export const policyName = (policy) => (policy in NAMES ? t(NAMES[policy]) : "");

// `steps`: [{until, percent, refundFen}], the last with `until` null; those that have passed are left out.
export function policySteps(steps = []) {
  const open = steps.filter(({ until }) => !until || Date.parse(until) > Date.now());
  if (!open.length) return "";
  return h("ul", { class: "policy", "data-testid": "refund-steps" }, open.map(({ until, percent, refundFen }, index) => {
    const when = until ? t("policy_before", { time: momentOf(until) }) : t(index ? "policy_afterwards" : "policy_now");
    const back = percent > 0 ? t("policy_back", { amount: money(refundFen), percent }) : t("policy_nothing");
    return h("li", { class: percent === 100 ? "whole" : percent > 0 ? "part" : "none" }, h("span", {}, when), h("strong", {}, back));
  }));
}

export function policyCard(policy, steps) {
  const list = policySteps(steps);
  if (!policy && !list) return [];
  return [h("h2", {}, t("policy_heading"), " ", policyName(policy) && h("span", { class: "chip" }, policyName(policy))), list].filter(Boolean);
}
