// The preview of an order's price, by the rules the order service uses; what counts is what that service answers.
export function priceOf({ homestayPriceFen, foodPriceFen, byPerson }, { nights, people, food }) {
  const roomFen = nights * homestayPriceFen * (byPerson ? people : 1);
  const foodFen = food ? foodPriceFen * people * nights : 0;
  return { roomFen, foodFen, totalFen: roomFen + foodFen };
}
