/* The keys of a player, which work on the whole page. */

const roles = (...names) => names.map((name) => `[role=${name}]`);
// Elements that use keys themselves
const TAKES_ALL = [
  "input:not([type=range], [type=checkbox], [type=button])",
  "textarea, select, [contenteditable=''], [contenteditable=true]",
  ...roles("textbox", "combobox", "spinbutton", "listbox", "option", "menu", "menuitem", "grid", "gridcell", "dialog"),
].join();
const TAKES_ARROWS = ["input[type=range]", ...roles("slider", "radio", "tab")].join();
const TAKES_SPACE = ["button, a[href], summary, input", ...roles("button", "switch", "checkbox", "radio", "tab")].join();

/** Whether an element, or one that it lies in, uses a key itself. @param {Element} target @param {string} key */
function isTaken(target, key) {
  if (target.closest(TAKES_ALL)) return true;
  if (key !== " ") return target.closest(TAKES_ARROWS) !== null;
  return target.closest(TAKES_SPACE) !== null && !target.matches("input[type=range]");
}

/**
 * Listen to the keys of the page. With several players the one that has the focus answers, else the first.
 * @param {HTMLElement} root of the player
 * @param {{keys: "page" | "element"}} state of the player: on the whole page or only inside the element
 * @param {Record<string, () => unknown>} actions by KeyboardEvent.key; they return false if they did nothing
 * @returns {() => void} stop listening
 */
export function listenToKeys(root, state, actions) {
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const action = actions[event.key];
    if (!action || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const inside = root.contains(target);
    if (!inside && (state.keys !== "page" || target.closest("[data-player]") || !root.checkVisibility())) return;
    if (isTaken(target, event.key)) return;
    if (action() !== false) event.preventDefault(); // the page must not scroll, and no second player answer
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
