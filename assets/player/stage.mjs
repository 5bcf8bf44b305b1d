/* The layers of a player and the one function that draws them all.
 *
 *   canvas   regions and points (gpu.mjs, or cpu.mjs where there is no graphics card)
 *   div      Plotly's axes, transparent: zoom, pan, lasso (axes.mjs)
 *   canvas   targets, centres, trails, names (overlay.mjs); lets the pointer through
 */

import { make } from "../common/dom.mjs";
import { Axes } from "./axes.mjs";
import * as colours from "./colours.mjs";
import { UNKNOWN } from "./data.mjs";
import { Follower, wholeBox } from "./geometry/camera.mjs";
import { View } from "./geometry/view.mjs";
import { Overlay } from "./marks/overlay.mjs";
import { CpuRenderer } from "./render/cpu.mjs";
import { GpuRenderer } from "./render/gpu.mjs";

const CONTEXT_WAIT = 5000; // milliseconds until a lost graphics context is given up
const THEME_SETTLES = 400; // milliseconds until the page has its new colours after a change of theme
const PLOTLY_WAIT = 20_000; // milliseconds; Dash loads Plotly when it is first needed
const FOLLOWED = [-1.12, -1.12, 1.12, 1.12]; // the axes' box while the camera follows, in radii of the cloud

const STYLE = `
  .player { position: absolute; inset: 0; overflow: hidden; outline: none; }
  .player > canvas, .player > .player-plot { position: absolute; }
  .player > .player-plot { inset: 0; }
  .player > .player-overlay { pointer-events: none; }
  .player:focus-visible::after { content: ""; position: absolute; inset: 1px; border-radius: 4px; pointer-events: none;
    box-shadow: 0 0 0 2px color-mix(in srgb, currentColor 30%, transparent); }`;

const { MODES } = colours;

/** @typedef {{index: number, x: number, y: number, colour: string, radius: number}} Hovered pixels of the canvas */
/**
 * @typedef {object} StageCallbacks
 * @property {() => void} changed  something has to be drawn
 * @property {() => void} legend   colours have changed
 * @property {(polygon: import("./axes.mjs").Polygon | null) => void} selected
 */

export class Stage {
  /**
   * @param {HTMLElement} element
   * @param {import("./options.mjs").State} state of the player
   * @param {import("./data.mjs").RunData} data of the player
   * @param {import("./events.mjs").Emitter} events
   * @param {StageCallbacks} callbacks
   */
  constructor(element, state, data, events, callbacks) {
    this.element = element;
    this.state = state;
    this.data = data;
    this.events = events;
    this.callbacks = callbacks;
    /** @type {(colours.Theme & {name: string}) | null} */
    this.theme = null;
    /** @type {string[]} */
    this.colours = []; // of the classes
    /** @type {import("./data.mjs").Codes | null | undefined} */
    this.codes = undefined; // that the renderer has
    /** @type {Uint8Array | null} */
    this.ramp = null;
    /** @type {Axes | null} */
    this.axes = null; // until Plotly is there
    /** @type {Follower | null} */
    this.follower = null;
    this.view = new View();
    this.stale = true; // whether colours have to be computed again
    this.frameCount = 0; // number of frames drawn, for tests and benchmarks
    /** @type {(() => void)[]} */
    this.cleanups = []; // to be called when the stage is removed
    this.removed = false;
    /** @type {import("./render/scene.mjs").Renderer | null} */
    this.renderer = null;
    if (getComputedStyle(element).position === "static") element.style.position = "relative";
    this.root = make("div", { class: "player", data: { player: "" }, tabIndex: 0, role: "application", "aria-label": "Embedding space over training" });
    this.plot = make("div", { class: "player-plot" });
    this.overlay = new Overlay(make("canvas", { class: "player-overlay" }));
    this.root.append(make("style", { textContent: STYLE }), this.plot, this.overlay.canvas);
    element.append(this.root);
    this.chooseRenderer();
    this.retheme();
    this._watch();
  }

  _watch() {
    const resizes = new ResizeObserver(() => this._resized());
    resizes.observe(this.root);
    const themes = new MutationObserver(() => {
      this.retheme();
      clearTimeout(this.themeTimer);
      this.themeTimer = setTimeout(() => this.retheme(), THEME_SETTLES); // colours may change gradually
    });
    for (const node of [document.documentElement, document.body, this.element]) {
      themes.observe(node, { attributes: true });
    }
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const retheme = () => this.retheme();
    const zoomed = () => this.callbacks.changed(); // the browser's zoom changes the density
    dark.addEventListener("change", retheme);
    window.addEventListener("resize", zoomed);
    this.cleanups.push(
      () => resizes.disconnect(),
      () => themes.disconnect(),
      () => dark.removeEventListener("change", retheme),
      () => window.removeEventListener("resize", zoomed),
    );
  }

  /** Wait for Plotly and draw the axes. @param {import("./axes.mjs").PlotlyLike} [plotly] if it is not the page's */
  async start(plotly) {
    const began = performance.now();
    while (!(plotly ?? globalThis.Plotly)) {
      if (performance.now() - began > PLOTLY_WAIT) {
        this.events.notice("axes", "the axes cannot be drawn: Plotly did not load; reload the page");
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    if (this.removed) return;
    const { changed: moved, selected } = this.callbacks;
    this.axes = new Axes(this.plot, plotly ?? globalThis.Plotly, { moved, selected });
    this.frame();
    await this.axes.draw(this.theme);
    this._resized();
  }

  // The run

  /** Take over the player's new frames and attributes. */
  setRun() {
    const { frames, attributes } = this.data;
    this.follower = new Follower(frames);
    this.overlay.setFrames(frames);
    this.codes = undefined;
    this.renderer.set({ frames, labels: attributes?.labels ?? null, regions: null });
    this.setSelection();
    this.frame();
    this.recolour();
  }

  setRegions() {
    this.renderer.set({ regions: this.data.regions });
    this.callbacks.changed();
  }

  /** The selection has changed. */
  setSelection() {
    const { frames } = this.data;
    const { selection } = this.state;
    if (!frames) return;
    const mask = selection && new Uint8Array(frames.N);
    if (mask) for (const index of selection) mask[index] = 1;
    this.renderer.set({ selection: mask });
    this.callbacks.changed();
  }

  /** Set the axes to the box of the whole run, or to the cloud that the camera follows. */
  frame() {
    const { frames } = this.data;
    if (!frames || !this.axes) return;
    const follows = this.state.camera === "scale";
    this.axes.setBox(follows ? FOLLOWED : wholeBox(frames), !follows);
    this.callbacks.changed();
  }

  /** Colours have changed. */
  recolour() {
    this.stale = true;
    this.callbacks.changed();
  }

  /** The time to draw, in snapshots: without tween a whole number. */
  get time() {
    return this.state.tween ? this.state.time : Math.round(this.state.time);
  }

  // Drawing

  /** Draw now. @param {Hovered | null} hovered on top of all points */
  draw(hovered) {
    if (this.removed || !this.axes?.ready) return;
    if (this.stale) this._recolour();
    this.look();
    const { view, overlay } = this;
    if (!this.data.frames || !view.frame.width || !view.frame.height) return;
    if (!overlay.fits(this.colours, this.theme, view.density)) {
      overlay.setStyle({ colours: this.colours, theme: this.theme, density: view.density });
    }
    if (hovered) view.place(this.data.frames, hovered);
    this.renderer.draw(view);
    overlay.draw(this.state, view, hovered);
    this.frameCount++;
  }

  /** Bring `view` up to date with time, axes and options. */
  look() {
    const { view, axes, state, data, theme } = this;
    if (axes) {
      view.lookThrough(axes.read());
      view.fit(this.canvas);
      view.fit(this.overlay.canvas);
    }
    if (!data.frames) return;
    view.update(this.time, state, data, state.camera === "scale" ? this.follower : null, theme);
    this.overlay.locate(state, view);
  }

  _recolour() {
    const { state, view, theme, events } = this;
    const { frames, attributes } = this.data;
    if (!frames) return;
    this.stale = false;
    const meta = attributes?.meta ?? colours.NO_META;
    const { mode, codes, key, problem } = colours.chooseCodes(state, attributes);
    if (problem) events.notice("colour", problem);
    else events.clearNotice("colour");
    this.colours = colours.classColours(state, frames.C, meta.palette, theme.unknown);
    this.ramp = colours.rampBytes(meta.ramp);
    view.mode = MODES[mode];
    view.key = mode === "margin" || mode === "distance" ? key : null;
    view.right.set(share(meta.right ?? theme.quiet));
    view.wrong.set(share(meta.wrong ?? "#e8590c"));
    view.unknown.set(share(theme.unknown));
    view.page.set(share(theme.page));
    const palette = colours.paletteBytes(state, this.colours);
    this.renderer.set({ ramp: this.ramp, palette });
    if (this.codes !== codes) this.renderer.set({ codes });
    this.codes = codes;
    this.callbacks.legend();
  }

  /** CSS colour of an image's point at the current time. @param {number} index */
  colourOf(index) {
    const { view, codes, theme } = this;
    const { attributes, frames } = this.data;
    const label = attributes?.labels[index];
    if (view.mode === MODES.label) return this.colours[label];
    if (!codes) return theme.unknown;
    const code = codes[Math.round(this.time) * frames.N + index];
    if (view.mode === MODES.prediction) return this.colours[code];
    if (view.mode === MODES.right) return code === label ? attributes.meta.right : attributes.meta.wrong;
    if (code === UNKNOWN) return theme.unknown;
    const at = view.blend > 0.5 ? 2 : 0;
    const step = Math.round(255 * Math.max(0, Math.min(1, view.scale[at] + view.scale[at + 1] * code)));
    return `rgb(${this.ramp.subarray(4 * step, 4 * step + 3).join()})`;
  }

  /** The colour [red, green, blue] at a place on the element as all layers together show it; draw first. @param {number} x @param {number} y */
  readPixel(x, y) {
    const { view, overlay, renderer, theme } = this;
    const column = Math.floor((x - view.left) * view.density);
    const row = Math.floor((y - view.top) * view.density);
    const under = renderer.readPixel(column, row);
    const over = overlay.context.getImageData(column, row, 1, 1).data;
    return colours.parseHex(theme.page).map((page, i) => {
      const below = under[i] + page * (1 - under[3] / 255);
      return Math.round(over[i] * (over[3] / 255) + below * (1 - over[3] / 255));
    });
  }

  /** Copy what was just drawn, without the axes. @param {CanvasRenderingContext2D} context */
  paint(context) {
    const { width, height } = context.canvas;
    context.fillStyle = this.theme.page;
    context.fillRect(0, 0, width, height);
    context.drawImage(this.canvas, 0, 0, width, height);
    context.drawImage(this.overlay.canvas, 0, 0, width, height);
  }

  // Size, theme, graphics card

  _resized() {
    this.axes?.resize();
    this.callbacks.changed();
  }

  /** Take over the page's theme or that of the option, if it is another now. */
  retheme() {
    const auto = this.state.theme === "auto";
    const name = auto ? colours.themeOf(this.element) : this.state.theme;
    const page = (auto && colours.pageOf(this.element)) || colours.THEMES[name].page;
    if (this.theme?.name === name && this.theme.page === page) return;
    this.theme = { ...colours.THEMES[name], name, page };
    if (this.axes?.ready) this.axes.draw(this.theme);
    this.recolour();
  }

  /** Draw with the graphics card if there is one, else with the processor; the option may say which. */
  chooseRenderer() {
    const { renderer: option } = this.state;
    if (this.renderer && option !== "auto" && this.renderer.kind === option) return;
    let gpu = null;
    let refusal = "";
    this._makeCanvas();
    if (option !== "cpu") {
      try {
        gpu = GpuRenderer.make(this.canvas, (event) => this._onContext(event), option === "auto");
      } catch (error) {
        refusal = ` (${error.message})`;
      }
      if (!gpu) this._makeCanvas(); // a canvas keeps the kind of its first context
    }
    const lacksWebGL2 = option !== "cpu" && !gpu && !make("canvas").getContext("webgl2");
    this._setRenderer(gpu ?? new CpuRenderer(this.canvas));
    if (lacksWebGL2 || refusal) this._noticeCpu(`this browser has no WebGL2${refusal}: the processor draws the points`);
  }

  _makeCanvas() {
    this.canvas?.remove();
    this.canvas = make("canvas", { class: "player-canvas" });
    this.root.prepend(this.canvas);
  }

  /** Replace the renderer; the new one gets the scene of the old. @param {import("./render/scene.mjs").Renderer} renderer */
  _setRenderer(renderer) {
    const previous = this.renderer;
    this.renderer = renderer;
    if (previous) {
      renderer.set({ ...previous.scene });
      previous.remove();
    }
    this.callbacks.changed();
  }

  /** @param {string} message */
  _noticeCpu(message) {
    this.events.notice(
      "webgl",
      `${message}; hardware acceleration switched on in a current browser makes large runs smooth`,
    );
  }

  /** The graphics context is lost or restored; if it stays away, the processor takes over. @param {"lost" | "restored"} event */
  _onContext(event) {
    clearTimeout(this.contextTimer);
    if (this.removed) return;
    if (event === "restored") {
      this.events.clearNotice("context");
      this.callbacks.changed();
      return;
    }
    this.events.notice("context", "the graphics card was taken away from this page; waiting to get it back");
    this.contextTimer = setTimeout(() => {
      this._makeCanvas();
      this._setRenderer(new CpuRenderer(this.canvas));
      this.events.clearNotice("context");
      this._noticeCpu("the graphics card did not come back: the processor draws the points");
    }, CONTEXT_WAIT);
  }

  remove() {
    this.removed = true;
    clearTimeout(this.contextTimer);
    clearTimeout(this.themeTimer);
    for (const cleanup of this.cleanups) cleanup();
    this.renderer.remove();
    this.axes?.remove();
    this.root.remove();
  }
}

/** "#rrggbb" as three shares of 1. @param {string} hex */
function share(hex) {
  return colours.parseHex(hex).map((byte) => byte / 255);
}
