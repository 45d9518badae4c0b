// Months as "2026-12", of the calendar alone: no zone is involved.
import { page } from "./page.js";

const DAY_MS = 86400000;
const A_MONDAY = Date.UTC(2024, 0, 1);
const first = (month) => new Date(`${month}-01T00:00:00Z`);

// The month so many later, or earlier.
export function isoMonths(month, step) {
  const day = first(month);
  day.setUTCMonth(day.getUTCMonth() + step);
  return day.toISOString().slice(0, 7);
}

export const lastOf = (month) => new Date(first(isoMonths(month, 1)) - DAY_MS).getUTCDate();

// 0 for Monday.
export const weekdayOf = (date) => (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;

export const monthHeading = (month) => new Intl.DateTimeFormat(page.language, { timeZone: "UTC", year: "numeric", month: "long" }).format(first(month));

// Monday first; in one letter where a language has such.
export function weekdayNames(width = "narrow") {
  const format = new Intl.DateTimeFormat(page.language, { timeZone: "UTC", weekday: width });
  return Array.from({ length: 7 }, (_, index) => format.format(new Date(A_MONDAY + index * DAY_MS)));
}
