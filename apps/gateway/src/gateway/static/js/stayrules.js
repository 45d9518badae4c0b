// Which stays a homestay's nights allow. Nights are texts, "YYYY-MM-DD". Pure: no clock, no page.
import { addDays } from "./ui.js";

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
