/* The Lab page: holds the state, fetches landscapes, and draws everything.
 *
 * Every change goes through `change`: it alters the state, writes the URL, and sends a request. At most one request is in
 * flight; meanwhile only the newest change waits.
 */

import { Controls } from "./controls.mjs";
import { button, make } from "../common/dom.mjs";
import { EXPORTS, exportAs } from "./exports.mjs";
import { Panel } from "./panel.mjs";
import { Release } from "./release.mjs";
import { NewestRequest, get, post } from "../common/http.mjs";
import { listenToKeys } from "../player/input/keys.mjs";
import { RunPicker } from "./run.mjs";
import { makeScene, readAnswer } from "./scene.mjs";
import { Side } from "./loss_cards.mjs";
import { LETTERS, fromPreset, fromQuery, toQuery, toRequest } from "./state.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Place} Place */

const SETTLED_SIDE = 192; // grid positions a side when nothing is being dragged
const DRAG_SIDES = [128, 80, 48]; // while dragging: the finest for which the server is quick enough
const QUICK_MS = 45;
const SETTLE_MS = 160;

/** @type {Lab | null} the page that is mounted now */
let page = null;

/** @param {Record<string, string>} query of the URL */
export async function show(query) {
  const root = document.getElementById("lab-page");
  if (!root || page?.root === root) return "";
  page?.remove();
  page = new Lab(root);
  await page.start(query ?? {});
  return "";
}

class Lab {
  /** @param {HTMLElement & {lab?: Lab}} root */
  constructor(root) {
    this.root = root;
    root.lab = this; // for tests and the console
    this.stage = root.querySelector("#lab-stage");
    this.message = root.querySelector("#lab-message");
    this.landscapes = new NewestRequest((problem) => this.say(problem));
    this.values = new NewestRequest(() => {}); // without the exact value the one between the grid's stays
    this.grade = 0; // of DRAG_SIDES
    this.responseCount = 0; // number of responses that were drawn
    /** @type {Panel[]} */
    this.panels = [];
    /** @type {State | null} */
    this.state = null;
    /** @type {import("./scene.mjs").Answer | null} */
    this.answer = null; // the newest
    /** @type {object | null} */
    this.request = null; // that it is the answer to
    /** @type {import("./scene.mjs").PointId | null} */
    this.held = null; // the point that was taken last
    /** @type {Place | null} */
    this.pointed = null; // where the pointer is
    /** @type {number[] | null} */
    this.boxBefore = null; // a release widened it
    this.problem = "";
    /** @type {number | null} */
    this.pending = null; // animation frame in which everything will be drawn
  }

  /** @param {import("./state.mjs").Query} query of the URL */
  async start(query) {
    this.say("Loading …");
    try {
      /** @type {import("./state.mjs").Catalogue} */
      this.catalogue = await get("/api/lab");
    } catch (error) {
      return this.say(error.message);
    }
    /** @type {import("./state.mjs").Change} */
    const change = (alter, how) => this.change(alter, how);
    this.picker = new RunPicker(change, (message) => this.say(message));
    this.controls = new Controls(this.root.querySelector("#lab-controls"), this.catalogue, change, (key) => this.choosePreset(key), this.picker);
    this.side = new Side(this.root.querySelector("#lab-side"), this.catalogue);
    this.grid = make("div", { class: "lab-grid" });
    this.playerHost = make("div", { id: "lab-player" });
    this.releaseHost = make("div", { id: "lab-release-bar" });
    this.stage.replaceChildren(this.toolbar(), this.grid, this.playerHost, this.releaseHost);
    this.release = new Release(this.releaseHost, {
      request: () => toRequest(this.state, SETTLED_SIDE),
      settings: () => this.state.release,
      set: (name, value) => this.change(({ release }) => Object.assign(release, { [name]: value }), { quiet: true, preset: "keep" }),
      moved: () => this.released(),
      canKeep: () => !this.state.inRun && this.state.losses.length === 1,
      keep: () => this.keep(),
      say: (message) => this.say(message),
    });
    this.stopKeys = listenToKeys(this.root, { keys: "page" }, this.keys());
    this.watcher = new ResizeObserver(() => this.drawAll());
    this.watcher.observe(this.grid);
    this.themeWatcher = new MutationObserver(() => this.drawAll());
    this.themeWatcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });
    this.state = fromQuery(this.catalogue, query);
    try {
      if (this.state.inRun) await this.picker.load(this.state.inRun);
    } catch (error) {
      this.state.inRun = null;
      this.problem = error.message;
    }
    this.rebuild();
    await this.refresh(true);
    return undefined;
  }

  remove() {
    this.stopKeys?.();
    this.watcher?.disconnect();
    this.themeWatcher?.disconnect();
    this.release?.remove();
    this.picker?.remove();
    clearTimeout(this.settling);
  }

  /** The player's keys for snapshots, and a few more; arrow keys on a point are the point's. */
  keys() {
    const { release, picker } = this;
    /** @type {(act: () => void) => () => unknown} */
    const inRun = (act) => () => this.state.inRun !== null && act();
    return {
      f: () => this.fit(),
      r: () => release.toggle(),
      s: () => release.step(),
      Escape: () => release.reset(),
      " ": inRun(() => picker.toggle()),
      ArrowLeft: inRun(() => picker.step(-1)),
      ArrowRight: inRun(() => picker.step(1)),
      Home: inRun(() => picker.go(0)),
      End: inRun(() => picker.go(picker.about.epochs.length - 1)),
    };
  }

  toolbar() {
    const buttons = EXPORTS.map(([kind, title]) => button(kind.toUpperCase(), title, () => this.exportAs(kind), { id: `lab-export-${kind}` }));
    const fit = button("Fit", "Show everything (double click on the landscape, or f)", () => this.fit(), { id: "lab-fit" });
    this.about = make("span", { class: "lab-now", id: "lab-about" });
    return make("div", { class: "lab-toolbar" }, this.about, make("span", { class: "lab-gap" }), fit, make("span", { class: "lab-quiet", textContent: "Export" }), ...buttons);
  }

  // Changing the state

  /** @param {(state: State) => void} alter @param {import("./state.mjs").How} [how] */
  change(alter, how = {}) {
    alter(this.state);
    if (how.fit) this.state.box = null;
    if (how.preset !== "keep" && this.state.preset) {
      this.state.preset = null;
      this.controls.forgetPreset();
    }
    this.problem = "";
    this.writeUrl();
    if (how.quiet) return undefined;
    if (how.preset !== "keep") this.release.forget();
    if (how.rebuild) this.rebuild();
    if (how.snapshot) this.picker.showSnapshot(this.state);
    return this.refresh(!how.dragging);
  }

  /** @param {string} key of the catalogue's presets */
  choosePreset(key) {
    this.picker.pause();
    this.state = fromPreset(this.catalogue, key);
    this.problem = "";
    this.release.forget();
    this.writeUrl();
    this.rebuild();
    return this.refresh(true);
  }

  rebuild() {
    const { state } = this;
    while (this.panels.length > state.losses.length) this.panels.pop().remove();
    while (this.panels.length < state.losses.length) this.panels.push(this.newPanel());
    this.grid.dataset.panels = String(this.panels.length);
    this.controls.build(state);
    this.side.build(state);
    this.release.build();
    this.playerHost.replaceChildren(...(state.inRun ? [this.picker.bar(state)] : []));
    this.panels.forEach((_, i) => this.side.setValue(i, null));
  }

  newPanel() {
    return new Panel(this.grid, this.catalogue.ramp, {
      moved: (kind, index, place, done) => this.movePoint(kind, index, place, done),
      picked: (kind, index) => this.pick(kind, index),
      framed: (box, done) => this.change((state) => (state.box = box), { dragging: !done, preset: "keep" }),
      pointed: (place) => this.point(place),
      fit: () => this.fit(),
    });
  }

  fit() {
    return this.change((state) => (state.box = null), { preset: "keep" });
  }

  /** @param {"e" | "c"} kind @param {number} index */
  pick(kind, index) {
    this.held = { kind, index };
    if (kind === "e" && !this.state.inRun && index !== this.state.chosen) {
      this.change((state) => (state.chosen = index), { rebuild: true });
    }
    this.drawAll();
  }

  /**
   * A point was dragged, or pushed by a key, to a place of the plane.
   * @param {"e" | "c"} kind
   * @param {number} index
   * @param {Place} place
   * @param {boolean} done whether no more will follow at once
   */
  movePoint(kind, index, place, done) {
    const { answer } = this;
    if (!answer) return;
    if (this.release.paths) this.keep(); // the end of the release becomes the scene, if possible
    const { inRun } = this.state;
    const now = answer[kind][index];
    this.change((state) => {
      if (!inRun) state.points[kind][index] = rounded(place);
      else {
        const shifts = kind === "e" ? inRun.moved_e : inRun.moved_c;
        const before = shifts[index] ?? [0, 0];
        shifts[index] = [before[0] + place[0] - now[0], before[1] + place[1] - now[1]];
      }
    }, { dragging: !done });
    answer[kind][index] = place; // drawn at once; the landscape follows
    if (done && inRun) this.controls.showPoints(this.state); // for its "put back" button
    if (done) this.drawNow(); // the next key starts from here
    else this.drawAll();
  }

  /** Make the end of a release the scene, with one loss in the plane; otherwise reset the release. */
  keep() {
    const places = this.release.places(0);
    if (places && !this.state.inRun && this.state.losses.length === 1) {
      this.change((state) => Object.assign(state.points, { e: places.e.map(rounded), c: places.c.map(rounded) }));
    } else {
      this.release.reset();
    }
  }

  /** A step of a release was taken, or it was undone. */
  released() {
    if (!this.release.paths && this.boxBefore) this.state.box = this.boxBefore;
    if (!this.release.paths) this.boxBefore = null;
    if (this.state.shown.has("follow")) this.widen();
    this.drawAll();
    this.refresh(!this.release.playing);
  }

  /** Widen the box by a step if a released point is outside. */
  widen() {
    const box = this.state.box ?? this.answer?.box;
    if (!box) return;
    const all = this.panels.flatMap((_, i) => {
      const places = this.release.places(i);
      return places ? [...places.e, ...places.c] : [];
    });
    /** @param {Place} place */
    const outside = ([x, y]) => x < box[0] || x > box[2] || y < box[1] || y > box[3];
    if (!all.some((place) => place.every(Number.isFinite) && outside(place))) return;
    this.boxBefore ??= this.state.box; // what a reset goes back to
    const [x, y, half] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, ((box[2] - box[0]) / 2) * 1.15];
    this.state.box = [x - half, y - half, x + half, y + half];
  }

  writeUrl() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      if (this.root.isConnected) history.replaceState(history.state, "", `${location.pathname}?${toQuery(this.state)}`);
    }, 250);
  }

  // Requests and drawing

  /** Fetch the landscape of the state. @param {boolean} settled whether on the fine grid at once, or coarse first */
  async refresh(settled) {
    clearTimeout(this.settling);
    const n = settled ? SETTLED_SIDE : DRAG_SIDES[this.grade];
    const request = { ...toRequest(this.state, n), release: this.release.request() };
    const answer = await this.landscapes.send((signal) => post("/api/landscape", request, signal), settled);
    if (!answer || !this.root.isConnected) return;
    if (!settled) this.adapt(answer.meta.ms);
    this.receive(answer, request);
    this.say(this.problem ?? "");
    if (!settled && !this.landscapes.inFlight && !this.landscapes.waiting) this.settling = setTimeout(() => this.refresh(true), SETTLE_MS);
  }

  /** Take coarser or finer grids while dragging. @param {number} ms that the server took for the last one */
  adapt(ms) {
    if (ms > QUICK_MS && this.grade < DRAG_SIDES.length - 1) this.grade++;
    else if (ms < QUICK_MS / 6 && this.grade > 0) this.grade--;
  }

  /** @param {import("../common/binary.mjs").Decoded} response @param {object} request */
  receive(response, request) {
    const dragging = this.panels.some(({ drag }) => drag && "kind" in drag);
    this.answer = readAnswer(response, this.state.losses.length, dragging ? this.answer : null);
    if (!this.state.box) this.state.box = this.answer.box;
    this.request = request;
    this.panels.forEach((panel, i) => this.answer.panels[i] && panel.setLandscape(this.answer.panels[i], this.answer.box));
    const { panels, label } = this.answer;
    panels.forEach(({ about, arrays }, i) => {
      const first = i > 0 ? this.panels[0].forces : null;
      const loss = arrays.losses?.[this.state.chosen];
      this.side.setLandscape(i, about, this.panels[i].forces, first, { chosen: this.state.chosen, label, loss });
    });
    this.showAbout();
    this.drawNow();
    this.responseCount++;
  }

  showAbout() {
    const { meta, panels } = this.answer;
    const computed = panels.find(({ about }) => about.computed)?.about.computed;
    const parts = meta.epoch === undefined ? [] : [`epoch ${meta.epoch.toFixed(2)}`, `D = ${meta.dimensions}, a slice${computed && computed.dimensions < meta.dimensions ? `, computed exactly in ${computed.dimensions}` : ""}`];
    if (meta.images?.length > 1) parts.push(`${meta.images.length} images`);
    this.about.textContent = parts.join(" · ");
    if (computed) this.about.title = `${computed.n} × ${computed.n} places, ${meta.ms.toFixed(0)} ms on the server`;
  }

  /** Draw everything, once before the browser shows its next frame. */
  drawAll() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.drawNow();
    });
  }

  drawNow() {
    const { answer, state } = this;
    if (!answer || !this.root.isConnected) return;
    const box = state.box ?? answer.box;
    this.panels.forEach((panel, i) => {
      const { name, params } = state.losses[i] ?? {};
      if (!name || !answer.panels[i]) return;
      const { picture } = panel;
      const scene = makeScene(answer, i, state, this.release.places(i), this.catalogue.palette, this.held);
      Object.assign(picture, { box, shows: state.shown, ...scene });
      const label = this.catalogue.losses.find((loss) => loss.name === name)?.label ?? name;
      picture.title = answer.panels.length > 1 ? `${LETTERS[i]} · ${label}` : label;
      picture.subtitle = Object.entries(params).map(([key, value]) => `${key} = ${value}`).join(", ");
      panel.canvas.setAttribute("aria-label", `Landscape of the ${name} loss`);
      panel.setArrows(i > 0 ? this.panels[0].forces : null);
      panel.draw();
    });
  }

  /** The pointer is at a position of the plane, or has left (null). @param {Place | null} place */
  async point(place) {
    this.pointed = place;
    this.panels.forEach((panel, i) => this.side.setValue(i, place ? panel.valueAt(place) : null, place));
    if (!place || this.panels.some(({ drag }) => drag)) return;
    const request = { ...toRequest(this.state, 2), release: this.release.request(), at: place };
    const answer = await this.values.send((signal) => post("/api/landscape/value", request, signal), false);
    if (answer && this.pointed === place) answer.panels.forEach((terms, i) => this.side.setTerms(i, terms));
  }

  async exportAs(kind) {
    try {
      await exportAs(kind, this.panels, { ...toRequest(this.state, SETTLED_SIDE), box: this.state.box ?? this.answer.box, release: this.release.request() });
    } catch (error) {
      this.say(error.message);
    }
  }

  /** @param {string} message */
  say(message) {
    this.message.textContent = message;
  }
}

/** @param {Place} place @returns {Place} */
function rounded([x, y]) {
  return [Number(x.toPrecision(6)), Number(y.toPrecision(6))];
}
