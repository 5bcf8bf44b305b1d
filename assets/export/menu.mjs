/* The export menu of the Explore page: what is shown now as a file, made by the server (`explorer.export.routes`). */

import { download } from "../common/dom.mjs";
import { fetchFile, get, post } from "../common/http.mjs";
import { record } from "./record.mjs";

const POLL_MS = 500;

export class ExportMenu {
  /**
   * @param {HTMLDetailsElement} element with the buttons, from explorer.explore.export_menu
   * @param {import("../player/main.mjs").Player} player
   * @param {() => URLSearchParams} address the query of the page's address
   */
  constructor(element, player, address) {
    this.element = element;
    this.player = player;
    this.address = address;
    this.progress = element.querySelector("progress");
    this.message = element.querySelector(".export-told");
    /** @type {HTMLElement} */
    this.stop = element.querySelector(".export-stop");
    this.controller = null; // of the running export
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    element.addEventListener("click", (event) => this.clicked(event), { signal });
    element.addEventListener("keydown", ({ key }) => key === "Escape" && this.close(), { signal });
    document.addEventListener("pointerdown", ({ target }) => element.contains(/** @type {Node} */ (target)) || this.close(), { signal });
  }

  remove() {
    this.listeners.abort();
    this.controller?.abort();
  }

  close() {
    this.element.open = false;
  }

  /** @param {MouseEvent} event */
  clicked({ target }) {
    const { what, kind, option } = /** @type {HTMLElement} */ (target).dataset;
    if (target === this.stop) this.cancel();
    else if (what && kind && !this.controller) this.make(what, kind, option);
  }

  cancel() {
    this.controller?.abort();
    post("/api/export/stop").catch(() => {}); // a server that is gone is not exporting either
  }

  /** @param {string} what @param {string} kind ending of the file @param {string} [option] that is chosen in its row */
  async make(what, kind, option) {
    this.controller = new AbortController();
    this.element.classList.add("is-busy");
    this.say(0, "asking");
    try {
      if (what === "recording") await this.record();
      else await this.request(what, kind, option);
    } catch (error) {
      this.say(null, this.controller.signal.aborted ? "Stopped." : error.message);
    }
    this.controller = null;
    this.element.classList.remove("is-busy");
  }

  /** @param {string} what @param {string} kind @param {string} [option] whose list has a choice to add */
  async request(what, kind, option) {
    const query = this.address();
    query.set("what", what);
    query.set("kind", kind);
    /** @type {HTMLSelectElement | null} */
    const list = option ? this.element.querySelector(`select[data-option=${option}]`) : null;
    if (list) query.set(option, list.value);
    const timer = setInterval(() => this.fetchProgress(), POLL_MS);
    try {
      const file = await fetchFile("/api/export", Object.fromEntries(query), this.controller.signal);
      this.save(file, file.name || `export.${kind}`);
    } finally {
      clearInterval(timer);
    }
  }

  async fetchProgress() {
    const { share, what } = await get("/api/export/progress").catch(() => ({}));
    if (this.controller && what) this.say(share, what);
  }

  async record() {
    const onProgress = (share) => this.say(share, "recording this page; leave it in front");
    const film = await record(this.player, { signal: this.controller.signal, onProgress });
    this.save(film, `${this.address().get("run").replace(/\W+/g, "-")}.${film.type.includes("mp4") ? "mp4" : "webm"}`);
  }

  /** @param {Blob} blob @param {string} name */
  save(blob, name) {
    download(blob, name);
    this.say(null, `${name} is in your downloads (${(blob.size / 1e6).toPrecision(2)} MB).`);
  }

  /** @param {number | null} share done, null when it is over @param {string} text */
  say(share, text) {
    this.progress.hidden = this.stop.hidden = share === null;
    this.progress.value = share ?? 0;
    this.message.textContent = text;
  }
}
