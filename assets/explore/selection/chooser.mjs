/* Selecting by what is known: a class, what a classifier gets wrong, what is near a target in all D dimensions. */

import { button, choice, fill, make, short } from "../dom.mjs";

const DOES = { replace: "select", add: "add", subtract: "take off", keep: "keep" };

export class Chooser {
  /** @param {import("../panels/panels.mjs").Finding} finding */
  constructor(finding) {
    this.finding = finding;
    const { selector } = finding;
    this.class = choice("Class", []);
    this.classifier = choice("Classifier", []);
    this.distance = make("input", "find-input", {
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
      const act = button("find-small", "", "", () => selector.then(selector.mode, shape()));
      this.buttons.push(act);
      return make(
        "div",
        "find-choose",
        {},
        make("span", "find-name", { textContent: name }),
        make("span", "find-fields", {}, ...fields),
        act,
      );
    };
    const moment = () => (this.follows.checked ? {} : { snapshot: selector.now });
    const label = make("label", "find-check", {
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
        () => ({ kind: "wrong", classifier: this.classifier.value, ...moment() }),
        "under ",
        this.classifier,
      ),
      row("within", () => this.within(moment()), this.distance, "of", this.to, this.near),
      label,
    );
    this.distance.addEventListener("keydown", ({ key }) => key === "Enter" && this.buttons[2].click());
    selector.on("mode", () => this.draw());
  }

  within(moment) {
    const distance = Math.max(0, Number(this.distance.value) || 0);
    return { kind: "within", distance, of_class: Number(this.near.value), to: this.to.value, ...moment };
  }

  draw() {
    const { player, selector } = this.finding;
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
    const { run } = this.finding;
    if (this.run !== run) this.distance.value = short(this.usual(hasTargets ? "target" : "centre"));
    this.run = run;
    for (const made of this.buttons) {
      made.textContent = DOES[selector.mode];
      made.title = "What the bar over the picture says is done with these images";
    }
  }

  /** The mean distance of the images to their own target now: a distance to begin with. */
  usual(to) {
    const { player, selector } = this.finding;
    const { N } = player.data.frames;
    const codes = player.data.attributes.distances[to];
    const scale = player.data.attributes.meta.scales[`distances.${to}`]?.[selector.now];
    if (!codes || !scale) return 1;
    const sum = codes.subarray(selector.now * N, (selector.now + 1) * N).reduce((total, code) => total + code, 0);
    return scale[0] + (sum / N / 254) * (scale[1] - scale[0]);
  }
}
