/* Selecting without drawing: a class, the images a classifier gets wrong, those near a target in all D dimensions. */

import { button, choice, fill, make, short } from "../dom.mjs";

const ACTIONS = { replace: "select", add: "add", subtract: "take off", keep: "keep" };

export class Chooser {
  /** @param {import("../panels/panels.mjs").Panels} panels */
  constructor(panels) {
    this.panels = panels;
    const { selector } = panels;
    this.class = choice("Class", []);
    this.classifier = choice("Classifier", []);
    this.distance = make("input", "panel-input", {
      type: "number",
      min: 0,
      step: "any",
      title: "Distance in D dimensions",
      ariaLabel: "Distance",
    });
    this.to = choice("Target or centre", []);
    this.near = choice("Whose target", []);
    this.follows = make("input", "", { type: "checkbox" });
    this.buttons = [];
    const row = (name, shape, ...fields) => {
      const act = button("panel-button", "", "", () => selector.apply(selector.mode, shape()));
      this.buttons.push(act);
      return make(
        "div",
        "chooser-row",
        {},
        make("span", "panel-name", { textContent: name }),
        make("span", "chooser-fields", {}, ...fields),
        act,
      );
    };
    const snapshot = () => (this.follows.checked ? {} : { snapshot: selector.snapshot });
    const label = make("label", "chooser-check", {
      title: "Evaluate anew at every snapshot, instead of holding on to the images of this one",
    });
    label.append(this.follows, "follow the time");
    this.element = make(
      "div",
      "",
      {},
      row("class", () => ({ kind: "class", classes: [Number(this.class.value)] }), this.class),
      row(
        "wrong",
        () => ({ kind: "wrong", classifier: this.classifier.value, ...snapshot() }),
        "under ",
        this.classifier,
      ),
      row("within", () => this.within(snapshot()), this.distance, "of", this.to, this.near),
      label,
    );
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
    const classes = frames.classNames.map((name, k) => [k, name]);
    for (const select of [this.class, this.near]) fill(select, classes);
    fill(
      this.classifier,
      attributes.classifiers.map((name) => [name, name]),
    );
    const hasTargets = Boolean(attributes.distances.target);
    fill(this.to, [...(hasTargets ? [["target", "target"]] : []), ["centre", "centre"]]);
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
