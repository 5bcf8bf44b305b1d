/* One field of the form: label, help, an input or a list, perhaps a slider, and its problem. */

import { make } from "../common/dom.mjs";
import { typed } from "../common/numbers.mjs";

const STEPS = 200; // of a slider

export class Field {
  /** @param {import("./answers.d.ts").Spec} spec @param {() => void} onChange */
  constructor(spec, onChange) {
    this.spec = spec;
    const id = `train-${spec.name}`;
    const attributes = { id, name: spec.name, "aria-describedby": `${id}-help ${id}-problem` };
    /** @type {HTMLInputElement | HTMLSelectElement} */
    this.input = spec.choices ? this._list(attributes) : this._text(attributes);
    this.input.addEventListener(spec.choices ? "change" : "input", () => {
      this._slide();
      onChange();
    });
    this.help = make("span", { class: "train-help", id: `${id}-help`, textContent: spec.help });
    this.problem = make("span", { class: "train-problem", id: `${id}-problem`, role: "alert" });
    this.range = make("input", { type: "range", class: "train-range", min: 0, max: STEPS, step: 1, hidden: true, "aria-label": `${spec.label}, slider` });
    this.range.addEventListener("input", () => {
      this.input.value = typed(this._from(Number(this.range.value)));
      onChange();
    });
    const label = make("label", { class: "train-label", for: id, textContent: spec.label, title: `--${spec.name.replaceAll("_", "-")}` });
    this.root = make("div", { class: "train-field" }, label, this.input, this.range, this.help, this.problem);
  }

  get value() {
    return this.input.value.trim();
  }

  isDefault() {
    return this.value === "" || this.value === this._defaultText();
  }

  /** The default, null if it depends on the loss or the data set. @returns {string | number | null} */
  _default() {
    return typeof this.spec.default === "object" ? null : this.spec.default;
  }

  _defaultText() {
    const value = this._default();
    return typeof value === "number" ? typed(value) : String(value ?? "");
  }

  /** "" is the default. @param {string | number} value */
  set(value) {
    const text = value === "" ? (this._default() ?? "") : value;
    if (this.input instanceof HTMLSelectElement && ![...this.input.options].some((option) => option.value === String(text)))
      this.input.append(make("option", { value: text, textContent: text })); // not in the list: the server will refuse it
    this.input.value = typeof text === "number" ? typed(text) : text;
    this._slide();
    const folded = this.root.closest("details");
    if (folded && !this.isDefault()) folded.open = true;
  }

  /** Set the default and the range of a hyperparameter of the selected loss. @param {import("./answers.d.ts").Hyperparameter} hyperparameter */
  setRange({ default: value, help, low, high, log }) {
    this.scale = { low, high, log, value };
    if (this.input instanceof HTMLInputElement) this.input.placeholder = typed(value);
    this.help.textContent = `${help[0].toUpperCase()}${help.slice(1)} (${typed(low)} to ${typed(high)})`;
    this.range.hidden = false;
    this._slide();
  }

  /** @param {string} sentence */
  showProblem(sentence) {
    this.problem.textContent = sentence;
    this.input.setAttribute("aria-invalid", String(Boolean(sentence)));
  }

  _list(properties) {
    const pairs = this.spec.choices.map((choice) => (Array.isArray(choice) ? choice : [choice, choice]));
    const options = pairs.map(([value, text]) => make("option", { value, textContent: text, selected: value === this.spec.default }));
    return make("select", { class: "train-input", ...properties }, ...options);
  }

  _text(properties) {
    const { suggestions, number } = this.spec;
    const input = make("input", { type: "text", class: "train-input", inputMode: number ? "decimal" : "text", value: this._defaultText(), placeholder: this._defaultText() || "as the data set's", autocomplete: "off", spellcheck: false, ...properties });
    if (!suggestions) return input;
    input.setAttribute("list", `${properties.id}-list`);
    const list = make("datalist", { id: `${properties.id}-list` }, ...suggestions.map((text) => make("option", { value: text })));
    input.addEventListener("focus", () => input.after(list), { once: true });
    return input;
  }

  _from(position) {
    const { low, high, log } = this.scale;
    const share = position / STEPS;
    return Number((log ? low * (high / low) ** share : low + (high - low) * share).toPrecision(3));
  }

  _slide() {
    if (!this.scale) return;
    const { low, high, log, value } = this.scale;
    const at = this.value === "" ? value : Number(this.value);
    const share = log ? Math.log(at / low) / Math.log(high / low) : (at - low) / (high - low);
    if (Number.isFinite(share)) this.range.value = String(STEPS * Math.min(1, Math.max(0, share)));
  }
}
