/* The form: presets, a group of fields each for data, network, loss and training, and the button that starts. */

import { button, choice, make } from "../common/dom.mjs";
import { Field } from "./field.mjs";

const LOSS_FIELDS = ["r", "eps"]; // of the losses that have them
const TARGETS_ONLY = ["loss", "dim", "class_init_scale", "class_lr_factor", ...LOSS_FIELDS]; // a linear head has none
const PAPER_NAMES = { resnet18: "ResNet-18", resnet50: "ResNet-50", resnet101: "ResNet-101", pure: "pure (linear head)" };

/** @typedef {import("./answers.d.ts").Values} Values */

export class Form {
  /**
   * @param {HTMLElement} root
   * @param {import("./answers.d.ts").Catalogue} catalogue
   * @param {{onChange: () => void, onStart: () => void, onPaper: (row: Record<string, string>) => Promise<Values | null>}} events
   */
  constructor(root, catalogue, events) {
    this.catalogue = catalogue;
    this.events = events;
    /** @type {Map<string, Field>} by name */
    this.fields = new Map();
    const groups = catalogue.groups.map((group) => this._group(group));
    this.body = make("form", { class: "train-fields", noValidate: true }, this._presets(), ...groups);
    this.body.addEventListener("submit", (event) => {
      event.preventDefault();
      events.onStart();
    });
    root.replaceChildren(this.body);
    this.body.append(this._end());
    this.arrange();
  }

  /** The values by field, without those left at their default. @returns {Values} */
  values() {
    /** @type {Values} */
    const values = {};
    for (const [name, field] of this.fields) if (!field.root.hidden && !field.isDefault()) values[name] = field.value;
    return values;
  }

  /** Set every field: to its value here, or back to its default. @param {Values} values */
  set(values) {
    for (const [name, field] of this.fields) field.set(values[name] ?? "");
    this.arrange();
  }

  name() {
    return this.nameInput.value.trim();
  }

  clearName() {
    this.nameInput.value = "";
  }

  /** @param {Record<string, string>} problems by field; "" is the form as a whole */
  showProblems(problems) {
    for (const [name, field] of this.fields) field.showProblem(problems[name] ?? "");
    for (const folded of this.body.querySelectorAll("details"))
      if (folded.querySelector('[aria-invalid="true"]')) folded.open = true;
    this.nameInput.setAttribute("aria-invalid", String(Boolean(problems.name)));
    const others = Object.entries(problems).filter(([name]) => !this.fields.has(name) || this.fields.get(name).root.hidden);
    this.problem.textContent = others.map(([, sentence]) => sentence).join("; ");
    this.startButton.disabled = Object.keys(problems).some((name) => name !== "name");
  }

  /** @param {string[]} before runs that train on the same device */
  showQueue(before) {
    this.startButton.textContent = before.length ? "Add to the queue" : "Start training";
    this.startButton.title = before.length ? `It starts when '${before[0]}' is over` : "Train with these settings, in a process of its own";
  }

  /** Show the fields that go together: those of the loss, and of the head. */
  arrange() {
    const value = (name) => this.fields.get(name)?.value || this.fields.get(name)?.spec.default;
    const isLinear = value("head") === "linear";
    const loss = this.catalogue.losses.find(({ name }) => name === value("loss"));
    for (const [name, field] of this.fields) field.root.hidden = isLinear && TARGETS_ONLY.includes(name);
    for (const name of LOSS_FIELDS) {
      const hyperparameter = loss?.fields.find((field) => field.name === name);
      this.fields.get(name).root.hidden = isLinear || !hyperparameter;
      if (hyperparameter) this.fields.get(name).setRange(hyperparameter);
    }
    this.about.textContent = isLinear ? "Cross-entropy of the linear layer: the pure baseline has no targets to pull." : "";
    if (loss) this.fields.get("loss").help.textContent = loss.about;
  }

  /** @param {import("./answers.d.ts").Catalogue["groups"][number]} group */
  _group({ name, title, help, fields }) {
    const formFields = fields.map((spec) => {
      const choices = spec.name === "device" ? this._devices() : null;
      const field = new Field({ ...spec, choices: choices ?? spec.choices }, () => {
        this.arrange();
        this.events.onChange();
      });
      this.fields.set(spec.name, field);
      return field;
    });
    const first = formFields.filter((field) => field.spec.first).map((field) => field.root);
    const others = formFields.filter((field) => !field.spec.first).map((field) => field.root);
    const more = others.length ? make("details", { class: "train-more" }, make("summary", { textContent: "More" }), ...others) : null;
    const about = name === "loss" ? (this.about = make("p", { class: "train-about" })) : null;
    const head = make("legend", {}, make("span", { class: "train-title", textContent: title }), make("span", { class: "train-help", textContent: help }));
    return make("fieldset", { class: "train-group", data: { group: name } }, head, about, ...first, more);
  }

  /** The choices of devices; `auto` names the one it stands for. @returns {[string, string][]} */
  _devices() {
    const size = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
    /** @type {[string, string][]} */
    const choices = this.catalogue.devices.map(({ name, title, free, total }) => [
      name,
      `${name} · ${title}${free ? ` · ${size(free)} of ${size(total)} free` : ""}`,
    ]);
    return [["auto", `auto (${this.catalogue.devices[0].name})`], ...choices];
  }

  _presets() {
    const use = (values) => {
      this.set(values);
      this.events.onChange();
    };
    const quick = this.catalogue.quick.map(({ name, title, help, values }) =>
      button(title, help, () => use(values), { class: "train-chip", data: { preset: name } }),
    );
    const row = this._paperRow(use);
    const open = () => paper.setAttribute("aria-expanded", String(!(row.hidden = !row.hidden)));
    const title = "The hyperparameters that the paper found best (Tables 8 and 9)";
    const paper = button("From the paper …", title, open, { class: "train-chip", "aria-expanded": "false" });
    return make("div", { class: "train-presets" }, make("div", { class: "train-chips" }, ...quick, paper), row);
  }

  /** @param {(values: Values) => void} use */
  _paperRow(use) {
    const labels = new Map(this.catalogue.losses.map(({ name, label }) => [name, label]));
    const list = (label, names) =>
      choice(label, names.map((name) => [name, PAPER_NAMES[name] ?? labels.get(name) ?? name]), undefined, { class: "train-input" });
    const { dataset, backbone, loss } = this.catalogue.paper;
    const lists = { dataset: list("Data set of the paper", dataset), backbone: list("Network of the paper", backbone), loss: list("Loss of the paper", loss) };
    lists.dataset.value = "fashion-mnist";
    const fill = async () => {
      const values = await this.events.onPaper(Object.fromEntries(Object.entries(lists).map(([name, element]) => [name, element.value])));
      if (values) use(values);
    };
    const fillIn = button("Fill in", "Fill the form with this row of the paper's tables", fill, { class: "train-button" });
    return make("div", { class: "train-paper", hidden: true }, ...Object.values(lists), fillIn);
  }

  _end() {
    this.nameInput = make("input", { class: "train-input", id: "train-name", type: "text", placeholder: "named by itself", "aria-label": "Name of the run", autocomplete: "off", maxLength: 100 });
    this.startButton = make("button", { type: "submit", class: "train-button is-main", id: "train-start", textContent: "Start training" });
    this.problem = make("div", { class: "train-problem", id: "train-problem", role: "alert" });
    const label = make("label", { class: "train-name" }, make("span", { textContent: "Name" }), this.nameInput);
    return make("div", { class: "train-end" }, this.problem, make("div", { class: "train-row" }, label, this.startButton));
  }
}
