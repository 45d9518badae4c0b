// For order pages and lists; the page after paying polls by its own times, in waiting.js.
// What a page shows stays true while it is open: it looks again when the reader comes back to it and, now and then, by itself.
const FIRST_MS = 1000;
const GROWTH = 1.5;
const LONGEST_MS = 15000;
const IDLE_MS = 60000;

// `look` returns whether work is in progress, which is polled sooner. It is called now, and by what `watch`
// returns: a function for when something has just been done.
export function watch(look) {
  let next = FIRST_MS;
  let timer = 0;

  async function again() {
    clearTimeout(timer);
    if (document.visibilityState !== "visible") return; // coming back begins anew
    const underWay = await look();
    clearTimeout(timer);
    timer = setTimeout(again, underWay ? next : IDLE_MS);
    next = Math.min(next * GROWTH, LONGEST_MS);
  }

  async function anew() {
    next = FIRST_MS;
    await again();
  }

  document.addEventListener("visibilitychange", anew);
  window.addEventListener("pageshow", (event) => { if (event.persisted) anew(); });
  again();
  return anew;
}
