/* The legend: a line for each class, to show it alone, hide it or let it stand out; and what other colours mean. */

import { button, make } from "../../common/dom.mjs";

const MANY = 12; // from so many classes on there is a search field

export class Legend {
  /** @param {HTMLElement} element @param {import("../main.mjs").Player} player */
  constructor(element, player) {
    this.player = player;
    const showAll = () => {
      for (const name of ["hidden", "focus"]) player.set(name, new Set());
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

  /** @param {object} legend as the player emits it */
  show(legend) {
    const { classes } = legend;
    if (this.rows.length !== classes.length || classes.some(({ name, unseen }, k) => name !== this.rows[k].name || unseen !== this.rows[k].unseen)) this.build(classes);
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

  build(classes) {
    this.rows = classes.map(({ index, name, unseen }) => ({ ...this.row(index, name), unseen }));
    const unseen = classes.filter((one) => one.unseen).map(({ index }) => index);
    const rows = (own) => this.rows.filter((one) => one.unseen === own).map(({ row }) => row);
    this.list.replaceChildren(...rows(false), ...(unseen.length ? [this.unseenHead(unseen)] : []), ...rows(true));
    this.find.hidden = classes.length < MANY;
    this.find.value = "";
  }

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

  /** The heading over the classes held out of training, which have no target. */
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

function entries(legend) {
  if (legend.ramp) {
    const ramp = { "--ramp": `linear-gradient(to right, ${legend.ramp.join(",")})` };
    const ends = [legend.low, legend.high].map((value) => make("span", { textContent: Number(value).toPrecision(3) }));
    return [make("div", { class: "legend-title", textContent: legend.title }), make("div", { class: "legend-ramp", style: ramp }, ...ends)];
  }
  return (legend.entries ?? []).map(({ name, colour }) =>
    make("div", { class: "legend-entry" }, make("span", { class: "legend-dot", style: { background: colour } }), name));
}

function toggled(set, value) {
  const changed = new Set(set);
  if (!changed.delete(value)) changed.add(value);
  return changed;
}
