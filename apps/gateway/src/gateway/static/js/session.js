// The tokens live in sessionStorage: gone with the tab, never sent by the browser on its own (so no cross-site request can use
// them). The page's policy lets only our own scripts run, which is what keeps others from reading them.
const KEY = "minsu.session";
const DEVICE = "minsu.device";

export function session() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

// A duplicate of a tab has a copy of its tokens, and a refresh token can be used once: who gets new ones passes them on.
const tabs = new BroadcastChannel(KEY);
tabs.onmessage = ({ data: { id, kept } }) => {
  if (session()?.id === id) store(kept);
};

export function keep(token) {
  const { roles = [], sid = "" } = claimsOf(token.accessToken);
  pass({ ...token, roles, id: sid }, sid);
}

// That this device has signed in before. It opens nothing: only failed attempts of strangers do not slow its owner down.
export function device() {
  return localStorage.getItem(DEVICE) ?? "";
}

export function rememberDevice(token) {
  if (token) localStorage.setItem(DEVICE, token);
}

export function forget() {
  pass(null, session()?.id);
}

function pass(kept, id) {
  store(kept);
  if (id) tabs.postMessage({ id, kept });
}

function store(kept) {
  if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept));
  else sessionStorage.removeItem(KEY);
}

// For what to show only; every service verifies the token and its roles itself.
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return {};
  }
}

export function toSignIn() {
  location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
  return new Promise(() => {}); // the page is on its way out
}
