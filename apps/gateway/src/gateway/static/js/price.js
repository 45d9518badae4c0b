// The preview of an order's price; what counts is the price that the order service returns. The rule stands also in
// apps/order/src/order/pricing.py (quote) and, for one person, in apps/travel/src/travel/repository.py (the lowest price of a shop).
export function priceOf({ homestayPriceFen, foodPriceFen, byPerson }, { nights, people, food }) {
  const roomFen = nights * homestayPriceFen * (byPerson ? people : 1);
  const foodFen = food ? foodPriceFen * people * nights : 0;
  return { roomFen, foodFen, totalFen: roomFen + foodFen };
}
