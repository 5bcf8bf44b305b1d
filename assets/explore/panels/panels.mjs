/* Finding: the selection bar over the picture and the panels beside it. A panel loads nothing until it is opened.
 *
 * A panel has `show()`, called when it is opened and whenever what it shows may have changed while it is open, and
 * perhaps `hide()` and `remove()`.
 */

import { Bar } from "../selection/bar.mjs";
import { CertaintyPanel } from "./certainty_panel.mjs";
import { EventsPanel } from "./events_panel.mjs";
import { ImagePanel } from "./image_panel.mjs";
import { SelectPanel } from "./selection_panel.mjs";
import { Selector } from "../selection/selector.mjs";

const MADE = { select: SelectPanel, image: ImagePanel, events: EventsPanel, certainty: CertaintyPanel };
const REST = 120; // milliseconds that the time has to stand still before a panel shows another snapshot
const STILL = "Still training: this is of the snapshots there are so far.";

const place = (name) => document.getElementById(`explore-${name}`);

export class Finding {
  /**
   * @param {import("../../player/main.mjs").Player} player
   * @param {() => import("../selection/selector.mjs").Asked} asked what the page shows now
   * @param {{query: Record<string, string>, seek: (epoch: number) => void, changed: () => void,
   *   say: (message: string) => void, counted: (events: number[]) => void}} page
   */
  constructor(player, asked, { query, seek, changed, say, counted }) {
    Object.assign(this, { player, asked, changed, say, counted });
    player.element.finding = this; // as the player is found at its element
    this.query = query; // of the address, until it was followed
    this.run = null;
    this.open = "curves";
    this.trains = false;
    this.go = (epoch) => {
      player.pause();
      seek(epoch);
    };
    this.selector = new Selector(player, asked);
    this.bar = new Bar(place("selection"), player, this.selector);
    this.panels = Object.fromEntries(
      Object.entries(MADE).map(([name, Panel]) => [name, new Panel(place(`panel-${name}`), this)]),
    );
    this.tabs = [...place("tabs").children];
    for (const tab of this.tabs) tab.onclick = () => this.turnTo(tab.dataset.panel);
    place("tabs").onkeydown = (event) => this.pressed(event);
    this.selector.on("steps", changed);
    this.selector.on("problem", (problem) => this.open !== "select" && say(problem));
    this.stops = [player.on("time", () => this.timeChanged()), player.on("click", (on) => this.clicked(on))];
    this.shift = (event) => (this.isShifted = event.shiftKey);
    player.element.addEventListener("pointerdown", this.shift, true);
  }

  remove() {
    clearTimeout(this.timer);
    this.selector.remove();
    for (const panel of Object.values(this.panels)) panel.remove?.();
    for (const stop of this.stops) stop();
    this.player.element.removeEventListener("pointerdown", this.shift, true);
  }

  /** What of all this is in the address. */
  get address() {
    const { steps } = this.selector;
    const { row } = this.panels.image;
    return {
      ...(this.open === "curves" ? {} : { panel: this.open }),
      ...(steps.length ? { select: JSON.stringify(steps) } : {}),
      ...(row === null ? {} : { image: row }),
    };
  }

  /** What is shown now: panels that show the same need not ask again. */
  get moment() {
    return [this.asked(), this.player.data.frames.T, this.selector.now];
  }

  /** The page shows another run, view or classifier, or the run has grown. */
  show() {
    const { run, classifier } = this.asked();
    const decided = JSON.stringify([run, classifier, this.player.data.frames.T]);
    if (run !== this.run) {
      this.run = run;
      this.begin();
    } else if (decided !== this.decided) {
      this.selector.forget();
      if (this.selector.steps.length) this.selector.refresh();
    }
    this.decided = decided;
    this.panels[this.open]?.show();
  }

  /** Another run: what the address says of it, or nothing. */
  begin() {
    const { panel, image, select } = this.query;
    this.query = {};
    this.panels.image.open(/^\d+$/.test(image ?? "") ? Number(image) : null);
    this.selector.begin(this.stepsOf(select));
    if (panel in MADE) this.draw(panel);
  }

  /** @param {boolean} trains whether the run is still being trained */
  setTrains(trains) {
    this.trains = trains;
    place("still").textContent = trains && this.open !== "curves" ? STILL : "";
  }

  /** @param {string} name of a panel, or "curves" */
  turnTo(name) {
    if (name !== this.open) this.panels[this.open]?.hide?.();
    this.open = name;
    for (const tab of this.tabs) {
      const isOpen = tab.dataset.panel === name;
      tab.ariaSelected = isOpen;
      tab.tabIndex = isOpen ? 0 : -1;
      place(`panel-${tab.dataset.panel}`).hidden = !isOpen;
    }
    this.setTrains(this.trains);
    place("side").dataset.panel = name;
    this.changed();
    if (name === "curves")
      dispatchEvent(new Event("resize")); // graphs that were hidden take their size
    else if (this.run) this.panels[name].show();
  }

  /** The arrow keys go from tab to tab. */
  pressed(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = this.tabs.findIndex((tab) => tab.dataset.panel === this.open);
    const tab = this.tabs[(at + by + this.tabs.length) % this.tabs.length];
    this.turnTo(tab.dataset.panel);
    tab.focus();
    event.preventDefault();
  }

  /** Show one image. @param {number} row */
  openImage(row) {
    this.panels.image.open(row);
    this.draw("image");
  }

  /** Open a panel, and the drawer that panels are in where the page is narrow. */
  draw(name) {
    place("page").classList.add("is-drawn");
    this.turnTo(name);
  }

  /** On an image: show it, or with shift select it; on a target or a centre: select its class. */
  clicked(on) {
    const { selector } = this;
    if (on.kind) return selector.then(this.isShifted ? "add" : selector.mode, { kind: "class", classes: [on.class] });
    if (!this.isShifted) return this.openImage(on.index);
    const index = this.player.data.attributes.indices?.[on.index] ?? on.index;
    const how = this.player.state.selection?.includes(on.index) ? "subtract" : "add";
    return selector.then(how, { kind: "images", indices: [index] });
  }

  timeChanged() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run && this.panels[this.open]?.show(), REST);
  }

  /** The steps in an address. @param {string | undefined} text */
  stepsOf(text) {
    try {
      const steps = JSON.parse(text ?? "[]");
      if (Array.isArray(steps)) return steps;
    } catch {
      // said below
    }
    this.say("The selection in the address is damaged and was left out.");
    return [];
  }
}
