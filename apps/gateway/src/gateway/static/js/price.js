// The preview of an order's price; what counts is the price that the order service returns. The rule stands also in
// apps/order/src/order/pricing.py (quote); apps/travel/src/travel/repository.py has the room alone (the lowest price of a shop). The
// lines below the form tell it in words: line_room, line_food … in locale/*.toml, filled in by estimate() in homestay.js.
export function priceOf({ homestayPriceFen, foodPriceFen, byPerson }, { nights, people, food }) {
  const roomFen = nights * homestayPriceFen * (byPerson ? people : 1);
  const foodFen = food ? foodPriceFen * people * nights : 0;
  return { roomFen, foodFen, totalFen: roomFen + foodFen };
}
