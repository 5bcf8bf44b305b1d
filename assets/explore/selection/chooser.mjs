/* Selecting without drawing: a class, the images a classifier gets wrong, those near a target in all D dimensions. */

import { button, choice, fillChoices, make, tick } from "../../common/dom.mjs";
import { short } from "../../common/numbers.mjs";

const ACTIONS = { replace: "select", add: "add", subtract: "take off", keep: "keep" };
const FOLLOWS = "Evaluate anew at every snapshot, instead of holding on to the images of this one";

export class Chooser {
  /** @param {import("../panels/panels.mjs").Panels} panels */
  constructor(panels) {
    this.panels = panels;
    const { selector } = panels;
    const list = (name) => choice(name, [], undefined, { class: "panel-choice" });
    this.class = list("Class");
    this.classifier = list("Classifier");
    const field = { class: "panel-input", title: "Distance in D dimensions", "aria-label": "Distance" };
    this.distance = make("input", { ...field, type: "number", min: 0, step: "any" });
    this.to = list("Target or centre");
    this.near = list("Whose target");
    this.follows = false; // whether it is evaluated anew at every snapshot
    this.buttons = [];
    const row = (name, shape, ...fields) => {
      const act = button("", "", () => selector.apply(selector.mode, shape()), { class: "panel-button" });
      this.buttons.push(act);
      return make("div", { class: "chooser-row" },
        make("span", { class: "panel-name", textContent: name }),
        make("span", { class: "chooser-fields" }, ...fields),
        act);
    };
    const snapshot = () => (this.follows ? {} : { snapshot: selector.snapshot });
    this.element = make("div", {},
      row("class", () => ({ kind: "class", classes: [Number(this.class.value)] }), this.class),
      row("wrong", () => ({ kind: "wrong", classifier: this.classifier.value, ...snapshot() }), "under ", this.classifier),
      row("within", () => this.within(snapshot()), this.distance, "of", this.to, this.near),
      tick("follow the time", false, FOLLOWS, (isOn) => (this.follows = isOn), { class: "chooser-check" }));
    this.distance.addEventListener("keydown", ({ key }) => key === "Enter" && this.buttons[2].click());
    selector.on("mode", () => this.draw());
  }

  /** The shape of the row "within". @param {{snapshot?: number}} snapshot */
  within(snapshot) {
    const distance = Math.max(0, Number(this.distance.value) || 0);
    return { kind: "within", distance, of_class: Number(this.near.value), to: this.to.value, ...snapshot };
  }

  draw() {
    const { player, selector } = this.panels;
    const { frames, attributes } = player.data;
    if (!frames || !attributes) return;
    /** @type {import("../../common/dom.mjs").Choices} */
    const classes = frames.classNames.map((name, k) => [k, name]);
    for (const select of [this.class, this.near]) fillChoices(select, classes);
    fillChoices(this.classifier, attributes.classifiers.map((name) => [name, name]));
    const hasTargets = Boolean(attributes.distances.target);
    fillChoices(this.to, (hasTargets ? ["target", "centre"] : ["centre"]).map((name) => [name, name]));
    const { run } = this.panels;
    if (this.run !== run) this.distance.value = short(this.meanDistance(hasTargets ? "target" : "centre"));
    this.run = run;
    for (const act of this.buttons) {
      act.textContent = ACTIONS[selector.mode];
      act.title = "What the bar over the picture says is done with these images";
    }
  }

  /** The mean distance of the images to their own target at the snapshot shown: what the field begins with. */
  meanDistance(to) {
    const { player, selector } = this.panels;
    const { N } = player.data.frames;
    const codes = player.data.attributes.distances[to];
    const scale = player.data.attributes.meta.scales[`distances.${to}`]?.[selector.snapshot];
    if (!codes || !scale) return 1;
    const sum = codes.subarray(selector.snapshot * N, (selector.snapshot + 1) * N).reduce((total, code) => total + code, 0);
    return scale[0] + (sum / N / 254) * (scale[1] - scale[0]);
  }
}
