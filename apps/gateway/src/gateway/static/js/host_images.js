// Photos as they are sent: at most 1600 px on the longer side, upright, JPEG. A phone's own would be too large to send.
import { Refusal } from "./api.js";
import { t } from "./page.js";

const LONGEST_PX = 1600;
const QUALITY = 0.86;

// A Blob of type image/jpeg; throws a Refusal where the browser cannot read the file as a picture.
export async function shrunk(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Refusal(t("not_a_photo"));
  });
  const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff"; // JPEG has no transparency
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  if (!blob) throw new Refusal(t("not_a_photo"));
  return blob;
}

// The content alone, without the data: prefix.
export function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Refusal(t("not_a_photo")));
    reader.readAsDataURL(blob);
  });
}
