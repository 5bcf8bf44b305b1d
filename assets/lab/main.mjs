/* The Lab page: holds the state, fetches landscapes, and draws everything.
 *
 * Every change goes through `change`: it alters the state, writes the URL, and sends a request. At most one request is in
 * flight; meanwhile only the newest change waits.
 */

import { Controls } from "./controls.mjs";
import { button, make } from "../common/dom.mjs";
import { EXPORTS, exportAs } from "./exports.mjs";
import { listenToKeys } from "./keys.mjs";
import { Panel } from "./panel.mjs";
import { Release } from "./release.mjs";
import { NewestRequest, get, post } from "../common/http.mjs";
import { RunPicker } from "./run.mjs";
import { makeView } from "./scene.mjs";
import { Side } from "./loss_cards.mjs";
import { fromPreset, fromQuery, toQuery, toRequest } from "./state.mjs";

const SETTLED_SIDE = 192; // grid positions a side when nothing is being dragged
const DRAG_SIDES = [128, 80, 48]; // while dragging: the finest for which the server is quick enough
const QUICK_MS = 45;
const SETTLE_MS = 160;

/** The page that is mounted now, or null. */
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
  constructor(root) {
    this.root = root;
    root.lab = this; // for tests and the console
    this.stage = root.querySelector("#lab-stage");
    this.message = root.querySelector("#lab-message");
    this.landscapes = new NewestRequest((problem) => this.say(problem));
    this.values = new NewestRequest(() => {}); // without the exact value the one between the grid's stays
    this.grade = 0; // of DRAG_SIDES
    this.drawn = 0; // number of responses that were drawn
    this.panels = [];
  }

  async start(query) {
    this.say("Loading …");
    try {
      this.catalogue = await get("/api/lab");
    } catch (error) {
      return this.say(error.message);
    }
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
      set: (name, value) => this.change((state) => (state.release[name] = value), { quiet: true, preset: "keep" }),
      moved: () => this.released(),
      canKeep: () => !this.state.inRun && this.state.losses.length === 1,
      keep: () => this.keep(),
      say: (message) => this.say(message),
    });
    this.stopKeys = listenToKeys(this);
    this.watcher = new ResizeObserver(() => this.drawAll());
    this.watcher.observe(this.grid);
    this.themeWatcher = new MutationObserver(() => this.drawAll());
    this.themeWatcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });
    this.state = fromQuery(this.catalogue, query);
    try {
      await this.picker.load(this.state);
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

  toolbar() {
    const buttons = EXPORTS.map(([kind, title]) => button(kind.toUpperCase(), title, () => this.exportAs(kind), { id: `lab-export-${kind}` }));
    const fit = button("Fit", "Show everything (double click on the landscape, or f)", () => this.fit(), { id: "lab-fit" });
    this.about = make("span", { class: "lab-now", id: "lab-about" });
    return make("div", { class: "lab-toolbar" }, this.about, make("span", { class: "lab-gap" }), fit, make("span", { class: "lab-quiet", textContent: "Export" }), ...buttons);
  }

  // Changing the state

  /**
   * @param {(state: import("./state.mjs").State) => void} alter
   * @param {{rebuild?: boolean, fit?: boolean, quiet?: boolean, snapshot?: boolean, dragging?: boolean, preset?: "keep"}} [how]
   *   rebuild: the controls too; fit: a new box; quiet: no request; snapshot: another one of the same run
   */
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
    this.panels.forEach((panel) => Object.assign(panel, { ramp: this.catalogue.ramp }));
    this.grid.dataset.panels = this.panels.length;
    this.controls.build(state);
    this.side.build(state);
    this.release.build();
    this.playerHost.replaceChildren(...(state.inRun ? [this.picker.bar(state)] : []));
    this.panels.forEach((_, i) => this.side.setValue(i, null));
  }

  newPanel() {
    return new Panel(this.grid, {
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

  pick(kind, index) {
    this.held = { kind, index };
    if (kind === "e" && !this.state.inRun && index !== this.state.chosen) {
      this.change((state) => (state.chosen = index), { rebuild: true });
    }
    this.drawAll();
  }

  /** A point was dragged, or pushed by a key, to a place of the plane. */
  movePoint(kind, index, place, done) {
    const { answer } = this;
    if (!answer) return;
    if (this.release.paths) this.keep(); // the end of the release becomes the scene, if possible
    const { inRun } = this.state;
    const now = answer[kind][index];
    this.change((state) => {
      if (!inRun) state.points[kind][index] = place.map((v) => Number(v.toPrecision(6)));
      else {
        const shifts = state.inRun[`moved_${kind}`];
        const before = shifts[index] ?? [0, 0];
        shifts[index] = [before[0] + place[0] - now[0], before[1] + place[1] - now[1]];
      }
    }, { dragging: !done });
    answer[kind][index] = [...place]; // drawn at once; the landscape follows
    if (done && inRun) this.controls.showPoints(this.state); // for its "put back" button
    if (done) this.drawNow(); // the next key starts from here
    else this.drawAll();
  }

  /** Make the end of a release the scene, with one loss in the plane; otherwise reset the release. */
  keep() {
    const places = this.release.places(0);
    if (places && !this.state.inRun && this.state.losses.length === 1) {
      const rounded = (list) => list.map((place) => place.map((v) => Number(v.toPrecision(6))));
      this.change((state) => Object.assign(state.points, { e: rounded(places.e), c: rounded(places.c) }));
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
    const { box } = this.state.box ? this.state : this.answer ?? {};
    if (!box) return;
    const all = this.panels.flatMap((_, i) => {
      const places = this.release.places(i);
      return places ? [...places.e, ...places.c] : [];
    });
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
    const started = performance.now();
    const answer = await this.landscapes.send((signal) => post("/api/landscape", request, signal), settled);
    if (!answer || !this.root.isConnected) return;
    if (!settled) this.adapt(answer.meta.ms);
    this.roundTrip = performance.now() - started;
    this.receive(answer, request);
    this.say(this.problem ?? "");
    if (!settled && !this.landscapes.inFlight && !this.landscapes.waiting) this.settling = setTimeout(() => this.refresh(true), SETTLE_MS);
  }

  adapt(ms) {
    if (ms > QUICK_MS && this.grade < DRAG_SIDES.length - 1) this.grade++;
    else if (ms < QUICK_MS / 6 && this.grade > 0) this.grade--;
  }

  receive(answer, request) {
    const dragging = this.panels.some(({ drag }) => drag && !drag.pan);
    this.answer = makeView(answer, this.state.losses.length, dragging ? this.answer : null);
    if (!this.state.box) this.state.box = this.answer.box;
    this.request = request;
    this.panels.forEach((panel, i) => this.answer.panels[i] && panel.setLandscape(this.answer.panels[i], this.answer.box));
    const { panels, label } = this.answer;
    panels.forEach(({ about, arrays }, i) => {
      const first = i > 0 ? this.panels[0].forces : null;
      const loss = arrays.losses?.[this.state.chosen];
      this.side.setLandscape(i, about, about.error ? null : this.panels[i].forces, first, { chosen: this.state.chosen, label, loss });
    });
    this.showAbout();
    this.drawNow();
    this.drawn++;
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
      Object.assign(picture, { box, shows: state.shown, ...answer.sceneOf(i, state, this.release.places(i), this.catalogue.palette, this.held) });
      picture.title = `${answer.panels.length > 1 ? `${"ABCD"[i]} · ` : ""}${this.catalogue.losses.find((loss) => loss.name === name)?.label ?? name}`;
      picture.subtitle = Object.entries(params).map(([key, value]) => `${key} = ${value}`).join(", ");
      panel.canvas.setAttribute("aria-label", `Landscape of the ${name} loss`);
      panel.setArrows(i > 0 ? this.panels[0].forces : null);
      panel.draw();
    });
  }

  /** The pointer is at a position of the plane, or has left (null). */
  async point(place) {
    this.pointed = place;
    this.panels.forEach((panel, i) => this.side.setValue(i, place ? panel.valueAt(place) : null, place));
    if (!place || this.panels.some(({ drag }) => drag)) return;
    const request = { ...toRequest(this.state, 2), release: this.release.request(), at: place };
    const answer = await this.values.send((signal) => post("/api/landscape/value", request, signal), false);
    if (answer && this.pointed === place) answer.panels.forEach((panel, i) => this.side.setTerms(i, panel));
  }

  async exportAs(kind) {
    try {
      await exportAs(kind, this.panels, { ...toRequest(this.state, SETTLED_SIDE), box: this.state.box ?? this.answer.box, release: this.release.request() });
    } catch (error) {
      this.say(error.message);
    }
  }

  say(message) {
    this.message.textContent = message;
  }
}
