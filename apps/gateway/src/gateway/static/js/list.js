// A list that is read by id, newest first, a page at a time. Its parts in the page are named after it: `orders`, `orders-more`, …
import { call } from "./api.js";
import { byId } from "./page.js";
import { complainWithRetry, h } from "./ui.js";

const PAGE_SIZE = 20;
const MOST = 100; // what the API gives at a time

export class Listing {
  constructor(name, path, show, { changed = () => {}, forbidden = null } = {}) {
    Object.assign(this, { path, show, changed, forbidden, filter: {}, rows: [], round: 0, busy: false });
    [this.list, this.button, this.empty, this.problem] = ["", "-more", "-empty", "-problem"].map((part) => byId(name + part));
    this.button.addEventListener("click", () => this.more());
  }

  get orders() {
    return this.rows.map((row) => row.order);
  }

  get hasMore() {
    return !this.button.hidden;
  }

  restart(filter = this.filter) {
    this.filter = filter;
    this.rows = [];
    this.list.replaceChildren(...[1, 2, 3].map(() => h("li", { class: "card skeleton low", "aria-hidden": true })));
    this.empty.hidden = this.button.hidden = true;
    return this.more();
  }

  async look() {
    if (!this.round) return this.restart();
    await this.reading; // what the reader asked for comes first
    return this.refresh();
  }

  more() {
    this.#work(true);
    const last = Number(this.rows.at(-1)?.order.id ?? 0);
    this.reading = this.#read(last, PAGE_SIZE, (found) => [...this.rows, ...found.map((order) => this.#row(order))]);
    return this.reading;
  }

  // What is known to have left this list, before the next answer says so; one that is under way is old by now.
  drop(sn) {
    this.round += 1;
    this.#place(this.rows.filter((row) => row.order.sn !== sn));
  }

  // The same rows again, as they are now. What has not changed disturbs no reader and no typing.
  refresh() {
    const size = Math.min(Math.max(this.rows.length, PAGE_SIZE), MOST);
    const known = new Map(this.rows.map((row) => [row.said, row]));
    return this.#read(0, size, (found) => found.map((order) => known.get(JSON.stringify(order)) ?? this.#row(order)));
  }

  #row(order) {
    return { order, said: JSON.stringify(order), item: this.show(order) };
  }

  async #read(lastId, pageSize, rowsOf) {
    const round = (this.round += 1);
    const asked = this.busy; // a refresh that the user did not ask for: its failure is not shown
    try {
      const { list: found = [] } = await call(this.path, { lastId, pageSize, ...this.filter }, { as: "user" });
      if (round !== this.round) return; // another filter was chosen meanwhile, or the like
      this.button.hidden = found.length < pageSize;
      this.#place(rowsOf(found));
      this.problem.hidden = true;
    } catch (error) {
      if (round !== this.round) return;
      if (!this.rows.length) this.list.replaceChildren();
      if (error.status === 403 && this.forbidden) this.forbidden(error);
      else if (asked) complainWithRetry(this.problem, error, () => (this.rows.length ? this.more() : this.restart()));
    } finally {
      if (round === this.round) this.#work(false);
    }
  }

  #work(busy) {
    this.busy = busy;
    this.list.setAttribute("aria-busy", String(busy));
  }

  #place(rows) {
    const focused = document.activeElement;
    const items = rows.map((row) => row.item);
    const same = items.length === this.list.children.length && items.every((item, index) => item === this.list.children[index]);
    this.rows = rows;
    if (!same) this.list.replaceChildren(...items);
    if (this.list.contains(focused)) focused.focus({ preventScroll: true });
    this.empty.hidden = items.length > 0;
    this.changed();
  }
}
