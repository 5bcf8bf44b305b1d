/* The panel of the events: fetched when it is opened, and again when the run has grown or others decide. */

import { EventList } from "./event_list.mjs";
import { make } from "../dom.mjs";

export class EventsPanel {
  /** @param {HTMLElement} element @param {import("./panels.mjs").Finding} finding */
  constructor(element, finding) {
    this.finding = finding;
    const place = make("div", "find-section");
    element.replaceChildren(place);
    this.list = new EventList(place, finding.player, finding.selector);
    this.list.counted = finding.counted;
  }

  show() {
    const { run, classifier } = this.finding.asked();
    const key = JSON.stringify([run, classifier, this.finding.player.data.frames.T]);
    if (this.shown !== key) this.list.show(run, classifier);
    this.shown = key;
    this.list.at(this.finding.selector.now);
  }
}
