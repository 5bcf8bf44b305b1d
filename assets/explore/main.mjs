/* The Explore page: mounts the player, fetches what the controls ask for, and keeps the URL.
 *
 * Dash calls `update` with the values of the controls whenever one changes; everything that moves stays in here.
 */

import { DataError, fetchArrays } from "../player/data.mjs";
import { mount } from "../player/main.mjs";
import { Card } from "./card.mjs";
import { drawCursors, listenToCurves } from "./curves.mjs";
import { showLegend } from "./legend.mjs";
import { TimeBar } from "./timebar.mjs";
import { showTrust } from "./trust.mjs";

const POLL_MS = 1000; // between looks at a projection that is being computed
const CLASSIFIERS_BY_DEFAULT = ["euc_ce", "argmax", "euc", "cos_ce", "cos"];

/** The page that is mounted now, or null. */
let page = null;

/**
 * @param {object} wanted values of the controls: run, view, classifier, regions, colour, shown, pointSize, ...
 * @param {Record<string, string>} query of the URL at the time the page was loaded
 * @returns {Promise<string>} what cannot be shown and why; empty if all is well
 */
export async function update(wanted, query) {
  const stage = document.getElementById("explore-stage");
  if (!stage) return "";
  if (page?.stage !== stage) {
    page?.remove();
    page = new Page(stage, query);
  }
  return page.show(wanted);
}

class Page {
  constructor(stage, query) {
    this.stage = stage;
    this.query = query ?? {};
    this.player = mount(stage, {});
    this.card = new Card(stage, this.player);
    this.timebar = new TimeBar(document.getElementById("explore-timeline"), this.player);
    this.shown = {};
    this.problem = "";
    this.turn = 0; // of the newest update; older ones give way
    this.player.on("time", () => this.timeChanged());
    this.player.on("state", () => this.remember());
    this.player.on("legend", (legend) => showLegend(document.getElementById("explore-legend"), legend, this.player));
    this.player.on("notice", ({ message }) => this.say(message));
    this.stopCurves = listenToCurves((epoch) => this.player.seek(this.timebar.timeOf(epoch)));
  }

  remove() {
    clearTimeout(this.polling);
    this.stopCurves();
    this.timebar.remove();
    this.player.remove();
  }

  /** @param {object} wanted */
  async show(wanted) {
    const turn = ++this.turn;
    clearTimeout(this.polling);
    this.wanted = wanted;
    const { player } = this;
    for (const name of ["targets", "centres", "trails", "gaps", "labels"]) player.set(name, wanted.shown.includes(name));
    for (const name of ["pointSize", "pointOpacity", "regionOpacity", "camera", "colour"]) player.set(name, wanted[name]);
    if (!wanted.run) return "";
    try {
      await this.showRun(wanted, turn);
      if (turn === this.turn) await this.showRegions(wanted, turn);
      if (turn === this.turn) this.problem = "";
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.problem = error.message;
    }
    this.remember();
    return this.problem || this.waiting || "";
  }

  async showRun(wanted, turn) {
    const key = `${wanted.run}/${wanted.view}`;
    if (this.shown.key === key) return;
    const { frames, view } = await this.frames(wanted, turn);
    if (turn !== this.turn) return;
    const about = `run=${encodeURIComponent(wanted.run)}`;
    if (this.shown.run !== wanted.run || this.shown.snapshots !== frames.meta.snapshots.length) {
      this.attributes = await fetchArrays(`/api/attributes?${about}&n=${frames.meta.snapshots.length}`, "the decisions");
      if (turn !== this.turn) return;
    }
    const isNew = this.shown.run !== wanted.run;
    if (isNew && this.shown.run) document.getElementById("explore-notices").replaceChildren();
    this.player.setRun({ frames, attributes: this.attributes, sprite: frames.meta.sprite ? `/api/sprite?${about}` : null });
    this.shown = { key: view === wanted.view ? key : null, run: wanted.run, view, snapshots: frames.meta.snapshots.length };
    this.timebar.setRun(frames.meta);
    if (isNew) {
      const asked = this.query.epoch;
      this.player.seek(asked === undefined ? this.timebar.last : this.timebar.timeOf(Number(asked)));
      this.query = {};
    }
    const { n, total } = frames.meta;
    const count = document.getElementById("explore-count");
    count.textContent = total > n ? `showing ${n.toLocaleString("en")} of ${total.toLocaleString("en")} test images` : `${n.toLocaleString("en")} images`;
    for (const problem of frames.meta.problems ?? []) this.say(problem);
    this.timeChanged();
  }

  /** The frames of a view; while UMAP is being computed those of PCA. */
  async frames({ run, view }, turn) {
    const url = (method) => `/api/frames?run=${encodeURIComponent(run)}&view=${method}`;
    this.waiting = "";
    if (view !== "umap") return { frames: await fetchArrays(url(view), "the view"), view };
    const response = await fetch("/api/progress?" + url(view).split("?")[1]).catch(() => null);
    const job = response ? await response.json().catch(() => ({})) : { error: "the server does not answer; is it still running?" };
    if (job.error) throw new DataError(`UMAP cannot be computed: ${job.error}`);
    if (job.state === "done") return { frames: await fetchArrays(url(view), "the view"), view };
    this.waiting = `UMAP: ${job.message || "waiting"} (${Math.round(100 * (job.progress ?? 0))} %). PCA meanwhile.`;
    this.polling = setTimeout(() => turn === this.turn && this.again(), POLL_MS);
    return { frames: await fetchArrays(url("pca"), "the view"), view: "pca" };
  }

  async again() {
    const place = document.getElementById("explore-message");
    const message = await this.show(this.wanted);
    if (place) place.textContent = message;
  }

  async showRegions(wanted, turn) {
    const { classifiers } = this.attributes.meta;
    const fits = classifiers.includes(wanted.classifier);
    const classifier = fits ? wanted.classifier : CLASSIFIERS_BY_DEFAULT.find((name) => classifiers.includes(name));
    this.player.set("classifier", classifier);
    const about = `run=${encodeURIComponent(wanted.run)}&view=${this.shown.view}&classifier=${classifier}&n=${this.shown.snapshots}`;
    const key = `${about}&mode=${wanted.regions}`;
    if (this.regions === key) return;
    const regions = wanted.regions === "off" ? null : await fetchArrays(`/api/regions?${key}`, "the regions");
    if (turn !== this.turn) return;
    this.player.setRegions(regions);
    this.regions = key;
    const note = fits ? "" : `This model has no classifier ${wanted.classifier}: showing ${classifier}.`;
    const panel = document.getElementById("explore-trust");
    showTrust(panel, `/api/trust?${about}&mode=${regions?.meta.mode ?? "off"}`, note);
  }

  timeChanged() {
    const { player, timebar } = this;
    const now = document.getElementById("explore-now");
    if (now && this.shown.run) {
      const at = Math.round(player.state.time) + 1;
      now.textContent = `snapshot ${at} / ${this.shown.snapshots} · epoch ${player.epoch.toFixed(2)}`;
    }
    timebar.draw();
    drawCursors(player.epoch);
    this.remember();
  }

  /** What a person would want to share goes into the URL. */
  remember() {
    if (!this.shown.run || !this.wanted) return;
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const { run, view, classifier, regions, colour, shown, camera } = this.wanted;
      const epoch = this.player.epoch.toFixed(3).replace(/\.?0+$/, "");
      const query = new URLSearchParams({ run, view, classifier, regions, colour, shown: shown.join(","), camera, epoch });
      if (this.stage.isConnected) history.replaceState(history.state, "", `${location.pathname}?${query}`);
    }, 250);
  }

  /** A notice that stays until it is clicked away or another run is chosen. */
  say(message) {
    const place = document.getElementById("explore-notices");
    if (!message || !place || [...place.children].some((known) => known.textContent === message)) return;
    const notice = document.createElement("button");
    notice.type = "button";
    notice.className = "explore-notice";
    notice.title = "Click to close";
    notice.textContent = message;
    notice.addEventListener("click", () => notice.remove());
    place.append(notice);
  }
}
