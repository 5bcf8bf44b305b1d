/* Named selections, kept with the run: save what is selected, bring it back, forget it. */

import { button, make } from "../dom.mjs";
import { Newest, get, post } from "../http.mjs";

export class Saved {
  /** @param {import("../panels/panels.mjs").Finding} finding */
  constructor(finding) {
    this.finding = finding;
    this.run = null;
    this.newest = new Newest((sentence) => (this.note.textContent = sentence));
    this.name = make("input", "find-input", {
      placeholder: "name of this selection",
      ariaLabel: "Name",
      maxLength: 80,
    });
    this.save = make("button", "find-small", { textContent: "save", title: "Keep the selection with the run" });
    const form = make("form", "find-row", {}, this.name, this.save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep();
    });
    this.list = make("div", "find-saved");
    this.note = make("div", "find-sentence");
    this.element = make("div", "", {}, form, this.note, this.list);
  }

  /** Fetch the names of a run, once. */
  async load() {
    const { run } = this.finding.asked();
    if (this.run === run) return;
    this.run = run;
    this.list.replaceChildren();
    const told = await this.newest.ask((signal) => get("/api/selections", { run }, signal));
    if (!told) this.run = null; // to be asked for again
    this.draw(told);
  }

  async keep() {
    const { selector } = this.finding;
    if (!selector.steps.length)
      return (this.note.textContent = "Nothing is selected yet, so there is nothing to save.");
    const { run } = this.finding.asked();
    const body = { run, name: this.name.value, selection: selector.selection };
    const told = await this.newest.ask((signal) => post("/api/selections/save", body, signal));
    if (told) this.name.value = "";
    this.draw(told);
  }

  async forget(name) {
    const { run } = this.finding.asked();
    this.draw(await this.newest.ask((signal) => post("/api/selections/delete", { run, name }, signal)));
  }

  draw(told) {
    if (!told) return;
    const { selector } = this.finding;
    this.list.replaceChildren(
      ...Object.entries(told.selections).map(([name, { steps }]) =>
        make(
          "span",
          "find-chip",
          {},
          button("find-recall", name, `Select ${name} again`, () => selector.become(steps)),
          button("find-forget", "×", `Forget ${name}`, () => this.forget(name)),
        ),
      ),
    );
  }
}
