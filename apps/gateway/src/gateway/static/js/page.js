// What the server says about this page: the words in the reader's language, the cashier, and which order or homestay it is of.
export const page = JSON.parse(document.getElementById("page-data").textContent);

export const byId = (id) => document.getElementById(id);

export function t(key, values = {}) {
  const text = page.words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
