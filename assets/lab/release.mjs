/* Release: all points follow their negative gradients, on paths from the server that are played step by step. */

import { button, make, slider, tick } from "../common/dom.mjs";
import { post } from "../common/http.mjs";
import { pairs } from "./scene.mjs";

const SECONDS = 4; // that all steps take to watch

/** @typedef {import("./state.mjs").Place} Place */
/** @typedef {import("./state.mjs").State["release"]} Settings */
/** @typedef {{e: Place[][], c: Place[][], problem: string}} Paths of the points after each step, and why they ended */
/**
 * @typedef {object} Page
 * @property {() => object} request
 * @property {() => Settings} settings
 * @property {(name: keyof Settings, value: number | boolean) => void} set
 * @property {() => void} moved
 * @property {() => boolean} canKeep
 * @property {() => void} keep
 * @property {(message: string) => void} say
 */

export class Release {
  /** @param {HTMLElement} host of the buttons @param {Page} page */
  constructor(host, page) {
    this.host = host;
    this.page = page;
    /** @type {(Paths | {problem: string})[] | null} */
    this.paths = null; // per loss, without paths where there are none
    this.at = 0; // step
    this.playing = false;
    this.last = 0; // time of the last animation frame, milliseconds
    this.loads = 0; // number of the newest request
  }

  remove() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
  }

  build() {
    const settings = this.page.settings();
    /** @type {(name: keyof Settings) => (value: number | boolean) => void} */
    const set = (name) => (value) => {
      this.page.set(name, value);
      this.reset();
    };
    this.releaseButton = button("Release", "Let everything follow its gradient", () => this.toggle(), { id: "lab-release", class: "control-button lab-main" });
    this.stepButton = button("Step", "One step of gradient descent", () => this.step(), { id: "lab-step" });
    this.resetButton = button("Reset", "Everything back to where it was", () => this.reset(), { id: "lab-reset" });
    this.keepButton = button("Keep", "Go on from here: make this the scene", () => this.page.keep(), { id: "lab-keep" });
    this.stepLabel = make("span", { class: "lab-now", id: "lab-steps-now" });
    this.host.replaceChildren(make("div", { class: "lab-bar" }, this.releaseButton, this.stepButton, this.resetButton, this.keepButton, this.stepLabel),
      make("div", { class: "lab-bar lab-settings" },
        slider({ label: "step size", value: settings.step_size, low: 1e-5, high: 10, log: true, title: "How far a point goes for a gradient of 1", onInput: set("step_size"), id: "lab-step-size" }),
        slider({ label: "momentum", value: settings.momentum, low: 0, high: 0.99, title: "How much of its last step a point repeats", onInput: set("momentum"), id: "lab-momentum" }),
        slider({ label: "steps", value: settings.steps, low: 1, high: 2000, step: 1, title: "How many steps", onInput: (v) => set("steps")(Math.max(1, Math.min(2000, Math.round(v)))), id: "lab-steps" }),
        make("div", { class: "lab-ticks" },
          tick("e moves", settings.move_e, "Embeddings follow their gradient", set("move_e")),
          tick("targets move", settings.move_c, "Class embeddings follow theirs", set("move_c")))));
    this.update();
  }

  get steps() {
    return this.paths ? Math.max(...this.paths.map((path) => ("e" in path ? path.e.length - 1 : 0))) : 0;
  }

  /** The release in a request for the landscape at this step; null if nothing was released. */
  request() {
    return this.paths ? { ...this.page.settings(), at: Math.floor(this.at) } : null;
  }

  async load() {
    if (this.paths) return true;
    const load = ++this.loads;
    this.releaseButton.disabled = true;
    try {
      const answer = await post("/api/landscape/release", { ...this.page.request(), release: this.page.settings() });
      if (load !== this.loads) return false;
      this.paths = answer.meta.panels.map(({ problem, error }, i) =>
        error ? { problem: error } : { e: pathsOf(answer, `${i}.e`), c: pathsOf(answer, `${i}.c`), problem },
      );
      this.at = 0;
      return true;
    } catch (error) {
      this.page.say(error.message);
      return false;
    } finally {
      this.releaseButton.disabled = false;
    }
  }

  async toggle() {
    if (this.playing) return this.pause();
    if (!(await this.load())) return undefined;
    if (this.at >= this.steps) this.at = 0;
    this.playing = true;
    this.last = performance.now();
    this.frame = requestAnimationFrame((now) => this.advance(now));
    this.update();
    return undefined;
  }

  /** @param {number} now milliseconds */
  advance(now) {
    if (!this.playing) return;
    const passed = Math.max(0, now - this.last); // a frame may have begun before the click
    this.at = Math.min(this.steps, this.at + (passed / 1000 / SECONDS) * this.steps);
    this.last = now;
    this.page.moved();
    this.update();
    if (this.at >= this.steps) this.pause();
    else this.frame = requestAnimationFrame((next) => this.advance(next));
  }

  pause() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.update();
  }

  async step() {
    this.pause();
    if (!(await this.load())) return;
    this.at = Math.min(this.steps, Math.floor(this.at) + 1);
    this.page.moved();
    this.update();
  }

  reset() {
    this.pause();
    this.forget();
    this.page.moved();
  }

  /** Drop the paths, which no longer fit the scene, without a new request. */
  forget() {
    this.loads++;
    this.playing = false;
    this.paths = null;
    this.at = 0;
    this.update();
  }

  update() {
    if (!this.releaseButton) return;
    this.releaseButton.textContent = this.playing ? "Pause" : "Release";
    this.resetButton.disabled = !this.paths;
    this.keepButton.disabled = !this.paths || !this.page.canKeep();
    const ended = this.paths?.map(({ problem }) => problem).filter(Boolean) ?? [];
    const why = ended.length && this.at >= this.steps ? ` · ended ${ended[0]}` : "";
    this.stepLabel.textContent = this.paths ? `step ${Math.floor(this.at)} / ${this.steps}${why}` : "";
  }

  /**
   * The positions of the points of loss i at this step, and their trails; null if they were not released.
   * @param {number} i
   * @returns {import("./scene.mjs").Released | null}
   */
  places(i) {
    const path = this.paths?.[i];
    if (!path || !("e" in path)) return null;
    const at = Math.min(Math.floor(this.at), path.e.length - 1);
    return { e: path.e[at], c: path.c[at], trail: (kind, index) => path[kind].slice(0, at + 1).flatMap((places) => places[index]) };
  }
}

/**
 * An array (steps + 1, m, 2) as places by step.
 * @param {import("../common/binary.mjs").Decoded} answer
 * @param {string} name
 */
function pathsOf({ arrays, shapes }, name) {
  const [steps, m] = shapes[name];
  const all = pairs(arrays[name]);
  return Array.from({ length: steps }, (_, t) => all.slice(t * m, (t + 1) * m));
}
