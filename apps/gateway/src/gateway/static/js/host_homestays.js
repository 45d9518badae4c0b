import { hostOnly } from "./host_shell.js";
import { Listing } from "./list.js";
import { t } from "./page.js";
import { coverOf, saleChip } from "./host_stay.js";
import { h, money, picture } from "./ui.js";

await hostOnly();

function item(homestay) {
  return h("li", { "data-testid": "host-homestay", "data-id": homestay.id },
    h("a", { class: "card item", href: `/host/homestays/${homestay.id}` },
      h("div", { class: "summary" },
        picture(coverOf(homestay), "", { class: "thumb" }),
        h("div", {},
          h("p", { class: "marks" }, saleChip(homestay)),
          h("p", { class: "name" }, homestay.title),
          h("p", { class: "soft small" }, t("price_stock", { price: money(homestay.homestayPriceFen, { short: true }), n: homestay.stock }))))));
}

new Listing("homestays", "/travel/v1/host/homestayList", item).restart();
