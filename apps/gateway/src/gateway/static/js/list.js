// A list that is read by id, newest first, a page at a time.
import { call } from "./api.js";
import { byId } from "./page.js";
import { complainWithRetry, h } from "./ui.js";

const PAGE_SIZE = 20;

export class Listing {
  constructor(path, show) {
    Object.assign(this, { path, show, filter: {}, lastId: 0, round: 0 });
    byId("more").addEventListener("click", () => this.more());
  }

  restart(filter = this.filter) {
    this.filter = filter;
    this.lastId = 0;
    this.round += 1;
    byId("orders").replaceChildren(...[1, 2, 3].map(() => h("li", { class: "card skeleton low", "aria-hidden": true })));
    byId("empty").hidden = true;
    return this.more();
  }

  async more() {
    const round = this.round;
    const list = byId("orders");
    try {
      const { list: found = [] } = await call(this.path, { lastId: this.lastId, pageSize: PAGE_SIZE, ...this.filter }, { as: "user" });
      if (round !== this.round) return; // another filter was chosen meanwhile
      if (this.lastId === 0) list.replaceChildren();
      list.append(...found.map(this.show));
      this.lastId = Number(found.at(-1)?.id ?? 0);
      byId("more").hidden = found.length < PAGE_SIZE;
      byId("empty").hidden = list.children.length > 0;
      byId("problem").hidden = true;
    } catch (error) {
      if (this.lastId === 0) list.replaceChildren();
      if (error.status === 403) throw error;
      complainWithRetry(byId("problem"), error, () => this.more());
    } finally {
      list.setAttribute("aria-busy", "false");
    }
  }
}
