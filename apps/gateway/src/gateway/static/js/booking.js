// The booking form: dates from the fields or the calendar, a quote for what they cost, and the order. No amount is computed here.
import { Refusal, call, newKey } from "./api.js";
import { Calendar } from "./calendar.js";
import { byId, page, t } from "./page.js";
import { nearestStays, quoteLines } from "./quote.js";
import { session, toSignIn } from "./session.js";
import { BY_PERSON } from "./states.js";
import { StayRules } from "./stayrules.js";
import { addDays, busy, complain, debounced, isDate, nightsBetween, shortDate, today, unixOf } from "./ui.js";

const QUOTE_AFTER_MS = 250;
const DRAFT = `minsu.draft.${page.homestayId}`;

export function booking({ peopleNum, rowType, minNights = 1, maxNights, daysAhead }) {
  const form = byId("booking");
  const rules = new StayRules({ today: today(), minNights, maxNights, daysAhead });
  const calendar = new Calendar(byId("calendar"), rules, { homestayId: page.homestayId, chosen: dates });
  const soon = debounced(QUOTE_AFTER_MS, ask);
  let key = newKey();
  let booked = ""; // what the present key stands for
  let round = 0;

  const request = () => ({
    start: form.start.value,
    end: form.end.value,
    people: Number(form.people.value),
    food: form.food.checked,
    remark: form.remark.value,
  });

  const body = ({ start, end, people, food }) => ({
    homestayId: page.homestayId,
    isFood: food,
    liveStartTime: unixOf(start),
    liveEndTime: unixOf(end),
    livePeopleNum: people,
  });

  // What was typed before signing in, else what the search asked for, else tonight.
  function begin() {
    const asked = new URLSearchParams(location.search);
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null") ?? Object.fromEntries(asked);
    sessionStorage.removeItem(DRAFT);
    const start = isDate(draft.start) && draft.start >= rules.today ? draft.start : rules.today;
    form.start.min = rules.today;
    form.start.max = rules.lastStart;
    form.people.max = peopleNum;
    form.people.value = Math.min(Number(draft.people) || 2, peopleNum);
    form.food.checked = draft.food === true;
    form.remark.value = draft.remark ?? "";
    byId("limit").textContent = t("people_limit", { n: peopleNum });
    dates(start, isDate(draft.end) && draft.end > start ? draft.end : addDays(start, minNights));
    calendar.choose(form.start.value, form.end.value);
  }

  function dates(start, end) {
    form.start.value = start;
    form.end.value = end;
    changed();
  }

  function changed() {
    const { start, people } = request();
    if (start) form.end.min = addDays(start, minNights);
    byId("fewer").disabled = people <= 1;
    byId("more").disabled = people >= peopleNum;
    const units = rowType === BY_PERSON ? people : 1;
    if (units !== rules.units && units >= 1) calendar.units = units;
    byId("booking-problem").hidden = true;
    byId("estimate").setAttribute("aria-busy", "true");
    round += 1; // a quote of other dates is old by now
    soon();
  }

  // Throws a Refusal that names the field.
  function check({ start, end, people }) {
    if (!(nightsBetween(start, end) >= 1)) throw new Refusal(t("wrong_dates"), { field: "liveEndTime" });
    if (!(people >= 1 && people <= peopleNum)) throw new Refusal(t("wrong_people", { n: peopleNum }), { field: "livePeopleNum" });
  }

  async function ask() {
    const mine = (round += 1);
    try {
      const wanted = request();
      check(wanted);
      const quote = await call("/order/v1/homestayOrder/quoteHomestayOrder", body(wanted));
      if (mine !== round) return;
      byId("estimate").replaceChildren(...quoteLines(quote));
      unavailable(quote.fullNight, quote.closedNight, quote.nearest);
    } catch (error) {
      if (mine !== round) return;
      byId("estimate").replaceChildren();
      byId("nearest").replaceChildren();
      complain(byId("quote-problem"), error);
    }
    byId("estimate").removeAttribute("aria-busy");
  }

  // Says which night is gone, here and in the calendar, and offers the nearest stays that are free.
  function unavailable(full, closed, nearest) {
    const night = full ?? closed;
    byId("quote-problem").hidden = true;
    byId("nearest").replaceChildren(...nearestStays(night ? nearest : [], (start, end) => {
      form.start.removeAttribute("aria-invalid");
      dates(start, end);
      calendar.choose(start, end);
      byId("book").focus();
    }));
    if (!night) return;
    if (full) calendar.full(full);
    const message = t(full ? "night_full" : "night_closed", { date: shortDate(night) });
    if (byId("booking-problem").hidden) complain(byId("quote-problem"), { message });
  }

  async function book() {
    const wanted = request();
    check(wanted);
    if (!session()) {
      sessionStorage.setItem(DRAFT, JSON.stringify(wanted));
      return toSignIn();
    }
    const order = { ...body(wanted), remark: wanted.remark };
    if (booked && booked !== JSON.stringify(order)) key = newKey();
    booked = JSON.stringify(order);
    const { orderSn } = await call("/order/v1/homestayOrder/createHomestayOrder", order, { as: "user", key });
    location.assign(`/pay/${orderSn}`);
    return new Promise(() => {});
  }

  form.addEventListener("input", (event) => {
    if (event.target === form.remark) return;
    if (event.target === form.start && form.start.value && form.end.value <= form.start.value) form.end.value = addDays(form.start.value, minNights);
    if (form.start.value && form.end.value > form.start.value) calendar.choose(form.start.value, form.end.value);
    changed();
  });
  for (const [id, step] of [["fewer", -1], ["more", 1]]) {
    byId(id).addEventListener("click", () => {
      form.people.value = Math.min(peopleNum, Math.max(1, Number(form.people.value) + step));
      changed();
    });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("booking-problem").hidden = true;
    for (const input of form.elements) input.removeAttribute("aria-invalid");
    try {
      await busy(byId("book"), t("submitting"), book);
    } catch (error) {
      if (error.night) error.message = t(error.slug === "night-closed" ? "night_closed" : "night_full", { date: shortDate(error.night) });
      complain(byId("booking-problem"), error);
      const wrong = error.field && form.elements.namedItem(error.field);
      if (wrong) wrong.setAttribute("aria-invalid", "true");
      if (error.night) {
        ask(); // the quote knows which stays are still free: they are shown where the reader is
        byId("booking-problem").scrollIntoView({ block: "center" });
      } else wrong?.focus();
    }
  });
  begin();
}
