// The pictures of a homestay: a strip to swipe; a tap shows one as large as the screen.
import { byId, t } from "./page.js";
import { firstPicture, h } from "./ui.js";

export function gallery(homestay) {
  const photos = homestay.photos?.length ? homestay.photos : [{ url: firstPicture(homestay.banner ?? homestay.cover), width: 800, height: 520 }];
  const strip = byId("gallery");
  const large = byId("photo");
  let shown = 0;

  const count = (index) => t("photo_of", { n: index + 1, all: photos.length });

  function enlarge(index) {
    shown = (index + photos.length) % photos.length;
    byId("photo-image").src = photos[shown].url;
    byId("photo-image").alt = `${homestay.title} ${count(shown)}`;
    byId("photo-count").textContent = count(shown);
    if (!large.open) large.showModal();
  }

  strip.replaceChildren(...photos.map(({ url, width, height }, index) => {
    const image = h("img", { alt: "", width, height, decoding: "async", loading: index ? "lazy" : "eager" });
    image.addEventListener("error", () => image.classList.add("missing"), { once: true });
    image.src = url;
    return h("button", { type: "button", "aria-label": `${homestay.title} ${count(index)}`, "data-testid": "photo", onclick: () => enlarge(index) }, image);
  }));
  const many = photos.length > 1;
  byId("photos-count").hidden = byId("photo-back").hidden = byId("photo-on").hidden = !many;
  byId("photos-count").textContent = count(0);
  strip.addEventListener("scroll", () => {
    byId("photos-count").textContent = count(Math.round(strip.scrollLeft / strip.clientWidth));
  }, { passive: true });
  byId("photo-back").addEventListener("click", () => enlarge(shown - 1));
  byId("photo-on").addEventListener("click", () => enlarge(shown + 1));
  large.addEventListener("keydown", ({ key }) => {
    if (many && key === "ArrowLeft") enlarge(shown - 1);
    if (many && key === "ArrowRight") enlarge(shown + 1);
  });
}
