// Months and nights as texts, "YYYY-MM" and "YYYY-MM-DD", and which stays a calendar allows. Pure: no clock, no page.
import { addDays } from "./ui.js";

export const monthOf = (date) => date.slice(0, 7);

export function addMonths(month, count) {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + count, 1)).toISOString().slice(0, 7);
}

export function datesOf(month) {
  const [year, number] = month.split("-").map(Number);
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length }, (_, index) => addDays(`${month}-01`, index));
}

// 0 is Monday, as weeks begin in China.
export const weekdayOf = (date) => (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;

// A homestay's nights by date, its limits, and how many units (rooms, or beds) the stay takes of each night.
export class StayRules {
  constructor({ today, minNights = 1, maxNights = 90, daysAhead = 365 }) {
    Object.assign(this, { today, minNights, maxNights, lastStart: addDays(today, daysAhead), nights: new Map(), units: 1 });
  }

  // Whether a night can be slept: true, false, or undefined where its month is not known yet.
  isFree(date) {
    const night = this.nights.get(date);
    return night && !night.closed && night.free >= this.units;
  }

  canArrive(date) {
    if (date < this.today || date > this.lastStart || !this.isFree(date)) return false;
    return this.#nightsFrom(date, (free) => free !== false) >= this.minNights;
  }

  // A day of departure needs no free night of its own: the last night is the one before it.
  canDepart(date, start) {
    if (!start || date < addDays(start, this.minNights)) return false;
    return date <= addDays(start, this.#nightsFrom(start, Boolean));
  }

  #nightsFrom(start, goesOn) {
    let count = 0;
    while (count < this.maxNights && goesOn(this.isFree(addDays(start, count)))) count += 1;
    return count;
  }
}
