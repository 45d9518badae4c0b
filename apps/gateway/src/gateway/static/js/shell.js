// The top of every page: who is signed in, and the way out.
import { signOut } from "./api.js";
import { byId } from "./page.js";
import { session } from "./session.js";

const mine = session();
byId("nav-signin").hidden = Boolean(mine);
byId("nav-signout").hidden = !mine;
byId("nav-merchant").hidden = !mine?.roles?.includes("merchant");
byId("nav-signout").addEventListener("click", signOut);

// The switch keeps the rest of the address.
for (const link of document.querySelectorAll("a.lang")) {
  const here = new URL(location.href);
  here.searchParams.set("lang", new URL(link.href).searchParams.get("lang"));
  link.href = here.href; // whole: a path that begins with // would be taken for another host
}

// Back from another page a browser may show this one out of its memory, with what a session saw that has ended since.
window.addEventListener("pageshow", (event) => {
  if (event.persisted && session()?.id !== mine?.id) location.reload();
});
