/* The export menu of the Explore page: what is shown now as a file, made by the server (`explorer.export.routes`). */

import { record } from "./record.mjs";

const POLL_MS = 500;

export class ExportMenu {
  /**
   * @param {HTMLDetailsElement} element with the buttons, as explorer.explore.export_menu lays them out
   * @param {import("../player/main.mjs").Player} player
   * @param {() => URLSearchParams} asked what is shown, as the page's address has it
   */
  constructor(element, player, asked) {
    Object.assign(this, { element, player, asked });
    this.progress = element.querySelector("progress");
    this.told = element.querySelector(".export-told");
    this.stop = element.querySelector(".export-stop");
    this.making = null; // the controller of the export that is being made
    this.heard = new AbortController();
    const { signal } = this.heard;
    element.addEventListener("click", (event) => this.clicked(event), { signal });
    element.addEventListener("keydown", ({ key }) => key === "Escape" && this.close(), { signal });
    document.addEventListener("pointerdown", ({ target }) => element.contains(target) || this.close(), { signal });
  }

  remove() {
    this.heard.abort();
    this.making?.abort();
  }

  close() {
    this.element.open = false;
  }

  clicked({ target }) {
    const { what, kind } = target.dataset ?? {};
    if (target === this.stop) this.cancel();
    else if (what && !this.making) this.make(what, kind);
  }

  cancel() {
    this.making?.abort();
    fetch("/api/export/stop", { method: "POST" }).catch(() => {}); // a server that is gone makes nothing either
  }

  async make(what, kind) {
    this.making = new AbortController();
    this.element.classList.add("is-busy");
    this.say(0, "asking");
    try {
      if (what === "recording") await this.record();
      else await this.fetch(what, kind);
    } catch (error) {
      this.say(null, this.making.signal.aborted ? "Stopped." : error.message);
    }
    this.making = null;
    this.element.classList.remove("is-busy");
  }

  async fetch(what, kind) {
    const query = this.asked();
    const isCurve = what === "curve";
    query.set("what", isCurve ? "figure" : what);
    query.set("kind", kind);
    if (isCurve) query.set("curve", this.element.querySelector("select").value);
    const timer = setInterval(() => this.hear(), POLL_MS);
    try {
      const response = await fetch(`/api/export?${query}`, { signal: this.making.signal }).catch((error) => {
        throw this.making.signal.aborted ? error : new Error("the server does not answer; is it still running?");
      });
      if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? `the server answered ${response.status}`);
      const named = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "");
      this.save(await response.blob(), named?.[1] ?? `export.${kind}`);
    } finally {
      clearInterval(timer);
    }
  }

  async hear() {
    const { share, what } = await fetch("/api/export/progress").then((answer) => answer.json(), () => ({}));
    if (this.making && what) this.say(share, what);
  }

  async record() {
    const told = (share) => this.say(share, "recording this page; leave it in front");
    const film = await record(this.player, { signal: this.making.signal, told });
    this.save(film, `${this.asked().get("run").replace(/\W+/g, "-")}.${film.type.includes("mp4") ? "mp4" : "webm"}`);
  }

  save(blob, name) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.say(null, `${name} is in your downloads (${(blob.size / 1e6).toPrecision(2)} MB).`);
  }

  /** @param {number | null} share done, null when it is over */
  say(share, text) {
    this.progress.hidden = this.stop.hidden = share === null;
    this.progress.value = share ?? 0;
    this.told.textContent = text;
  }
}
