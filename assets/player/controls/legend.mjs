/* The legend: a line for each class, to show it alone, hide it or let it stand out; and what other colours mean. */

import { button, make } from "../../common/dom.mjs";

const MANY = 12; // from so many classes on there is a search field

/** @typedef {import("../colours.mjs").LegendContent} Content */
/** @typedef {Pick<import("../options.mjs").State, "hidden" | "focus" | "solo">} ClassState */
/**
 * A player, or the state that several share.
 * @typedef {{state: ClassState, set: (name: keyof ClassState, value: Set<number> | number | null) => void}} Player
 */

export class Legend {
  /** @param {HTMLElement} element @param {Player} player */
  constructor(element, player) {
    this.player = player;
    const showAll = () => {
      player.set("hidden", new Set());
      player.set("focus", new Set());
      player.set("solo", null);
    };
    this.all = button("show all", "Show every class again", showAll, { class: "legend-all" });
    const head = make("div", { class: "legend-head" }, make("span", { textContent: "Classes" }), this.all);
    const find = { type: "search", placeholder: "find a class", "aria-label": "Find a class", on: { input: () => this.filter() } };
    this.find = make("input", { class: "legend-find", ...find });
    this.scale = make("div", { class: "legend-scale" });
    this.list = make("div", { class: "legend-list" });
    this.rows = [];
    element.replaceChildren(this.scale, head, this.find, this.list);
  }

  /** @param {Content} legend */
  show(legend) {
    const { classes } = legend;
    const isSame = ({ name, unseen }, k) => name === this.rows[k].name && unseen === this.rows[k].unseen;
    if (this.rows.length !== classes.length || !classes.every(isSame)) this.build(classes);
    classes.forEach(({ colour, shown, dimmed }, k) => {
      const { row, dot, chip, focus } = this.rows[k];
      row.dataset.dimmed = String(dimmed);
      chip.setAttribute("aria-pressed", String(shown));
      focus.setAttribute("aria-pressed", String(this.player.state.focus.has(k)));
      dot.style.background = colour;
    });
    const { hidden, focus, solo } = this.player.state;
    this.all.hidden = !hidden.size && !focus.size && solo === null;
    this.scale.replaceChildren(...entries(legend));
  }

  /** @param {Content["classes"]} classes */
  build(classes) {
    this.rows = classes.map(({ index, name, unseen }) => ({ ...this.row(index, name), unseen }));
    const unseen = classes.filter((one) => one.unseen).map(({ index }) => index);
    const rows = (own) => this.rows.filter((one) => one.unseen === own).map(({ row }) => row);
    this.list.replaceChildren(...rows(false), ...(unseen.length ? [this.unseenHead(unseen)] : []), ...rows(true));
    this.find.hidden = classes.length < MANY;
    this.find.value = "";
  }

  /** @param {number} index @param {string} name */
  row(index, name) {
    const { player } = this;
    const dot = make("span", { class: "legend-dot" });
    const hide = () => {
      if (player.state.solo !== null) return player.set("solo", null);
      return player.set("hidden", toggled(player.state.hidden, index));
    };
    const chip = button("", `Hide or show ${name}`, hide, { class: "legend-chip" });
    chip.append(dot, make("span", { class: "legend-name", textContent: name }));
    const action = (text, title, act) => button(text, title, act, { class: "legend-action" });
    const solo = action("only", `Show ${name} alone; again for all`, () => player.set("solo", player.state.solo === index ? null : index));
    const focus = action("focus", `Let ${name} stand out; others are faint`, () => player.set("focus", toggled(player.state.focus, index)));
    return { name, row: make("div", { class: "legend-row" }, chip, solo, focus), dot, chip, focus };
  }

  /** The heading over the classes held out of training, which have no target. @param {number[]} unseen */
  unseenHead(unseen) {
    const focusAll = () => {
      const isFocused = unseen.every((k) => this.player.state.focus.has(k));
      this.player.set("focus", new Set(isFocused ? [] : unseen));
    };
    const focus = button("focus", "Let them stand out; again for all", focusAll, { class: "legend-all" });
    const title = "Held out of training: recorded, but without a target";
    return make("div", { class: "legend-head legend-unseen", title }, make("span", { textContent: "Never trained on" }), focus);
  }

  filter() {
    const text = this.find.value.trim().toLowerCase();
    for (const { row, name } of this.rows) row.hidden = !name.toLowerCase().includes(text);
  }
}

/** What colours mean where they are not the classes'. @param {Content} legend */
function entries(legend) {
  if (legend.ramp) {
    const ramp = { "--ramp": `linear-gradient(to right, ${legend.ramp.join(",")})` };
    const ends = [legend.low, legend.high].map((value) => make("span", { textContent: Number(value).toPrecision(3) }));
    return [make("div", { class: "legend-title", textContent: legend.title }), make("div", { class: "legend-ramp", style: ramp }, ...ends)];
  }
  return (legend.entries ?? []).map(({ name, colour }) =>
    make("div", { class: "legend-entry" }, make("span", { class: "legend-dot", style: { background: colour } }), name));
}

/** @param {Set<number>} set @param {number} value */
function toggled(set, value) {
  const changed = new Set(set);
  if (!changed.delete(value)) changed.add(value);
  return changed;
}
