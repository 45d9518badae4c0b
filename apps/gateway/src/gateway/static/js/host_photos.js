import { newKey } from "./api.js";
import { ask as confirm } from "./ask.js";
import { HOMESTAY, hostApi, hostOnly, load } from "./host_shell.js";
import { base64Of, shrunk } from "./host_images.js";
import { byId, t } from "./page.js";
import { complain, h, toast } from "./ui.js";

const UPLOAD_PATIENCE_MS = 100000;
let photos = [];

await hostOnly();

function show(found) {
  photos = found;
  byId("photos").replaceChildren(...photos.map(tile));
  byId("photos").setAttribute("aria-busy", "false");
  byId("photos-empty").hidden = photos.length > 0;
  byId("order-hint").hidden = photos.length < 2;
  byId("count").textContent = photos.length ? t("n_photos", { n: photos.length }) : "";
}

function tile({ id, thumbUrl, width, height }, index) {
  const act = (icon, words, action, enabled = true) =>
    h("button", { type: "button", class: "round", "aria-label": `${words}: ${t("photo_n", { n: index + 1 })}`, title: words, disabled: !enabled, "data-act": icon, onclick: action }, icon);
  const item = h("li", { class: "card photo", draggable: "true", "data-id": id, "data-testid": "photo" },
    h("img", { src: thumbUrl, width, height, alt: t("photo_n", { n: index + 1 }), draggable: "false" }),
    h("div", { class: "photo-acts above" },
      index === 0 ? h("span", { class: "chip cover" }, t("cover")) : act("★", t("make_cover"), () => move(index, 0, "★")),
      act("×", t("remove_photo"), () => remove(id))),
    h("div", { class: "photo-acts" },
      act("←", t("move_before"), () => move(index, index - 1, "←"), index > 0),
      act("→", t("move_after"), () => move(index, index + 1, "→"), index < photos.length - 1)));
  item.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", String(index)));
  item.addEventListener("dragover", (event) => event.preventDefault());
  item.addEventListener("drop", (event) => {
    event.preventDefault();
    const from = Number(event.dataTransfer.getData("text/plain"));
    if (photos[from]) move(from, index);
  });
  return item;
}

// Shown at once; put back where it was if the server refuses.
async function move(from, to, act) {
  const before = photos;
  const ids = [...photos];
  ids.splice(to, 0, ...ids.splice(from, 1));
  if (ids.every((photo, index) => photo === before[index])) return;
  const moved = before[from].id;
  show(ids);
  if (act) focusOn(moved, act);
  try {
    const answer = await hostApi("orderPhotos", { homestayId: HOMESTAY, ids: ids.map(({ id }) => id) });
    if (photos === ids) show(answer.photos);
    if (act) focusOn(moved, act);
  } catch (error) {
    show(before);
    complain(byId("problem"), error);
  }
}

function focusOn(id, act) {
  const buttons = byId("photos").querySelector(`[data-id="${id}"]`)?.querySelectorAll("button") ?? [];
  ([...buttons].find((button) => button.dataset.act === act && !button.disabled) ?? [...buttons].find((button) => !button.disabled))?.focus();
}

async function remove(id) {
  if ((await confirm(t("remove_photo_ask"), t("remove_photo"))) === null) return;
  try {
    show((await hostApi("removePhoto", { homestayId: HOMESTAY, id })).photos);
    toast(t("photo_removed"));
  } catch (error) {
    complain(byId("problem"), error);
  }
}

byId("files").addEventListener("change", async () => {
  const files = [...byId("files").files];
  byId("files").value = ""; // the same files may be chosen again
  byId("failed").replaceChildren();
  await send(files);
});

// One after another: a phone's uplink is shared by all, and the order stays as chosen.
async function send(files) {
  byId("files").disabled = true;
  byId("sending").hidden = false;
  byId("sending-bar").max = files.length;
  for (const [index, file] of files.entries()) {
    byId("sending-words").textContent = t("sending_photo", { n: index + 1, of: files.length });
    byId("sending-bar").value = index + 0.2;
    try {
      const image = await base64Of(await shrunk(file));
      byId("sending-bar").value = index + 0.5;
      show((await hostApi("addPhoto", { homestayId: HOMESTAY, image }, { key: newKey(), patienceMs: UPLOAD_PATIENCE_MS })).photos);
    } catch (error) {
      byId("failed").append(failure(file, error));
    }
    byId("sending-bar").value = index + 1;
  }
  byId("sending").hidden = true;
  byId("files").disabled = false;
}

function failure(file, error) {
  const item = h("li", { class: "note bad row apart", "data-testid": "failed-photo" },
    h("span", {}, h("strong", {}, file.name), h("br"), error.message),
    h("button", { type: "button", class: "link touch", onclick: () => { item.remove(); send([file]); } }, t("retry")));
  return item;
}

await load(async () => show((await hostApi("homestayDetail", { id: HOMESTAY })).homestay.photos ?? []));
