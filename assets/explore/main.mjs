/* The Explore page: mounts the player, fetches the data that the controls choose, and keeps the URL up to date.
 *
 * Dash calls `update` with the values of the controls whenever one changes; everything that moves is drawn from here.
 */

import { DataError } from "../common/binary.mjs";
import { button } from "../common/dom.mjs";
import { fetchArrays } from "../common/http.mjs";
import { count } from "../common/numbers.mjs";
import { WORDS } from "../common/words.mjs";
import { Card } from "../player/controls/card.mjs";
import { drawCursors, listenToCurves } from "../player/controls/curves.mjs";
import { Legend } from "../player/controls/legend.mjs";
import { TimeBar } from "../player/controls/timebar.mjs";
import { Waiting } from "../player/controls/waiting.mjs";
import { shrinks } from "../player/geometry/camera.mjs";
import { mount } from "../player/main.mjs";
import { LiveRun } from "./live_run.mjs";
import { Trust } from "./trust.mjs";

/** @type {Page | null} the page that is mounted */
let page = null;

/**
 * @typedef {object} Controls their values
 * @property {string | null} run
 * @property {string} view
 * @property {string} classifier
 * @property {string} regions
 * @property {string} colour
 * @property {string[]} shown marks
 * @property {number} pointSize
 * @property {number} pointOpacity
 * @property {number} regionOpacity
 * @property {string} camera
 * @property {string[]} classes the three of the view `targets`
 */
/** @typedef {import("./selection/selector.mjs").Current["view"]} View */

/**
 * @param {Controls} controls
 * @param {Record<string, string>} query of the URL at the time the page was loaded
 * @returns {Promise<string>} what cannot be shown and why; empty if all is well
 */
export function update(controls, query) {
  const stage = document.getElementById("explore-stage");
  if (!stage) return Promise.resolve("");
  if (page?.stage !== stage) {
    page?.remove();
    page = new Page(stage, query);
  }
  return page.show(controls);
}

class Page {
  /** @param {HTMLElement} stage @param {Record<string, string>} query */
  constructor(stage, query) {
    this.stage = stage;
    this.query = this.initialQuery = query ?? {};
    this.player = mount(stage, {});
    this.card = new Card(stage, this.player);
    this.timebar = new TimeBar(document.getElementById("explore-timeline"), this.player);
    /** @type {{about?: string, run?: string, snapshots?: number, picture?: View}} what is on screen */
    this.shown = {};
    this.problem = "";
    this.turn = 0; // number of the newest update; older ones stop when they see a newer one
    this.options = readOptions(this.query); // of views, without a control: `at` is a snapshot, missing for the last
    this.waiting = new Waiting(document.getElementById("explore-waiting"), () => this.refresh());
    this.legend = new Legend(document.getElementById("explore-legend"), this.player);
    /** @type {import("./panels/panels.mjs").Panels | null} */
    this.panels = null; // loaded after the first picture, as is the menu
    /** @type {import("../export/menu.mjs").ExportMenu | null} */
    this.menu = null;
    this.first = null; // number of snapshots that the plane was fitted to, once the run has grown
    this.n = null; // number of snapshots to show; null is all
    this.live = new LiveRun(document.getElementById("explore-live"), {
      grown: (count) => this.grow(count),
      refit: () => this.refit(),
      changed: (state) => {
        this.isTraining = state === "training";
        this.panels?.setTraining(this.isTraining);
      },
    });
    this.player.on("time", () => this.timeChanged());
    this.player.on("state", () => this.remember());
    this.player.on("legend", (legend) => this.legend.show(legend));
    this.player.on("notice", ({ message }) => this.say(message));
    this.trust = new Trust(document.getElementById("explore-trust"));
    this.stopCurves = listenToCurves((epoch) => this.player.seek(this.player.timeline.timeAt(epoch)));
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
    this.panels?.remove();
    this.menu?.remove();
    this.timebar.remove();
    this.player.remove();
  }

  /** @param {Controls} controls */
  async show(controls) {
    const turn = ++this.turn;
    this.controls = controls;
    const { player } = this;
    for (const name of Object.keys(WORDS.marks)) player.set(name, controls.shown.includes(name));
    for (const name of ["pointOpacity", "regionOpacity", "camera", "colour"]) player.set(name, controls[name]);
    player.set("pointScale", 2 ** controls.pointSize);
    document.getElementById("explore-through").hidden = !has(controls.view, "classes");
    if (!controls.run) return "";
    try {
      await this.showRun(controls, turn);
      if (turn === this.turn) await this.showRegions(controls, turn);
      if (turn === this.turn) this.problem = "";
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.problem = error.message;
    }
    if (this.shown.run) await this.showPanels();
    this.remember();
    if (this.curvesOf !== this.shown.run) this.drawCurves();
    return this.problem;
  }

  /** Selection, panels and export menu: they too are loaded after the picture. */
  async showPanels() {
    const { Panels } = await import("./panels/panels.mjs");
    if (!this.stage.isConnected) return;
    this.panels ??= new Panels(this.player, () => this.current(), {
      query: this.initialQuery,
      seek: (epoch) => this.player.seek(this.player.timeline.timeAt(epoch)),
      changed: () => this.remember(),
      say: (message) => this.say(message),
      onEventCounts: (counts) => this.timebar.setEvents(counts),
    });
    this.panels.setTraining(this.isTraining);
    this.panels.show();
    const { ExportMenu } = await import("../export/menu.mjs");
    /** @type {HTMLDetailsElement | null} */
    const place = document.querySelector("#explore-export");
    if (place) this.menu ??= new ExportMenu(place, this.player, () => this.address());
  }

  /** What is shown now: the part of their requests that all panels share. */
  current() {
    const { run, picture } = this.shown;
    return { run, classifier: this.player.state.classifier, view: picture };
  }

  /** The curves come after the picture: drawing them takes the browser about a second. */
  drawCurves() {
    this.curvesOf = this.shown.run;
    requestAnimationFrame(() => setTimeout(() => document.getElementById("explore-curves-due")?.click()));
  }

  /** Show the same once more, with what has changed on the server. */
  async refresh() {
    const message = await this.show(this.controls);
    const place = document.getElementById("explore-message");
    if (place) place.textContent = message;
  }

  /** The view of a run, with the fields of explorer.explore.selection.View. @param {Controls} controls @param {string} method @returns {View} */
  picture({ classes }, method) {
    const options = { ...this.options, classes: classes.map(Number), first: this.first };
    const chosen = Object.entries(options).filter(([name, value]) => has(method, name) && (value ?? null) !== null);
    return { method, ...Object.fromEntries(chosen) };
  }

  /** The query that names a picture. @param {Controls} controls @param {string} view */
  about(controls, view) {
    const { method, ...rest } = this.picture(controls, view);
    const query = { run: controls.run, view: method, ...rest, ...(this.n === null ? {} : { n: this.n }) };
    return new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  }

  async showRun(controls, turn) {
    const { player } = this;
    if (this.shown.run !== controls.run) this.first = this.n = null;
    if (has(controls.view, "classes") && controls.classes.length !== 3) throw new DataError("choose three classes for the plane");
    const requested = this.about(controls, controls.view);
    const { short, meanwhile } = WORDS.views[controls.view];
    if (!meanwhile) this.waiting.stop();
    const isNew = this.shown.run !== controls.run;
    const hasLayout = !isNew && this.shown.picture.method === controls.view; // of fewer snapshots; it is shown meanwhile
    const isThere = !meanwhile || (await this.waiting.ask(requested, short, hasLayout ? "The layout before" : WORDS.views[meanwhile].short));
    if (turn !== this.turn || (!isThere && hasLayout)) return;
    const view = isThere ? controls.view : meanwhile;
    if (meanwhile) this.n ??= this.waiting.n;
    const about = this.about(controls, view);
    if (this.shown.about === about) return;
    const frames = await fetchArrays(`/api/frames?${about}`, "the view");
    if (turn !== this.turn) return;
    const T = frames.meta.epochs.length;
    const run = `run=${encodeURIComponent(controls.run)}`;
    if (isNew) this.live.newer.hidden = true;
    if (isNew || this.shown.snapshots !== T) {
      this.attributes = await fetchArrays(`/api/attributes?${run}&n=${T}`, "the decisions");
      if (turn !== this.turn) return;
    }
    if (isNew && this.shown.run) document.getElementById("explore-notices").replaceChildren();
    const epoch = this.shown.run ? player.epoch : this.query.epoch;
    player.setRun({ frames, attributes: this.attributes, sprite: frames.meta.sprite ? `/api/sprite?${run}` : null });
    this.n = T; // later requests are of the same snapshots, even if the run has grown meanwhile
    this.shown = { about: this.about(controls, view), run: controls.run, snapshots: T, picture: this.picture(controls, view) };
    const { epochs, accuracies } = frames.meta;
    this.timebar.setRun({ epochs, accuracies });
    if (isNew) this.begin(epoch);
    else if (this.willFollow) this.follow();
    for (const problem of frames.meta.problems ?? []) this.say(problem);
    this.timeChanged();
  }

  /** Begin a run: at the epoch in the URL, else it is played from its start. */
  begin(epoch) {
    const { player, query } = this;
    if (Number.isFinite(Number(epoch))) player.seek(player.timeline.timeAt(Number(epoch)));
    else if (epoch !== undefined || player.state.still) player.seek(this.timebar.last);
    else player.play();
    for (const name of ["hidden", "focus"]) if (query[name]) player.set(name, query[name].split(",").map(Number));
    if (query.solo) player.set("solo", Number(query.solo));
    if (query.camera === undefined && shrinks(player.data.frames)) {
      dash_clientside.set_props("explore-camera", { value: "scale" });
    }
    this.query = {};
    this.live.watch(this.shown.run, this.shown.snapshots);
    const { n, total } = player.data.frames.meta;
    const place = document.getElementById("explore-count");
    place.textContent = total > n ? `showing ${count(n)} of ${count(total)} test images` : `${count(n)} images`;
  }

  /**
   * The run has more snapshots: add them to the time line, on the present axes. @param {number} count
   * @returns {Promise<boolean>} false while the layout of the earlier ones is still being computed
   */
  async grow(count) {
    const { player, timebar } = this;
    if (this.waiting.isOn) return false;
    const wasAtEnd = player.state.time >= timebar.last - 1e-6;
    this.first ??= this.shown.snapshots;
    this.n = count;
    this.live.newer.hidden = !has(this.controls.view, "first");
    this.willFollow = this.live.follows && wasAtEnd && !player.state.playing;
    await this.refresh();
    this.drawCurves();
    return true;
  }

  /** Go on to the newest snapshot of a run that has grown. */
  follow() {
    this.willFollow = false;
    if (this.player.state.still) this.player.seek(this.timebar.last);
    else this.player.play();
  }

  /** Fit the layout again, to all snapshots there are now. */
  refit() {
    this.first = null;
    this.live.newer.hidden = true;
    this.refresh();
  }

  /** Put the plane of `targets` through the targets of the snapshot shown; the second time, of the last snapshot. */
  moveThrough() {
    const snapshot = Math.round(this.player.state.time);
    this.options.at = this.options.at === snapshot ? null : snapshot;
    this.refresh();
  }

  async showRegions(controls, turn) {
    const { classifiers } = this.attributes.meta;
    const fits = classifiers.includes(controls.classifier);
    const classifier = fits ? controls.classifier : WORDS.classifiers.find((name) => classifiers.includes(name));
    this.player.set("classifier", classifier);
    const about = `${this.shown.about}&classifier=${classifier}`;
    const key = `${about}&mode=${controls.regions}`;
    if (this.regions === key) return;
    const regions = controls.regions === "off" ? null : await fetchArrays(`/api/regions?${key}`, "the regions");
    if (turn !== this.turn) return;
    this.player.setRegions(regions);
    this.regions = key;
    const lacking = fits ? "" : `This model has no classifier ${controls.classifier}: showing ${classifier}.`;
    const note = [lacking, regions?.meta.note].filter(Boolean).join(" ");
    this.trust.load(`/api/trust?${about}&mode=${regions?.meta.mode ?? "off"}`, note);
  }

  timeChanged() {
    const { player, timebar } = this;
    const line = document.getElementById("explore-now");
    if (line && this.shown.run) {
      const at = Math.round(player.state.time) + 1;
      line.textContent = `snapshot ${at} / ${this.shown.snapshots} · epoch ${player.epoch.toFixed(2)}`;
    }
    timebar.draw();
    drawCursors(player.epoch);
    this.remember();
  }

  /** Write what is shown into the URL, so that it can be shared. */
  remember() {
    if (!this.shown.run || !this.controls) return;
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      if (this.stage.isConnected) history.replaceState(history.state, "", `${location.pathname}?${this.address()}`);
    }, 250);
  }

  /** What is shown, as the query of the URL. */
  address() {
    const { run, view, classifier, regions, colour, shown, camera } = this.controls;
    const epoch = this.player.epoch.toFixed(3).replace(/\.?0+$/, "");
    const query = new URLSearchParams({ run, view, classifier, regions, colour, shown: shown.join(","), camera, epoch });
    const { hidden, focus, solo } = this.player.state;
    if (hidden.size) query.set("hidden", [...hidden].join());
    if (focus.size) query.set("focus", [...focus].join());
    if (solo !== null) query.set("solo", String(solo));
    const { method: _, first: __, ...options } = this.picture(this.controls, view);
    for (const [name, value] of Object.entries(options)) query.set(name, String(value));
    for (const [name, value] of Object.entries(this.panels?.address ?? {})) query.set(name, value);
    return query;
  }

  /** A notice that stays until it is clicked away or another run is chosen. */
  say(message) {
    const place = document.getElementById("explore-notices");
    if (!message || !place || [...place.children].some((notice) => notice.textContent === message)) return;
    const notice = button(message, "Click to close", () => notice.remove(), { class: "explore-notice" });
    place.append(notice);
  }
}

/** Whether a view has an option. @param {string} view @param {string} name */
function has(view, name) {
  return WORDS.views[view].options.includes(name);
}

/** The options of views that are numbers, as far as an address has them. @param {Record<string, string>} query */
function readOptions(query) {
  const names = new Set(Object.values(WORDS.views).flatMap(({ options }) => options));
  const numbers = [...names].filter((name) => /^-?\d+$/.test(query[name] ?? ""));
  return Object.fromEntries(numbers.map((name) => [name, Number(query[name])]));
}
