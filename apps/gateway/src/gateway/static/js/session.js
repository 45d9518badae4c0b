// The token lives in sessionStorage: gone with the tab, never sent by itself to anybody (so no cross-site request can use it).
// The page's policy lets only our own scripts run, which is what keeps others from reading it.
const KEY = "minsu.session";

export function session() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function keep(token) {
  const roles = rolesOf(token.accessToken);
  sessionStorage.setItem(KEY, JSON.stringify({ ...token, roles }));
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

// For what to show only; every service verifies the token and its roles itself.
function rolesOf(token) {
  try {
    const claims = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(claims)).roles ?? [];
  } catch {
    return [];
  }
}

export function toSignIn() {
  location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
  return new Promise(() => {}); // the page is on its way out
}
