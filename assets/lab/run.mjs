/* A scene in a run: which run, image or class and plane, and the player of its snapshots. */

import { button, fill, make, select, showThumbnail } from "../common/dom.mjs";
import { get } from "../common/http.mjs";

/** @type {import("../common/dom.mjs").Choices} */
const PLANES = [
  ["points", "through e, c_e and the nearest other target"],
  ["targets", "where the targets vary most"],
  ["images", "where the images vary most"],
];
const PAUSE_MS = 350; // between snapshots while playing
const SIDE = 56; // pixels of the image

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").PlaceInRun} PlaceInRun */
/**
 * What the server says of a run.
 * @typedef {object} RunAbout
 * @property {string} id
 * @property {number[]} epochs
 * @property {string[]} class_names
 * @property {number[]} labels
 * @property {import("./state.mjs").LossChoice | null} loss  that it was trained with
 * @property {number[]} indices  of the images in their data set
 * @property {number[] | null} thumbnails  the shape of all of them
 */

export class RunPicker {
  /** @param {import("./state.mjs").Change} change @param {(message: string) => void} say */
  constructor(change, say) {
    this.change = change;
    this.say = say;
    /** @type {RunAbout | null} */
    this.about = null;
    this.snapshot = 0; // that is shown
    this.playing = false;
  }

  remove() {
    this.pause();
  }

  /** Fetch the description of a run; a snapshot out of range becomes the last. @param {PlaceInRun} inRun */
  async load(inRun) {
    if (this.about?.id !== inRun.run) {
      this.about = { id: inRun.run, ...(await get("/api/lab/run", { run: inRun.run })) };
    }
    const last = this.about.epochs.length - 1;
    if (inRun.snapshot < 0 || inRun.snapshot > last) inRun.snapshot = last;
  }

  /** Show a run, or, with an empty id, points placed by hand again. @param {string} id */
  async choose(id) {
    this.pause();
    if (!id) {
      this.change((state) => Object.assign(state, { inRun: null, box: [-10, -10, 10, 10], chosen: 0 }), { rebuild: true });
      return;
    }
    /** @type {PlaceInRun} */
    const inRun = { run: id, snapshot: -1, image: 0, label: null, plane: "points", moved_e: {}, moved_c: {} };
    try {
      await this.load(inRun);
    } catch (error) {
      this.say(error.message);
      return;
    }
    this.change((state) => {
      Object.assign(state, { inRun, box: null, chosen: 0, scale: "auto" });
      if (state.vary === "sum") state.vary = "c";
      if (this.about.loss) state.losses[0] = { name: this.about.loss.name, params: { ...this.about.loss.params } };
    }, { rebuild: true });
  }

  /** The controls of a run. @param {State} state @returns {HTMLElement[]} */
  controls({ inRun }) {
    const { class_names: names, labels } = this.about;
    const isClass = inRun.label !== null;
    const label = isClass ? inRun.label : labels[inRun.image];
    /** @type {(values: Partial<PlaceInRun>, how?: import("./state.mjs").How) => unknown} */
    const set = (values, how = { rebuild: true, fit: true }) =>
      this.change((s) => Object.assign(s.inRun, { moved_e: {}, moved_c: {} }, values), how);
    const images = [...labels.keys()].filter((i) => labels[i] === label);
    const next = images[(images.indexOf(inRun.image) + 1) % images.length];
    const what = select("around", [["image", "one image"], ["class", "a class: some of its images"]], isClass ? "class" : "image",
      "One embedding, or a handful that stand for the class", (value) =>
        this.change((s) => {
          const whole = value === "class";
          Object.assign(s.inRun, { label: whole ? label : null, image: whole ? null : images[0], moved_e: {}, moved_c: {} });
          s.vary = whole ? "sum" : "c";
        }, { rebuild: true, fit: true }), "lab-around");
    const classes = select("class", names.map((name, k) => [String(k), name]), String(label), "Whose embedding and target", (value) => {
      const k = Number(value);
      const first = labels.indexOf(k);
      if (first < 0) this.say(`The run recorded no image of ${names[k]}.`);
      else set(isClass ? { label: k } : { image: first });
    }, "lab-class");
    const step = make("div", { class: "control-row" }, this.thumbnail(isClass ? images[0] : inRun.image),
      button("another image", "The next recorded image of this class", () => set({ image: next }), { disabled: isClass, id: "lab-next-image" }));
    const plane = select("plane", PLANES, inRun.plane, "Which two directions of the D are the picture's", (value) => set({ plane: value }), "lab-plane");
    const back = button("put back", "Undo what was dragged", () => set({}, { rebuild: true }), { disabled: !Object.keys({ ...inRun.moved_e, ...inRun.moved_c }).length });
    return [what, classes, step, plane, back];
  }

  /** @param {number} image */
  thumbnail(image) {
    const shape = this.about.thumbnails;
    const place = make("div", { class: "lab-thumbnail", title: `image ${this.about.indices[image] ?? image} of the data set` });
    if (!shape) return place;
    const columns = Math.ceil(Math.sqrt(shape[0]));
    const rows = Math.ceil(shape[0] / columns);
    const url = `/api/sprite?run=${encodeURIComponent(this.about.id)}`;
    showThumbnail(place, { url, columns, rows, column: image % columns, row: Math.floor(image / columns) }, SIDE);
    return place;
  }

  // The player

  /** The bar under the landscape. @param {State} state @returns {HTMLElement} */
  bar(state) {
    const last = this.about.epochs.length - 1;
    this.toggleButton = button("▶", "Play or pause the snapshots (space)", () => this.toggle(), { id: "lab-play", "aria-label": "Play or pause" });
    this.range = make("input", {
      type: "range", min: 0, max: last, step: 1, value: state.inRun.snapshot, class: "control-range", id: "lab-snapshot", "aria-label": "Snapshot",
      on: { input: () => { this.pause(); this.go(Number(this.range.value)); } },
    });
    this.snapshotLabel = make("span", { class: "lab-now", id: "lab-now" });
    this.showSnapshot(state);
    return make("div", { class: "lab-bar" },
      button("|◀", "First snapshot (Home)", () => this.go(0), { "aria-label": "First snapshot" }),
      button("◀", "One snapshot back (←)", () => this.step(-1), { "aria-label": "One snapshot back" }),
      this.toggleButton,
      button("▶", "One snapshot on (→)", () => this.step(1), { "aria-label": "One snapshot on", class: "control-button lab-next" }),
      button("▶|", "Last snapshot (End)", () => this.go(last), { "aria-label": "Last snapshot" }),
      this.range, this.snapshotLabel);
  }

  /** @param {State} state */
  showSnapshot(state) {
    this.snapshot = state.inRun.snapshot;
    if (!this.range) return;
    this.range.value = String(this.snapshot);
    fill(this.range);
    const { epochs } = this.about;
    this.snapshotLabel.textContent = `snapshot ${this.snapshot + 1} / ${epochs.length} · epoch ${epochs[this.snapshot].toFixed(2)}`;
  }

  /** @param {number} snapshot */
  go(snapshot) {
    const last = this.about.epochs.length - 1;
    const at = Math.max(0, Math.min(last, snapshot));
    if (at !== this.snapshot) this.change((s) => Object.assign(s.inRun, { snapshot: at, moved_e: {}, moved_c: {} }), { snapshot: true });
  }

  /** @param {number} by whole snapshots on or back */
  step(by) {
    this.pause();
    this.go(this.snapshot + by);
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.snapshot === this.about.epochs.length - 1) this.go(0);
    this.playing = true;
    this.toggleButton.textContent = "❚❚";
    this.next();
  }

  pause() {
    this.playing = false;
    clearTimeout(this.timer);
    if (this.toggleButton) this.toggleButton.textContent = "▶";
  }

  next() {
    this.timer = setTimeout(() => {
      if (!this.playing || !this.range?.isConnected) return this.pause();
      if (this.snapshot >= this.about.epochs.length - 1) return this.pause();
      this.go(this.snapshot + 1);
      this.next();
    }, PAUSE_MS);
  }
}
