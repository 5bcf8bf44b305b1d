/* Two dialogs over the page: a question before something that cannot be undone, and the log of a training. */

import { get } from "../common/http.mjs";
import { button, make } from "../common/dom.mjs";

const AGAIN_MS = 1500;

/**
 * Ask before something that cannot be undone; Enter answers no.
 * @param {string} question @param {string} go text of the button that answers yes
 * @returns {Promise<boolean>}
 */
export function ask(question, go) {
  return new Promise((resolve) => {
    const keep = button("Keep it", "", () => dialog.close(), { class: "train-button", autofocus: true });
    const agree = () => {
      answer = true;
      dialog.close();
    };
    const act = button(go, "", agree, { class: "train-button is-bad" });
    const dialog = make("dialog", { class: "train-dialog" }, make("p", { textContent: question }), make("div", { class: "train-buttons" }, act, keep));
    let answer = false;
    open(dialog, () => resolve(answer));
  });
}

/** Show the end of a training's log, updated as it grows. @param {string} run */
export function showLog(run) {
  const text = make("pre", { class: "train-log", tabIndex: 0, "aria-label": `Log of ${run}` });
  const close = button("Close", "", () => dialog.close(), { class: "train-button" });
  const head = make("div", { class: "train-head" }, make("strong", { textContent: `Log of ${run}` }), make("div", { class: "train-buttons" }, close));
  const dialog = make("dialog", { class: "train-dialog is-wide" }, head, text);
  let linesKey = "";
  const refresh = async () => {
    const lines = await get("/api/jobs/log", { run }).catch((error) => [{ text: error.message, amiss: true }]);
    const key = JSON.stringify(lines);
    if (key === linesKey) return;
    linesKey = key;
    const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
    const rows = lines.map((line) => make("span", { class: line.amiss ? "log-amiss" : "", textContent: `${line.text}\n` }));
    text.replaceChildren(...(rows.length ? rows : ["It has printed nothing yet."]));
    if (atEnd) text.scrollTop = text.scrollHeight;
  };
  const timer = setInterval(refresh, AGAIN_MS);
  open(dialog, () => clearInterval(timer));
  refresh();
}

/** @param {HTMLDialogElement} dialog @param {() => void} onClose */
function open(dialog, onClose) {
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}
