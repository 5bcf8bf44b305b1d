/* The selection bar over the picture and the panels beside it. A panel loads nothing until it is opened.
 *
 * A panel has `show()`, called when it is opened and whenever what it shows may have changed while it is open, and
 * optionally `hide()` and `remove()`.
 */

import { SelectionBar } from "../selection/bar.mjs";
import { CertaintyPanel } from "./certainty_panel.mjs";
import { EventsPanel } from "./events_panel.mjs";
import { ImagePanel } from "./image_panel.mjs";
import { SelectionPanel } from "./selection_panel.mjs";
import { Selector } from "../selection/selector.mjs";

const PANELS = { select: SelectionPanel, image: ImagePanel, events: EventsPanel, certainty: CertaintyPanel };
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
    Object.assign(this, { player, current, changed, say, onEventCounts });
    player.element.panels = this; // beside the player itself, for tests and other scripts
    this.query = query; // of the address, until the first run is shown
    this.run = null;
    this.openName = "curves"; // the name of the open panel
    this.isTraining = false;
    this.go = (epoch) => {
      player.pause();
      seek(epoch);
    };
    this.selector = new Selector(player, current);
    this.bar = new SelectionBar(place("selection"), player, this.selector);
    this.byName = Object.fromEntries(
      Object.entries(PANELS).map(([name, Panel]) => [name, new Panel(place(`panel-${name}`), this)]),
    );
    this.tabs = [...place("tabs").children];
    for (const tab of this.tabs) tab.onclick = () => this.openPanel(tab.dataset.panel);
    place("tabs").onkeydown = (event) => this.keyPressed(event);
    this.selector.on("steps", changed);
    this.selector.on("problem", (problem) => this.openName !== "select" && say(problem));
    this.stops = [player.on("time", () => this.timeChanged()), player.on("click", (hit) => this.clicked(hit))];
    this.shift = (event) => (this.isShifted = event.shiftKey);
    player.element.addEventListener("pointerdown", this.shift, true);
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
    const { row } = this.byName.image;
    return {
      ...(this.openName === "curves" ? {} : { panel: this.openName }),
      ...(steps.length ? { select: JSON.stringify(steps) } : {}),
      ...(row === null ? {} : { image: row }),
    };
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
    this.byName[this.openName]?.show();
  }

  /** Begin with another run: with what the address says of it, or with nothing. */
  begin() {
    const { panel, image, select } = this.query;
    this.query = {};
    this.byName.image.open(/^\d+$/.test(image ?? "") ? Number(image) : null);
    this.selector.reset(this.parseSteps(select));
    if (panel in PANELS) this.showPanel(panel);
  }

  /** @param {boolean} isTraining whether the run is still being trained */
  setTraining(isTraining) {
    this.isTraining = isTraining;
    place("still").textContent = isTraining && this.openName !== "curves" ? STILL_TRAINING : "";
  }

  /** @param {string} name of a panel, or "curves" */
  openPanel(name) {
    if (name !== this.openName) this.byName[this.openName]?.hide?.();
    this.openName = name;
    for (const tab of this.tabs) {
      const isOpen = tab.dataset.panel === name;
      tab.ariaSelected = isOpen;
      tab.tabIndex = isOpen ? 0 : -1;
      place(`panel-${tab.dataset.panel}`).hidden = !isOpen;
    }
    this.setTraining(this.isTraining);
    place("side").dataset.panel = name;
    this.changed();
    if (name === "curves")
      dispatchEvent(new Event("resize")); // graphs that were hidden take their size
    else if (this.run) this.byName[name].show();
  }

  /** The arrow keys go from tab to tab. */
  keyPressed(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = this.tabs.findIndex((tab) => tab.dataset.panel === this.openName);
    const tab = this.tabs[(at + by + this.tabs.length) % this.tabs.length];
    this.openPanel(tab.dataset.panel);
    tab.focus();
    event.preventDefault();
  }

  /** Show one image. @param {number} row */
  openImage(row) {
    this.byName.image.open(row);
    this.showPanel("image");
  }

  /** Open a panel, and the drawer that panels are in where the page is narrow. */
  showPanel(name) {
    place("page").classList.add("is-drawn");
    this.openPanel(name);
  }

  /** A click on an image shows it, or with shift selects it; one on a target or a centre selects its class. */
  clicked(hit) {
    const { selector } = this;
    if (hit.kind)
      return selector.apply(this.isShifted ? "add" : selector.mode, { kind: "class", classes: [hit.class] });
    if (!this.isShifted) return this.openImage(hit.index);
    const index = this.player.data.attributes.indices?.[hit.index] ?? hit.index;
    const mode = this.player.state.selection?.includes(hit.index) ? "subtract" : "add";
    return selector.apply(mode, { kind: "images", indices: [index] });
  }

  timeChanged() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run && this.byName[this.openName]?.show(), REST);
  }

  /** The steps in an address. @param {string | undefined} text */
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
