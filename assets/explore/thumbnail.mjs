/* The small images of the panels. */

import { make, showThumbnail } from "../common/dom.mjs";

/**
 * An image of the run; the name of its class where the run has no thumbnails.
 * @param {import("../player/main.mjs").Player} player @param {number} row @param {number} side pixels
 */
export function thumbnail(player, row, side) {
  const { thumbnail: place, labelName } = player.describe(row);
  const element = make("span", { class: "image-thumbnail", style: { width: `${side}px`, height: `${side}px` } });
  if (place) showThumbnail(element, place, side);
  else element.textContent = labelName;
  return element;
}
