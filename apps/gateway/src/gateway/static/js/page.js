// The server's data for this page: texts in the reader's language, the cashier, and the order or homestay shown.
export const page = JSON.parse(document.getElementById("page-data").textContent);

export const byId = (id) => document.getElementById(id);

// {n} is the value; {n:night|nights} the word for one of them, and for any other number.
export function t(key, values = {}) {
  const text = page.words[key] ?? key;
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (whole, name, one, other) => {
    if (other !== undefined) return Number(values[name]) === 1 ? one : other;
    return values[name] ?? whole;
  });
}
