/* The left column: figures of the paper, the losses with their sliders, the moved point, the points, the scale. */

import { button, make, prose, select, slider, tick } from "../common/dom.mjs";
import { LETTERS } from "./state.mjs";

/** @type {import("../common/dom.mjs").Choices} */
const VARY = [
  ["c", "c_e, for this embedding"],
  ["e", "e, this embedding"],
  ["sum", "c_e, for all embeddings"],
];
const SCALES = { auto: "whichever reads best", linear: "linear", log: "logarithmic", symlog: "logarithmic on both sides of 0" };
const DRAW = {
  contours: ["contours", "Lines of equal loss"],
  forces: ["forces", "The negative gradient on every point; lengths by its square root"],
  field: ["force field", "The negative gradient on the moved point, were it elsewhere"],
  follow: ["widen while released", "Widen the picture when a point leaves it"],
};

/** @typedef {import("./state.mjs").State} State */

export class Controls {
  /**
   * @param {HTMLElement} host
   * @param {import("./state.mjs").Catalogue} catalogue
   * @param {import("./state.mjs").Change} change
   * @param {(key: string) => void} choosePreset
   * @param {import("./run.mjs").RunPicker} picker
   */
  constructor(host, catalogue, change, choosePreset, picker) {
    this.host = host;
    this.catalogue = catalogue;
    this.change = change;
    this.choosePreset = choosePreset;
    this.picker = picker;
  }

  /** Build all controls, for a state that was not reached through them. @param {State} state */
  build(state) {
    this.state = state;
    this.pointsHost = make("div", { class: "lab-group", id: "lab-points-controls" });
    this.host.replaceChildren(
      group("Figures of the paper", this.presets(state)),
      group("Loss", ...state.losses.map((loss, i) => this.loss(loss, i)), this.addLoss()),
      group(
        "Landscape",
        select("as a function of", VARY, state.vary, "Which point is moved over the plane", (value) => this.change((s) => (s.vary = /** @type {State["vary"]} */ (value)), { rebuild: true }), "lab-vary"),
        select("Shades", this.catalogue.scales.map((kind) => [kind, SCALES[kind]]), state.scale, "How values become shades", (value) => this.change((s) => (s.scale = value)), "lab-scale"),
        slider({
          label: "leave out, %", value: state.clip, low: 0, high: 20, title: "How many of the places the ends of the scale may leave out, at poles",
          onInput: (value) => this.change((s) => (s.clip = Math.max(0, Math.min(45, value)))), id: "lab-clip",
        }),
        make("div", { class: "lab-ticks" }, ...Object.entries(DRAW).map(([name, [label, title]]) =>
          tick(label, state.shown.has(name), title, (on) => this.change((s) => (on ? s.shown.add(name) : s.shown.delete(name)), { preset: "keep" })))),
      ),
      group("Points", this.pointsHost),
    );
    this.showPoints(state);
  }

  /** @param {State} state */
  presets(state) {
    const buttons = Object.entries(this.catalogue.presets).map(([key, preset]) =>
      button(key, `${preset.name}: ${preset.says}`, () => this.choosePreset(key), {
        id: `lab-preset-${key}`,
        "aria-label": preset.name,
        "aria-pressed": String(state.preset === key),
      }),
    );
    const says = state.preset ? make("p", { class: "lab-says" }, ...prose(this.catalogue.presets[state.preset].says)) : null;
    return make("div", {}, make("div", { class: "lab-buttons" }, ...buttons), ...(says ? [says] : []));
  }

  /** Show that the picture is no longer the paper's, without building all controls again. */
  forgetPreset() {
    for (const pressed of this.host.querySelectorAll("[aria-pressed=true][id^=lab-preset]")) pressed.setAttribute("aria-pressed", "false");
    this.host.querySelector(".lab-says")?.remove();
  }

  /** @param {import("./state.mjs").LossChoice} choice @param {number} i of the losses side by side */
  loss({ name, params }, i) {
    const { losses } = this.catalogue;
    const entry = losses.find((loss) => loss.name === name);
    /** @type {import("../common/dom.mjs").Choices} */
    const choices = losses.map((loss) => [loss.name, loss.problem ? `${loss.name} (broken)` : loss.name]);
    if (!entry) choices.push([name, `${name} (unknown)`]);
    const list = select(
      this.state.losses.length > 1 ? LETTERS[i] : "", choices, name, entry?.about ?? "",
      (value) => this.change((s) => (s.losses[i] = { name: value, params: {} }), { rebuild: true }), `lab-loss-${i}`,
    );
    const sliders = (entry?.fields ?? []).map((field) =>
      slider({
        label: field.name, value: params[field.name] ?? field.default, low: Math.min(field.low, params[field.name] ?? field.low), high: field.high,
        log: field.log && (params[field.name] ?? 1) > 0, title: field.help, onReset: () => field.default,
        onInput: (value) => this.change((s) => (s.losses[i].params[field.name] = value)), id: `lab-${field.name}-${i}`,
      }),
    );
    const remove = this.state.losses.length > 1
      ? button("×", "Compare one loss less", () => this.change((s) => s.losses.splice(i, 1), { rebuild: true }), { class: "control-button lab-remove" })
      : null;
    return make("div", { class: "lab-loss" }, make("div", { class: "control-row" }, list, remove), ...sliders);
  }

  addLoss() {
    const full = this.state.losses.length >= LETTERS.length;
    return button("Compare with another loss", "A second landscape beside this one, on the same points", () => {
      const shownNames = new Set(this.state.losses.map(({ name }) => name));
      const next = this.catalogue.losses.find(({ name, problem }) => !shownNames.has(name) && !problem) ?? this.catalogue.losses[0];
      this.change((s) => s.losses.push({ name: next.name, params: {} }), { rebuild: true });
    }, { disabled: full, id: "lab-compare" });
  }

  /** The controls of the points: of a plane, or of a run. @param {State} state */
  showPoints(state) {
    /** @type {import("../common/dom.mjs").Choices} */
    const runs = this.catalogue.runs.map(({ id, name, loss, dim }) => [id, `${name} · ${loss ?? "?"} · D = ${dim}`]);
    const source = select("from", [["", "the plane, placed by hand"], ...runs],
      state.inRun?.run ?? "", "Points placed by hand, or the real vectors of a run", (value) => this.picker.choose(value), "lab-source");
    const rest = state.inRun ? this.picker.controls(state) : this.handPlaced(state);
    this.pointsHost.replaceChildren(source, ...rest);
  }

  /** @param {State} state */
  handPlaced(state) {
    const { points, chosen } = state;
    const label = points.y[chosen];
    const rows = points.e.map((_, i) =>
      button(`e${points.e.length > 1 ? i : ""}`, `Make this the embedding that the picture is about (class ${points.y[i]})`,
        () => this.change((s) => (s.chosen = i), { rebuild: true }), { "aria-pressed": String(i === chosen), class: "control-button lab-chip" }));
    return [
      make("div", { class: "lab-buttons" }, ...rows),
      make("div", { class: "lab-buttons" },
        button("+ class", "One more class embedding", () => this.change(addTarget, { rebuild: true }), { id: "lab-add-class" }),
        button("− class", "One class embedding less", () => this.change(removeTarget, { rebuild: true }), { id: "lab-remove-class", disabled: points.c.length < 2 }),
        button("+ e", "One more output embedding of this class", () => this.change((s) => addEmbedding(s, label), { rebuild: true }), { id: "lab-add-e" }),
        button("+ e of next class", "One more output embedding, of the class after this one", () => this.change((s) => addEmbedding(s, (label + 1) % s.points.c.length), { rebuild: true })),
        button("− e", "Take this output embedding away", () => this.change(removeEmbedding, { rebuild: true }), { id: "lab-remove-e", disabled: points.e.length < 2 })),
    ];
  }
}

/** @param {string} title @param {...HTMLElement} children */
function group(title, ...children) {
  return make("section", { class: "lab-group" }, make("h3", { textContent: title }), ...children);
}

/**
 * A position in the box that depends on the number of points, so that new points do not lie on old ones.
 * @param {State} state
 * @returns {import("./state.mjs").Place}
 */
function freshPlace({ points, box }) {
  const [left, bottom, right, top] = box ?? [-10, -10, 10, 10];
  const i = points.e.length + points.c.length;
  /** @type {(low: number, high: number, share: number) => number} */
  const spread = (low, high, share) => Number((low + (high - low) * (0.15 + 0.7 * ((i * share) % 1))).toPrecision(3));
  return [spread(left, right, 0.618), spread(bottom, top, 0.755)];
}

/** @param {State} state */
function addTarget(state) {
  state.points.c.push(freshPlace(state));
}

/** Remove the last class with its embeddings; the chosen embedding's own class stays. @param {State} state */
function removeTarget(state) {
  const { points } = state;
  const own = points.y[state.chosen];
  const removed = own === points.c.length - 1 ? points.c.length - 2 : points.c.length - 1;
  points.c.splice(removed, 1);
  const remaining = points.y.map((label, i) => [label, i]).filter(([label]) => label !== removed);
  state.chosen = remaining.findIndex(([, i]) => i === state.chosen);
  points.e = remaining.map(([, i]) => points.e[i]);
  points.y = remaining.map(([label]) => (label > removed ? label - 1 : label));
}

/** @param {State} state @param {number} label */
function addEmbedding(state, label) {
  state.points.e.push(freshPlace(state));
  state.points.y.push(label);
}

/** @param {State} state */
function removeEmbedding(state) {
  state.points.e.splice(state.chosen, 1);
  state.points.y.splice(state.chosen, 1);
  state.chosen = Math.max(0, state.chosen - 1);
}
