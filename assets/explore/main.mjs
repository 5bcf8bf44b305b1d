/* The Explore page: mounts the player, fetches what the controls ask for, and keeps the URL.
 *
 * Dash calls `update` with the values of the controls whenever one changes; everything that moves stays in here.
 */

import { Follower, wholeBox } from "../player/geometry/camera.mjs";
import { DataError, fetchArrays } from "../player/data.mjs";
import { mount } from "../player/main.mjs";
import { Card } from "./card.mjs";
import { drawCursors, listenToCurves } from "./curves.mjs";
import { Legend } from "./legend.mjs";
import { Live } from "./live_run.mjs";
import { TimeBar } from "./timebar.mjs";
import { showTrust } from "./trust.mjs";
import { Waiting } from "./waiting.mjs";

const SHRUNK = 4; // from a cloud that ends so much smaller than the whole run's box the camera follows the scale
const SHOWN = ["targets", "centres", "trails", "gaps", "labels", "boundaries"];
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
    this.query = this.asking = query ?? {};
    this.player = mount(stage, {});
    this.card = new Card(stage, this.player);
    this.timebar = new TimeBar(document.getElementById("explore-timeline"), this.player);
    this.shown = {};
    this.problem = "";
    this.turn = 0; // of the newest update; older ones give way
    this.at = this.query.at ?? null; // the snapshot whose targets the plane of `targets` goes through; null is the last
    this.waiting = new Waiting(document.getElementById("explore-waiting"), () => this.again());
    this.legend = new Legend(document.getElementById("explore-legend"), this.player);
    this.finding = null; // selection and panels, made after the first picture
    this.first = null; // how many snapshots the plane was found from, once the run has grown
    this.n = null; // how many snapshots are to be shown; null is all that there are
    this.live = new Live(document.getElementById("explore-live"), {
      grown: (count) => this.grow(count),
      refit: () => this.refit(),
      changed: (state) => {
        this.trains = state === "training";
        this.finding?.setTrains(this.trains);
      },
    });
    this.player.on("time", () => this.timeChanged());
    this.player.on("state", () => this.remember());
    this.player.on("legend", (legend) => this.legend.show(legend));
    this.player.on("notice", ({ message }) => this.say(message));
    this.stopCurves = listenToCurves((epoch) => this.player.seek(this.timebar.timeOf(epoch)));
    document.getElementById("explore-at").onclick = () => this.moveThrough();
    document.getElementById("explore-drawer").onclick = () => {
      const isOpen = document.getElementById("explore-page").classList.toggle("is-drawn");
      if (isOpen) dispatchEvent(new Event("resize")); // graphs that were hidden take their size
    };
  }

  remove() {
    this.live.stop();
    this.waiting.stop();
    this.stopCurves();
    this.finding?.remove();
    this.menu?.remove();
    this.timebar.remove();
    this.player.remove();
  }

  /** @param {object} wanted */
  async show(wanted) {
    const turn = ++this.turn;
    this.wanted = wanted;
    const { player } = this;
    for (const name of SHOWN) player.set(name, wanted.shown.includes(name));
    for (const name of ["pointOpacity", "regionOpacity", "camera", "colour"]) player.set(name, wanted[name]);
    player.set("pointScale", 2 ** wanted.pointSize);
    document.getElementById("explore-through").hidden = wanted.view !== "targets";
    if (!wanted.run) return "";
    try {
      await this.showRun(wanted, turn);
      if (turn === this.turn) await this.showRegions(wanted, turn);
      if (turn === this.turn) this.problem = "";
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.problem = error.message;
    }
    if (this.shown.run) await this.find();
    this.remember();
    if (this.curvesOf !== this.shown.run) this.drawCurves();
    return this.problem;
  }

  /** Selection, panels and exports: they come after the picture too. */
  async find() {
    const { Finding } = await import("./panels/panels.mjs");
    if (!this.stage.isConnected) return;
    this.finding ??= new Finding(this.player, () => this.asked(), {
      query: this.asking,
      seek: (epoch) => this.player.seek(this.timebar.timeOf(epoch)),
      changed: () => this.remember(),
      say: (message) => this.say(message),
      counted: (events) => this.timebar.setEvents(events),
    });
    this.finding.setTrains(this.trains);
    this.finding.show();
    const { ExportMenu } = await import("../export/menu.mjs");
    if (this.stage.isConnected) this.menu ??= new ExportMenu(document.getElementById("explore-export"), this.player, () => this.address());
  }

  /** What is shown now, as the panels ask for it. */
  asked() {
    const { run, picture } = this.shown;
    return { run, classifier: this.player.state.classifier, view: picture };
  }

  /** The curves come after the picture: drawing them takes the browser about a second. */
  drawCurves() {
    this.curvesOf = this.shown.run;
    requestAnimationFrame(() => setTimeout(() => document.getElementById("explore-curves-due")?.click()));
  }

  async again() {
    const message = await this.show(this.wanted);
    const place = document.getElementById("explore-message");
    if (place) place.textContent = message;
  }

  /** A picture of a run, as explorer.explore.selection.View has it. @param {object} wanted @param {string} method */
  picture({ classes }, method) {
    const picture = { method };
    if (method === "targets") {
      picture.classes = classes.map(Number);
      if (this.at !== null) picture.at = Number(this.at);
    }
    if (this.first !== null) picture.first = this.first;
    return picture;
  }

  /** The query that names a picture. @param {object} wanted @param {string} view */
  about(wanted, view) {
    const { method, ...rest } = this.picture(wanted, view);
    if (this.n !== null) rest.n = this.n;
    return new URLSearchParams({ run: wanted.run, view: method, ...rest }).toString();
  }

  async showRun(wanted, turn) {
    const { player } = this;
    if (this.shown.run !== wanted.run) this.first = this.n = null;
    if (wanted.view === "targets" && wanted.classes.length !== 3) throw new DataError("choose three classes for the plane");
    const asked = this.about(wanted, wanted.view);
    if (wanted.view !== "umap") this.waiting.stop();
    const isNew = this.shown.run !== wanted.run;
    const hasLayout = !isNew && this.shown.picture.method === "umap"; // of the snapshots before: it stays meanwhile
    this.waiting.meanwhile = hasLayout ? "The layout before meanwhile." : "PCA meanwhile.";
    const isThere = wanted.view !== "umap" || (await this.waiting.ask(asked));
    if (turn !== this.turn || (!isThere && hasLayout)) return;
    const view = isThere ? wanted.view : "pca";
    if (wanted.view === "umap") this.n ??= this.waiting.n;
    const about = this.about(wanted, view);
    if (this.shown.about === about) return;
    const frames = await fetchArrays(`/api/frames?${about}`, "the view");
    if (turn !== this.turn) return;
    const T = frames.meta.epochs.length;
    const run = `run=${encodeURIComponent(wanted.run)}`;
    if (isNew) this.live.newer.hidden = true;
    if (isNew || this.shown.snapshots !== T) {
      this.attributes = await fetchArrays(`/api/attributes?${run}&n=${T}`, "the decisions");
      if (turn !== this.turn) return;
    }
    if (isNew && this.shown.run) document.getElementById("explore-notices").replaceChildren();
    const epoch = this.shown.run ? player.epoch : this.query.epoch;
    player.setRun({ frames, attributes: this.attributes, sprite: frames.meta.sprite ? `/api/sprite?${run}` : null });
    this.n = T; // what else is asked about this picture is asked of these, whatever comes meanwhile
    this.shown = { about: this.about(wanted, view), run: wanted.run, snapshots: T, picture: this.picture(wanted, view) };
    this.timebar.setRun(frames.meta);
    if (isNew) this.begin(epoch);
    else if (this.goesOn) this.goOn();
    for (const problem of frames.meta.problems ?? []) this.say(problem);
    this.timeChanged();
  }

  /** What is seen first: the epoch that was asked for, else the run is played from its start. */
  begin(epoch) {
    const { player, query } = this;
    if (epoch !== undefined) player.seek(this.timebar.timeOf(Number(epoch)));
    else if (player.state.still) player.seek(this.timebar.last);
    else player.play();
    for (const name of ["hidden", "focus"]) if (query[name]) player.set(name, query[name].split(",").map(Number));
    if (query.solo) player.set("solo", Number(query.solo));
    if (query.camera === undefined && shrinks(player.data.frames)) {
      dash_clientside.set_props("explore-camera", { value: "scale" });
    }
    this.query = {};
    this.live.watch(this.shown.run, this.shown.snapshots);
    const { n, total } = player.data.frames.meta;
    const count = document.getElementById("explore-count");
    const [few, all] = [n.toLocaleString("en"), total.toLocaleString("en")];
    count.textContent = total > n ? `showing ${few} of ${all} test images` : `${few} images`;
  }

  /**
   * The run has more snapshots: they join the time line, on the axes that there are. @param {number} count
   * @returns {Promise<boolean>} false while the ones before are still being laid out: they are to be seen first
   */
  async grow(count) {
    const { player, timebar } = this;
    if (this.waiting.isOn) return false;
    const wasAtEnd = player.state.time >= timebar.last - 1e-6;
    this.first ??= this.shown.snapshots;
    this.n = count;
    this.live.newer.hidden = this.wanted.view === "plane";
    this.goesOn = this.live.follows && wasAtEnd && !player.state.playing;
    await this.again();
    this.drawCurves();
    return true;
  }

  /** Follow a run that has grown to its newest snapshot. */
  goOn() {
    this.goesOn = false;
    if (this.player.state.still) this.player.seek(this.timebar.last);
    else this.player.play();
  }

  /** Lay the picture anew, through all snapshots that there are now. */
  refit() {
    this.first = null;
    this.live.newer.hidden = true;
    this.again();
  }

  /** Lay the plane of `targets` through where they are at the snapshot shown; a second time, where they are last. */
  moveThrough() {
    const here = String(Math.round(this.player.state.time));
    this.at = this.at === here ? null : here;
    this.again();
  }

  async showRegions(wanted, turn) {
    const { classifiers } = this.attributes.meta;
    const fits = classifiers.includes(wanted.classifier);
    const classifier = fits ? wanted.classifier : CLASSIFIERS_BY_DEFAULT.find((name) => classifiers.includes(name));
    this.player.set("classifier", classifier);
    const about = `${this.shown.about}&classifier=${classifier}`;
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
      if (this.stage.isConnected) history.replaceState(history.state, "", `${location.pathname}?${this.address()}`);
    }, 250);
  }

  /** What is seen, as the URL's query. */
  address() {
    const { run, view, classifier, regions, colour, shown, camera } = this.wanted;
    const epoch = this.player.epoch.toFixed(3).replace(/\.?0+$/, "");
    const query = new URLSearchParams({ run, view, classifier, regions, colour, shown: shown.join(","), camera, epoch });
    const { hidden, focus, solo } = this.player.state;
    if (hidden.size) query.set("hidden", [...hidden]);
    if (focus.size) query.set("focus", [...focus]);
    if (solo !== null) query.set("solo", solo);
    if (view === "targets") query.set("classes", this.wanted.classes.join(","));
    if (view === "targets" && this.at !== null) query.set("at", this.at);
    for (const [name, value] of Object.entries(this.finding?.address ?? {})) query.set(name, value);
    return query;
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

/** Whether most of a fixed picture would be empty at the end. @param {import("../player/data.mjs").Frames} frames */
function shrinks(frames) {
  const [left, low, right, high] = wholeBox(frames);
  return SHRUNK * 2 * new Follower(frames).at(frames.T - 1, 0).radius < Math.max(right - left, high - low);
}
