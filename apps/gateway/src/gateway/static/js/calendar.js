// Two months of free nights with their prices; two taps choose arrival and departure. It shows what travel knows, which may lag
// some seconds: the sale itself decides, and nights that it refused are passed to `full`.
import { call } from "./api.js";
import { isoMonths, lastOf, monthHeading, weekdayNames, weekdayOf } from "./months.js";
import { page, t } from "./page.js";
import { addDays, complainWithRetry, h, money, shortDate } from "./ui.js";

const MONTHS = 2;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const WEEKDAYS = weekdayNames(page.language === "en" ? "short" : "narrow");
const monthOf = (date) => date.slice(0, 7);

export class Calendar {
  // `place` holds #months, #months-back, #months-on, #calendar-hint and #calendar-problem; `chosen(start, end)` is called after each tap.
  constructor(place, rules, { homestayId, chosen }) {
    Object.assign(this, { rules, homestayId, chosen, start: "", end: "", departing: false, sold: new Set(), asked: new Map() });
    this.part = (id) => place.querySelector(`#${id}`);
    this.first = monthOf(rules.today);
    this.part("months-back").addEventListener("click", () => this.#turn(-1));
    this.part("months-on").addEventListener("click", () => this.#turn(1));
    this.part("months").addEventListener("keydown", (event) => this.#walk(event));
  }

  // Shows a stay that was chosen elsewhere, by the date fields or a suggestion.
  choose(start, end) {
    const turned = start !== this.start && monthOf(start) > isoMonths(this.first, MONTHS - 1);
    Object.assign(this, { start, end, departing: false });
    if (turned || monthOf(start) < this.first) this.first = monthOf(start);
    return this.load();
  }

  full(night) {
    this.sold.add(night);
    this.#draw();
  }

  set units(count) {
    this.rules.units = count;
    this.#draw();
  }

  async load() {
    this.#draw();
    this.part("calendar-problem").hidden = true;
    try {
      await Promise.all(this.#shown().map((month) => this.#ask(month)));
    } catch (error) {
      complainWithRetry(this.part("calendar-problem"), { ...error, message: t("calendar_down") }, () => this.load());
    }
    this.#draw();
  }

  #shown = () => Array.from({ length: MONTHS }, (_, index) => isoMonths(this.first, index));

  #ask(month) {
    if (!this.asked.has(month)) {
      const answer = call("/travel/v1/homestay/homestayCalendar", { id: this.homestayId, month }).then(({ nights = [] }) => {
        for (const night of nights) this.rules.nights.set(night.night, night);
      });
      answer.catch(() => this.asked.delete(month)); // asked again by the next look
      this.asked.set(month, answer);
    }
    return this.asked.get(month);
  }

  #turn(months) {
    this.first = isoMonths(this.first, months);
    this.load();
  }

  #tap(date) {
    if (this.departing && this.rules.canDepart(date, this.start)) Object.assign(this, { end: date, departing: false });
    else Object.assign(this, { start: date, end: addDays(date, this.rules.minNights), departing: true });
    this.#draw();
    this.#focus(date);
    this.chosen(this.start, this.end);
  }

  #walk(event) {
    const date = event.target.dataset?.date;
    if (!date || !(event.key in STEPS)) return;
    event.preventDefault();
    const days = [...this.part("months").querySelectorAll("button:enabled")];
    const goal = addDays(date, STEPS[event.key]);
    const next = STEPS[event.key] > 0 ? days.find((day) => day.dataset.date >= goal) : days.findLast((day) => day.dataset.date <= goal);
    if (next) this.#focus(next.dataset.date);
  }

  #focus(date) {
    for (const day of this.part("months").querySelectorAll("button")) day.tabIndex = day.dataset.date === date ? 0 : -1;
    this.part("months").querySelector(`[data-date="${date}"]`)?.focus();
  }

  #draw() {
    for (const night of this.sold) if (this.rules.nights.has(night)) this.rules.nights.get(night).free = 0;
    this.part("months").replaceChildren(...this.#shown().map((month) => this.#month(month)));
    const enabled = [...this.part("months").querySelectorAll("button:enabled")];
    for (const day of enabled) day.tabIndex = -1;
    const entry = enabled.find((day) => day.dataset.date === this.start) ?? enabled[0];
    if (entry) entry.tabIndex = 0; // one stop for the Tab key, arrows inside
    this.part("months-back").disabled = this.first <= monthOf(this.rules.today);
    this.part("months-on").disabled = isoMonths(this.first, MONTHS) > monthOf(this.rules.lastStart);
    this.part("calendar-hint").textContent = t(this.departing ? "choose_departure" : "choose_arrival");
  }

  #month(month) {
    const thisWeek = addDays(this.rules.today, -weekdayOf(this.rules.today)); // weeks before it are not shown
    const dates = Array.from({ length: lastOf(month) }, (_, index) => addDays(`${month}-01`, index)).filter((date) => date >= thisWeek);
    const name = monthHeading(month);
    const heads = WEEKDAYS.map((weekday) => h("span", { class: "weekday", "aria-hidden": true }, weekday));
    const gap = dates.length ? Array.from({ length: weekdayOf(dates[0]) }, () => h("span")) : [];
    return h("div", { role: "group", "aria-label": name, "data-month": month, "aria-busy": !dates.some((date) => this.rules.nights.has(date)) && "true" },
      h("h3", { "aria-hidden": true }, name), h("div", { class: "days" }, heads, gap, dates.map((date) => this.#day(date))));
  }

  #day(date) {
    const { rules } = this;
    const night = rules.nights.get(date);
    const free = rules.isFree(date);
    const past = date < rules.today;
    const state = past || !night ? "" : night.closed ? "closed" : free ? "free" : "taken";
    const words = state === "free" ? money(night.priceFen, { short: true }) : { closed: t("night_closed_short"), taken: t("night_taken_short") }[state] ?? "";
    const usable = (this.departing && rules.canDepart(date, this.start)) || rules.canArrive(date);
    const place = date === this.start ? "start" : date === this.end ? "end" : date > this.start && date < this.end ? "between" : false;
    const spoken = [shortDate(date), words, place === "start" && t("arrival"), place === "end" && t("departure")].filter(Boolean).join(t("comma"));
    return h("button", {
      type: "button", class: "day", disabled: !usable, "data-date": date, "data-state": state, "data-place": place,
      "aria-label": spoken, "aria-pressed": String(Boolean(place)), onclick: () => this.#tap(date),
    }, h("b", {}, String(Number(date.slice(8)))), h("small", {}, words));
  }
}
