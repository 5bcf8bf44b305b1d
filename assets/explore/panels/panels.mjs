/* The selection bar over the picture and the panels beside it. A panel loads nothing until it is opened. */

import { button, make } from "../../common/dom.mjs";
import { SelectionBar } from "../selection/bar.mjs";
import { Selector } from "../selection/selector.mjs";
import { CertaintyPanel } from "./certainty_panel.mjs";
import { CurvesPanel } from "./curves_panel.mjs";
import { EventsPanel } from "./events_panel.mjs";
import { ImagePanel } from "./image_panel.mjs";
import { SelectionPanel } from "./selection_panel.mjs";

/**
 * Every panel, by its name in the address, in the order of the tabs; the first is open at first. A class with the text
 * of its tab (`title`) and the tooltip (`help`), made with the element that it fills and these Panels. It has
 *   show()            called when it is opened, and whenever what it shows may have changed while it is open
 *   hide()            called when another is opened
 *   remove()          called when the page is left
 *   begin(query)      called when another run is shown, with what the address says of it
 *   address           what of it belongs into the address: parameters by name
 *   grows             true if it follows a run that is still being trained by itself
 * of which only `show` must be there.
 */
const PANELS = {
  curves: CurvesPanel,
  select: SelectionPanel,
  image: ImagePanel,
  events: EventsPanel,
  certainty: CertaintyPanel,
};
/** @typedef {keyof typeof PANELS} Name */
/**
 * @typedef {object} Panel
 * @property {() => void} show
 * @property {() => void} [hide]
 * @property {() => void} [remove]
 * @property {(query: Record<string, string>) => void} [begin]
 * @property {Record<string, string>} [address]
 * @property {boolean} [grows]
 */

const [FIRST] = /** @type {Name[]} */ (Object.keys(PANELS));
const REST = 120; // milliseconds that the time has to stand still before a panel shows another snapshot
const STILL_TRAINING = "Still training: this is of the snapshots there are so far.";

const place = (name) => document.getElementById(`explore-${name}`);

export class Panels {
  /**
   * @param {import("../../player/main.mjs").Player} player
   * @param {() => import("../selection/selector.mjs").Current} current run, classifier and view shown now
   * @param {{query: Record<string, string>, seek: (epoch: number) => void, changed: () => void,
   *   say: (message: string) => void, onEventCounts: (counts: number[]) => void}} page
   */
  constructor(player, current, { query, seek, changed, say, onEventCounts }) {
    this.player = player;
    this.current = current;
    this.changed = changed;
    this.say = say;
    this.onEventCounts = onEventCounts;
    player.element.panels = this; // beside the player itself, for tests and other scripts
    this.query = query; // of the address, until the first run is shown
    this.run = null;
    this.openName = FIRST;
    this.isTraining = false;
    this.isShifted = false; // whether the shift key is held in a click
    this.go = (epoch) => {
      player.pause();
      seek(epoch);
    };
    this.selector = new Selector(player, current);
    this.bar = new SelectionBar(place("selection"), player, this.selector);
    this.build();
    this.selector.on("steps", changed);
    this.stops = [player.on("time", () => this.timeChanged()), player.on("click", (hit) => this.clicked(hit))];
    this.shift = (event) => (this.isShifted = event.shiftKey);
    player.element.addEventListener("pointerdown", this.shift, true);
  }

  /** Make the panels and their tabs; the page itself has those that Python fills. */
  build() {
    const names = /** @type {Name[]} */ (Object.keys(PANELS));
    this.elements = names.map((name) => place(`panel-${name}`) ?? make("div", { id: `explore-panel-${name}`, class: "explore-panel", role: "tabpanel", hidden: true }));
    place("still").after(...this.elements);
    const made = names.map((name, i) => [name, new PANELS[name](this.elements[i], this)]);
    /** @type {{[name in Name]: Panel} & {image: ImagePanel}} */
    this.byName = Object.fromEntries(made);
    this.tabs = names.map((name) => {
      const { title, help } = PANELS[name];
      const properties = { class: "", role: "tab", data: { panel: name }, "aria-controls": `explore-panel-${name}` };
      return button(title, help, () => this.openPanel(name), properties);
    });
    place("tabs").replaceChildren(...this.tabs);
    place("tabs").onkeydown = (event) => this.keyPressed(event);
    this.markTabs();
  }

  /** The open panel. */
  get open() {
    return this.byName[this.openName];
  }

  remove() {
    clearTimeout(this.timer);
    this.selector.remove();
    for (const panel of Object.values(this.byName)) panel.remove?.();
    for (const stop of this.stops) stop();
    this.player.element.removeEventListener("pointerdown", this.shift, true);
  }

  /** What of the panels is in the address: parameters by name. */
  get address() {
    const { steps } = this.selector;
    return Object.assign(
      this.openName === FIRST ? {} : { panel: this.openName },
      steps.length ? { select: JSON.stringify(steps) } : {},
      ...Object.values(this.byName).map((panel) => panel.address ?? {}),
    );
  }

  /** What the content of a panel depends on: while this is the same, nothing has to be fetched again. */
  get contentKey() {
    return [this.current(), this.player.data.frames.T, this.selector.snapshot];
  }

  /** Called when the page shows another run, view or classifier, or when the run has grown. */
  show() {
    const { run, classifier } = this.current();
    const decisions = JSON.stringify([run, classifier, this.player.data.frames.T]);
    if (run !== this.run) {
      this.run = run;
      this.begin();
    } else if (decisions !== this.decisions) {
      this.selector.invalidate();
      if (this.selector.steps.length) this.selector.refresh();
    }
    this.decisions = decisions;
    this.open.show();
  }

  /** Begin with another run: with what the address says of it, or with nothing. */
  begin() {
    const { query } = this;
    this.query = {};
    for (const panel of Object.values(this.byName)) panel.begin?.(query);
    this.selector.reset(this.parseSteps(query.select));
    if (query.panel in PANELS && query.panel !== FIRST) this.showPanel(/** @type {Name} */ (query.panel));
  }

  /** @param {boolean} isTraining whether the run is still being trained */
  setTraining(isTraining) {
    this.isTraining = isTraining;
    place("still").textContent = isTraining && !this.open.grows ? STILL_TRAINING : "";
  }

  /** @param {Name} name */
  openPanel(name) {
    if (name !== this.openName) this.open.hide?.();
    this.openName = name;
    this.markTabs();
    this.setTraining(this.isTraining);
    place("side").dataset.panel = name;
    this.changed();
    if (this.run) this.open.show();
  }

  /** Show which panel is open. */
  markTabs() {
    this.tabs.forEach((tab, i) => {
      const isOpen = tab.dataset.panel === this.openName;
      tab.ariaSelected = String(isOpen);
      tab.tabIndex = isOpen ? 0 : -1;
      this.elements[i].hidden = !isOpen;
    });
  }

  /** The arrow keys go from tab to tab. @param {KeyboardEvent} event */
  keyPressed(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = this.tabs.findIndex((tab) => tab.dataset.panel === this.openName);
    const tab = this.tabs[(at + by + this.tabs.length) % this.tabs.length];
    tab.click();
    tab.focus();
    event.preventDefault();
  }

  /** Show one image. @param {number} row */
  openImage(row) {
    this.byName.image.choose(row);
    this.showPanel("image");
  }

  /** Open a panel, and the drawer that panels are in where the page is narrow. @param {Name} name */
  showPanel(name) {
    place("page").classList.add("is-drawn");
    this.openPanel(name);
  }

  /** A click on an image shows it, or with shift selects it; one on a target or a centre selects its class. */
  clicked(hit) {
    const { selector } = this;
    if (hit.kind) {
      selector.apply(this.isShifted ? "add" : selector.mode, { kind: "class", classes: [hit.class] });
    } else if (this.isShifted) {
      const index = this.player.data.attributes.indices?.[hit.index] ?? hit.index;
      const mode = this.player.state.selection?.includes(hit.index) ? "subtract" : "add";
      selector.apply(mode, { kind: "images", indices: [index] });
    } else this.openImage(hit.index);
  }

  timeChanged() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run && this.open.show(), REST);
  }

  /** The steps in an address. @param {string | undefined} text @returns {import("../selection/selector.mjs").Step[]} */
  parseSteps(text) {
    try {
      const steps = JSON.parse(text ?? "[]");
      if (Array.isArray(steps)) return steps;
    } catch {
      // reported below
    }
    this.say("The selection in the address is damaged and was left out.");
    return [];
  }
}
