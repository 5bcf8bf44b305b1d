/* The events of a run: their number at each snapshot, and a ranked list; a click goes to an event and selects it. */

import { WORDS } from "../../common/words.mjs";
import { make, thumbnail, whole } from "../dom.mjs";
import { NewestRequest, get } from "../http.mjs";

const SIDE = 24; // pixels of a thumbnail


export class EventList {
  /**
   * @param {HTMLElement} element
   * @param {import("../../player/main.mjs").Player} player
   * @param {import("../selection/selector.mjs").Selector} selector
   */
  constructor(element, player, selector) {
    this.player = player;
    this.selector = selector;
    this.kind = null; // the only kind listed, or all
    this.onCounts = () => {}; // called with the number of events at each snapshot
    this.request = new NewestRequest((problem) => (this.note.textContent = problem && `No events: ${problem}`));
    this.kinds = make("div", "events-kinds");
    this.strip = make("div", "events-strip", { title: "How many events lie at each snapshot" });
    this.note = make("div", "events-note");
    this.list = make("div", "events-list", { role: "list" });
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

  draw({ events, strip, total, classifier, epochs }) {
    const totals = Object.keys(WORDS.events).map((kind) => [kind, strip[kind].reduce((sum, n) => sum + n, 0)]);
    this.kinds.replaceChildren(
      ...totals.filter(([, count]) => count).map(([kind, count]) => this.chip(kind, `${WORDS.events[kind]} ${count}`)),
    );
    const counts = this.kind
      ? strip[this.kind]
      : epochs.map((_, t) => totals.reduce((sum, [kind]) => sum + strip[kind][t], 0));
    const most = Math.max(1, ...counts);
    this.onCounts(counts);
    this.strip.replaceChildren(
      ...counts.map((count, t) => {
        const title = `epoch ${Number(epochs[t].toPrecision(3))}: ${count} events`;
        const bar = make("button", "events-bar", { type: "button", title, ariaLabel: title });
        bar.style.setProperty("--height", Math.sqrt(count / most));
        bar.addEventListener("click", () => this.go(t));
        return bar;
      }),
    );
    this.at(this.snapshot);
    this.note.textContent = total
      ? `${events.length} of ${whole(total)}, the strongest of each kind first; decisions of ${classifier}`
      : "Nothing has happened yet: events lie between two snapshots.";
    this.list.replaceChildren(...events.map((event) => this.row(event)));
  }

  chip(kind, text) {
    const chip = make("button", "events-chip", { type: "button", textContent: text });
    chip.setAttribute("aria-pressed", this.kind === kind);
    chip.addEventListener("click", () => {
      this.kind = this.kind === kind ? null : kind;
      this.show(this.shown.run, this.shown.classifier);
    });
    return chip;
  }

  row(event) {
    const item = make("div", "", { role: "listitem" });
    const row = make("button", "events-row", { type: "button", title: "Go there, and select it" });
    row.append(event.image === null ? make("span") : thumbnail(this.player, event.image, SIDE));
    row.append(make("span", "events-epoch", { textContent: Number(event.epoch.toPrecision(3)) }));
    row.append(make("span", "events-text", { textContent: event.text }));
    row.addEventListener("click", () => {
      this.go(event.snapshot);
      const shape =
        event.image === null ? { kind: "class", classes: [event.target] } : { kind: "images", indices: [event.index] };
      this.selector.apply("replace", shape);
    });
    item.append(row);
    return item;
  }

  go(snapshot) {
    this.player.pause();
    this.player.seek(snapshot);
  }
}
