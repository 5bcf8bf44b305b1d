/* The legend: a line for each class, to show it alone, hide it or let it stand out; and what other colours mean. */

const MANY = 12; // from so many classes on there is a search field

export class Legend {
  /** @param {HTMLElement} element @param {import("../main.mjs").Player} player */
  constructor(element, player) {
    this.player = player;
    this.head = make("div", "legend-head");
    this.all = make("button", "legend-all", { type: "button", textContent: "show all", title: "Show every class again" });
    this.all.addEventListener("click", () => {
      for (const name of ["hidden", "focus"]) player.set(name, new Set());
      player.set("solo", null);
    });
    this.head.append(make("span", "", { textContent: "Classes" }), this.all);
    this.find = make("input", "legend-find", { type: "search", placeholder: "find a class", ariaLabel: "Find a class" });
    this.find.addEventListener("input", () => this.filter());
    this.scale = make("div", "legend-scale");
    this.list = make("div", "legend-list");
    this.rows = [];
    element.replaceChildren(this.scale, this.head, this.find, this.list);
  }

  /** @param {object} legend as the player emits it */
  show(legend) {
    const { classes } = legend;
    if (this.rows.length !== classes.length || classes.some(({ name, unseen }, k) => name !== this.rows[k].name || unseen !== this.rows[k].unseen)) this.build(classes);
    classes.forEach(({ colour, shown, dimmed }, k) => {
      const { row, dot, chip, focus } = this.rows[k];
      row.dataset.dimmed = dimmed;
      chip.setAttribute("aria-pressed", shown);
      focus.setAttribute("aria-pressed", this.player.state.focus.has(k));
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
    const row = make("div", "legend-row");
    const dot = make("span", "legend-dot");
    const chip = make("button", "legend-chip", { type: "button", title: `Hide or show ${name}` });
    chip.append(dot, make("span", "legend-name", { textContent: name }));
    chip.addEventListener("click", () => {
      if (player.state.solo !== null) return player.set("solo", null);
      player.set("hidden", toggled(player.state.hidden, index));
    });
    const action = (text, title, act) => {
      const button = make("button", "legend-action", { type: "button", textContent: text, title });
      button.addEventListener("click", act);
      return button;
    };
    const solo = action("only", `Show ${name} alone; again for all`, () => player.set("solo", player.state.solo === index ? null : index));
    const focus = action("focus", `Let ${name} stand out; others are faint`, () => player.set("focus", toggled(player.state.focus, index)));
    row.append(chip, solo, focus);
    return { name, row, dot, chip, focus };
  }

  /** The heading over the classes held out of training, which have no target. */
  unseenHead(unseen) {
    const head = make("div", "legend-head legend-unseen", { title: "Held out of training: recorded, but without a target" });
    const focus = make("button", "legend-all", { type: "button", textContent: "focus", title: "Let them stand out; again for all" });
    focus.addEventListener("click", () => {
      const isFocused = unseen.every((k) => this.player.state.focus.has(k));
      this.player.set("focus", new Set(isFocused ? [] : unseen));
    });
    head.append(make("span", "", { textContent: "Never trained on" }), focus);
    return head;
  }

  filter() {
    const text = this.find.value.trim().toLowerCase();
    for (const { row, name } of this.rows) row.hidden = !name.toLowerCase().includes(text);
  }
}

function entries(legend) {
  if (legend.ramp) {
    const scale = make("div", "legend-ramp");
    scale.style.setProperty("--ramp", `linear-gradient(to right, ${legend.ramp.join(",")})`);
    const number = (value) => make("span", "", { textContent: Number(value).toPrecision(3) });
    scale.append(number(legend.low), number(legend.high));
    return [make("div", "legend-title", { textContent: legend.title }), scale];
  }
  return (legend.entries ?? []).map(({ name, colour }) => {
    const line = make("div", "legend-entry");
    const dot = make("span", "legend-dot");
    dot.style.background = colour;
    line.append(dot, name);
    return line;
  });
}

function make(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

function toggled(set, value) {
  const changed = new Set(set);
  if (!changed.delete(value)) changed.add(value);
  return changed;
}
