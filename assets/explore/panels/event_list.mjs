/* The events of a run: their number at each snapshot, and a ranked list; a click goes to an event and selects it. */

import { WORDS } from "../../common/words.mjs";
import { button, make } from "../../common/dom.mjs";
import { count, short } from "../../common/numbers.mjs";
import { thumbnail } from "../thumbnail.mjs";
import { NewestRequest, get } from "../../common/http.mjs";

/**
 * @typedef {object} Event as of explorer.explore.events, with the number of its image in the data set
 * @property {number} epoch
 * @property {number} snapshot
 * @property {number | null} image
 * @property {number | null} index
 * @property {number | null} target
 * @property {string} text
 */
/** @typedef {{events: Event[], strip: Record<string, number[]>, total: number, classifier: string, epochs: number[]}} Answer */

const SIDE = 24; // pixels of a thumbnail

export class EventList {
  /**
   * @param {HTMLElement} element
   * @param {import("../../player/main.mjs").Player} player
   * @param {import("../selection/selector.mjs").Selector} selector
   * @param {(counts: number[]) => void} onCounts called with the number of events at each snapshot
   */
  constructor(element, player, selector, onCounts) {
    this.player = player;
    this.selector = selector;
    this.kind = null; // the only kind listed, or all
    this.onCounts = onCounts;
    this.request = new NewestRequest((problem) => (this.note.textContent = problem && `No events: ${problem}`));
    this.kinds = make("div", { class: "events-kinds" });
    this.strip = make("div", { class: "events-strip", title: "How many events lie at each snapshot" });
    this.note = make("div", { class: "events-note" });
    this.list = make("div", { class: "events-list", role: "list" });
    element.replaceChildren(this.strip, this.kinds, this.note, this.list);
  }

  /** Show the events of a run under a classifier. @param {string} run @param {string | null} classifier */
  async show(run, classifier) {
    this.shown = { run, classifier };
    const answer = await this.request.send((signal) => get("/api/events", { run, classifier, kind: this.kind }, signal));
    if (answer) this.draw(answer);
    else if (this.note.textContent) for (const part of [this.kinds, this.strip, this.list]) part.replaceChildren();
  }

  /** Mark the snapshot that is shown. @param {number} snapshot */
  at(snapshot) {
    this.snapshot = snapshot;
    [...this.strip.children].forEach((bar, t) => (bar.ariaCurrent = t === snapshot ? "true" : null));
  }

  /** @param {Answer} answer of `/api/events` */
  draw({ events, strip, total, classifier, epochs }) {
    /** @type {[kind: string, n: number][]} */
    const totals = Object.keys(WORDS.events).map((kind) => [kind, strip[kind].reduce((sum, n) => sum + n, 0)]);
    this.kinds.replaceChildren(
      ...totals.filter(([, n]) => n).map(([kind, n]) => this.chip(kind, `${WORDS.events[kind]} ${n}`)),
    );
    const counts = this.kind
      ? strip[this.kind]
      : epochs.map((_, t) => totals.reduce((sum, [kind]) => sum + strip[kind][t], 0));
    const most = Math.max(1, ...counts);
    this.onCounts(counts);
    this.strip.replaceChildren(
      ...counts.map((n, t) => {
        const title = `epoch ${short(epochs[t])}: ${n} events`;
        const style = { "--height": Math.sqrt(n / most) };
        return button("", title, () => this.go(t), { class: "events-bar", "aria-label": title, style });
      }),
    );
    this.at(this.snapshot);
    this.note.textContent = total
      ? `${events.length} of ${count(total)}, the strongest of each kind first; decisions of ${classifier}`
      : "Nothing has happened yet: events lie between two snapshots.";
    this.list.replaceChildren(...events.map((event) => this.row(event)));
  }

  /** @param {string} kind @param {string} text */
  chip(kind, text) {
    const choose = () => {
      this.kind = this.kind === kind ? null : kind;
      this.show(this.shown.run, this.shown.classifier);
    };
    return button(text, "", choose, { class: "events-chip", "aria-pressed": this.kind === kind });
  }

  /** @param {Event} event */
  row(event) {
    const isOfClass = event.image === null;
    const choose = () => {
      this.go(event.snapshot);
      this.selector.apply("replace", isOfClass ? { kind: "class", classes: [event.target] } : { kind: "images", indices: [event.index] });
    };
    const row = button("", "Go there, and select it", choose, { class: "events-row" });
    row.append(
      isOfClass ? make("span") : thumbnail(this.player, event.image, SIDE),
      make("span", { class: "events-epoch", textContent: short(event.epoch) }),
      make("span", { class: "events-text", textContent: event.text }),
    );
    return make("div", { role: "listitem" }, row);
  }

  /** @param {number} snapshot */
  go(snapshot) {
    this.player.pause();
    this.player.seek(snapshot);
  }
}
