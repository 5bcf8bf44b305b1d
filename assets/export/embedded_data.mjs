/* The data of an exported page: its JSON, and the explorer's binary responses, compressed, in script elements. */

import { decode } from "../common/binary.mjs";

/** The JSON of the page: options, texts and size. @returns {Record<string, any>} */
export function about() {
  return JSON.parse(document.getElementById("about").textContent);
}

/** A response by name, as fetchArrays gives it; null if the page has none. @param {string} name */
export async function unpack(name) {
  const element = document.getElementById(`data-${name}`);
  if (!element) return null;
  const bytes = Uint8Array.from(atob(element.textContent.trim()), (character) => character.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return decode(await new Response(plain).arrayBuffer(), name);
}
