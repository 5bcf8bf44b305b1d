/* The events panel: fetched when it is opened, and again when the run has grown or another classifier decides. */

import { EventList } from "./event_list.mjs";
import { make } from "../../common/dom.mjs";

export class EventsPanel {
  static title = "Events";
  static help = "What happened to images and targets on the way";

  /** @param {HTMLElement} element @param {import("./panels.mjs").Panels} panels */
  constructor(element, panels) {
    this.panels = panels;
    const place = make("div", { class: "panel-section" });
    element.replaceChildren(place);
    this.list = new EventList(place, panels.player, panels.selector, panels.onEventCounts);
  }

  show() {
    const { run, classifier } = this.panels.current();
    const key = JSON.stringify([run, classifier, this.panels.player.data.frames.T]);
    if (this.shown !== key) this.list.show(run, classifier);
    this.shown = key;
    this.list.at(this.panels.selector.snapshot);
  }
}
