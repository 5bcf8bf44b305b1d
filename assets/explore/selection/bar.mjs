/* The selection bar over the picture: the drawing tool, what the next shape does, the number selected, undo. */

import { describeSelection } from "./description.mjs";
import { button, make, svg } from "../../common/dom.mjs";
import { count } from "../../common/numbers.mjs";

/** Icons on a field of 16 x 16: [outline, area, dashes]; drawn, since not every system's fonts have these signs. */
const ICONS = {
  pan: ["", "M8 1l2 2.7H8.7v3.6h3.6V6L15 8l-2.7 2V8.7H8.7v3.6H10L8 15l-2-2.7h1.3V8.7H3.7V10L1 8l2.7-2v1.3h3.6V3.7H6z"],
  lasso: [
    "M8 2.5c3.6 0 6 1.5 6 3.8s-2.4 3.8-6 3.8-6-1.5-6-3.8 2.4-3.8 6-3.8zM5 10c-1.8 1.3-1 2.3.5 3.5",
    "",
    "2.5 1.5",
  ],
  select: ["M2.5 3.5h11v9h-11z", "", "2 1.5"],
  replace: ["M6.5 10v3.5h7v-7H10", "M2 2h8v8H2z"],
  add: ["", "M2 2h8v4h4v8H6v-4H2z"],
  subtract: ["M6.5 6.5h7v7h-7z", "M2 2h8v4H6v4H2z"],
  keep: ["M2.5 2.5h7v7h-7zM6.5 6.5h7v7h-7z", "M6 6h4v4H6z"],
  invert: ["M2.5 2.5h11v11h-11z", "M2.5 2.5h11l-11 11z"],
  undo: ["M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M6 3.5l-3 3 3 3", ""],
  clear: ["M4 4l8 8M12 4l-8 8", ""],
};
const TOOLS = {
  pan: "Move the picture; the wheel zooms",
  lasso: "Select by drawing around images",
  select: "Select by drawing a box",
};
const MODES = {
  replace: "The next shape is the selection",
  add: "The next shape is added to the selection",
  subtract: "The next shape is taken off the selection",
  keep: "Of the selection only what is in the next shape is kept",
};

export class SelectionBar {
  /**
   * @param {HTMLElement} element
   * @param {import("../../player/main.mjs").Player} player
   * @param {import("./selector.mjs").Selector} selector
   */
  constructor(element, player, selector) {
    this.figure = player.stage.plot;
    this.selector = selector;
    const buttons = (choices, act) => Object.entries(choices).map(([name, title]) => this.button(name, title, () => act(name)));
    const group = (...children) => make("span", { class: "selection-group", role: "group" }, ...children);
    this.tools = buttons(TOOLS, (tool) => this.setTool(tool));
    this.modes = buttons(MODES, (mode) => selector.setMode(mode));
    this.count = make("span", { class: "selection-count" });
    this.undo = this.button("undo", "Take the last step back", () => selector.undo());
    this.clear = this.button("clear", "Select nothing", () => selector.clear());
    const invert = this.button("invert", "Select the others instead", () => selector.invert());
    const actions = make("span", { class: "selection-group" }, invert, this.undo, this.clear);
    element.replaceChildren(group(...this.tools), group(...this.modes), this.count, actions);
    element.hidden = false;
    selector.on("mode", () => this.draw());
    selector.on("steps", () => this.draw());
    selector.on("numbers", () => this.draw());
    player.ready.then(() => {
      this.figure.on?.("plotly_relayout", () => this.draw());
      this.draw();
    });
  }

  button(name, title, act) {
    const element = button("", title, act, { class: "selection-tool", name, "aria-label": title });
    const [outline, area, dashes = "none"] = ICONS[name];
    const lines = svg("path", { d: outline, "stroke-dasharray": dashes });
    element.append(svg("svg", { viewBox: "0 0 16 16" }, svg("path", { d: area, class: "area" }), lines));
    return element;
  }

  /** Choose what a drag on the picture does. @param {"pan" | "lasso" | "select"} tool */
  setTool(tool) {
    globalThis.Plotly.relayout(this.figure, { dragmode: tool });
  }

  draw() {
    const { selector } = this;
    const tool = this.figure._fullLayout?.dragmode;
    for (const one of this.tools) one.ariaPressed = String(one.name === tool);
    for (const one of this.modes) one.ariaPressed = String(one.name === selector.mode);
    const { length } = selector.steps;
    const { numbers } = selector;
    const isCurrent = length && selector.hasNumbers();
    this.count.textContent = isCurrent ? `${count(numbers.n)} of ${count(numbers.total)}` : "";
    this.count.title = isCurrent ? describeSelection(numbers) : "";
    this.undo.disabled = !length && !selector.previous.length;
    this.clear.disabled = !length;
  }
}
