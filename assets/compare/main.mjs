/* The Compare page: its controls, the pictures side by side under one clock, what they share, and the URL. */

import { drawCursors, listenToCurves } from "../explore/curves.mjs";
import { TimeBar } from "../explore/timebar.mjs";
import { button, make, select } from "../common/dom.mjs";
import { FEWEST, apart, read, written } from "./address.mjs";
import { Alike } from "./alike.mjs";
import { Clock } from "./clock.mjs";
import { Growing } from "./growing.mjs";
import { LETTERS, Pane } from "./pane.mjs";
import { Stills } from "./stills.mjs";
import { Together } from "./together.mjs";

const REST = 200; // milliseconds that the time has to stand still before numbers are asked for
const CONTROLS = [
  ["view", "views", "View", "How D dimensions become two: for each run one set of axes of its own"],
  ["classifier", "classifiers", "Decide by", "Whose decisions colour regions and points, and are compared"],
  ["regions", "regions", "Regions", "Which class each place of a picture stands for"],
  ["colour", "colours", "Colour points by", "What the colour of a point tells"],
  ["camera", "cameras", "Camera", "Fixed on the whole run, or zooming with the size of its cloud"],
];

const PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js";

let page = null;

/** Fill the page. @param {object} offered what can be chosen */
export function show(offered) {
  const root = document.getElementById("compare-page");
  if (!root) return "";
  loadPlotly();
  if (page?.root !== root) {
    page?.remove();
    page = new Page(root, offered);
  }
  page.begin(read(location.search, offered));
  return "";
}

/** Dash loads it with the first curves only, and pictures come before them. */
function loadPlotly() {
  if (globalThis.Plotly || document.querySelector(`script[src^="${PLOTLY}"]`)) return;
  document.head.append(make("script", { src: PLOTLY }));
}

class Page {
  constructor(root, offered) {
    Object.assign(this, { root, offered, panes: [], cards: [], turn: 0 });
    const place = (name) => root.querySelector(`#compare-${name}`);
    this.places = Object.fromEntries(["top", "message", "panes", "details", "stills"].map((name) => [name, place(name)]));
    this.clock = new Clock(root);
    this.timebar = new TimeBar(place("timeline"), this.clock);
    this.shared = make("section", { class: "compare-shared" });
    this.together = new Together(this.shared, () => this.panes, () => this.remember());
    this.growing = new Growing(() => this.panes, () => this.grow());
    this.stops = [
      this.clock.on("time", () => this.timeChanged()),
      this.clock.on("state", () => this.rest()),
      listenToCurves((epoch) => this.clock.seekEpoch(epoch)),
    ];
  }

  /** Show what the address names. */
  begin({ panes, asked, epoch, over, classes }) {
    Object.assign(this, { asked, over, epoch, isPlayed: false });
    this.together.names = []; // the classes are numbered as in the address
    for (const pane of this.panes.splice(0)) pane.remove();
    for (const shown of panes) this.add(shown);
    Object.assign(this.together.state, classes);
    this.controls();
    this.renew();
  }

  controls() {
    const { asked, offered } = this;
    const lists = CONTROLS.map(([name, plural, label, title]) => {
      const choose = (value) => {
        asked[name] = value;
        this.renew();
      };
      return select(label, Object.entries(offered[plural]), asked[name], title, choose, `compare-${name}`);
    });
    const tab = (over, text, title) =>
      button(text, title, () => this.turnTo(over), { class: "compare-button", "aria-pressed": over === this.over });
    const tabs = make("div", { class: "compare-tabs", role: "group" },
      tab(false, "Side by side", "Two to four runs, or two epochs of one, over one time line"),
      tab(true, "One run over time", "Small pictures of run A at up to twelve moments"));
    const properties = { class: "compare-button", id: "compare-add" };
    this.more = button("Add a run", "One more picture, up to four", () => this.addOne(), properties);
    this.places.top.replaceChildren(tabs, ...lists, this.more);
  }

  // Which runs

  add(shown) {
    const pane = new Pane(this.places.panes, this.offered, shown, {
      chosen: () => this.chosen(),
      held: () => this.hold(pane),
      removed: () => this.takeAway(pane),
      again: () => this.renew(),
    });
    this.panes.push(pane);
    this.together.join(pane);
  }

  addOne() {
    this.add({ run: "", at: null });
    this.renew();
    this.panes.at(-1).list.focus();
  }

  chosen() {
    apart(this.panes);
    this.renew();
  }

  takeAway(pane) {
    this.panes.splice(this.panes.indexOf(pane), 1);
    pane.remove();
    this.renew();
  }

  /** Stay at this epoch, or go on with the others. */
  hold(pane) {
    pane.at = pane.at === null ? Number(pane.player.epoch.toFixed(3)) : null;
    this.timeChanged();
  }

  /** Two epochs of run A, from its small pictures. */
  compareEpochs([early, late]) {
    const { run } = this.panes[0];
    for (const pane of this.panes.splice(0)) pane.remove();
    this.add({ run, at: early });
    this.add({ run, at: null });
    this.epoch = late;
    this.turnTo(false);
  }

  turnTo(over) {
    this.over = over;
    this.clock.pause();
    this.controls();
    this.renew();
  }

  // Showing

  /** Bring everything to what is asked for. */
  async renew() {
    const turn = ++this.turn;
    const { panes, root, asked } = this;
    root.dataset.as = this.over ? "time" : "side";
    root.style.setProperty("--panes", this.over ? 1 : panes.length);
    panes.forEach((pane, i) => pane.setPlace(i, panes.length));
    this.more.hidden = this.over || panes.length >= this.offered.tints.length;
    this.explain();
    if (this.over) await this.showStills();
    else {
      const first = panes[0].show(asked, null);
      await Promise.all([first, ...panes.slice(1).map((pane) => pane.show(asked, first))]);
    }
    if (turn !== this.turn || !root.isConnected) return;
    if (!this.over) this.settle();
    this.remember();
  }

  /** The runs are there. */
  settle() {
    const ready = this.panes.filter((pane) => pane.ready);
    const epochs = ready.map(({ picture }) => picture.frames.epochs);
    this.clock.setEpochs(epochs);
    this.timebar.setRun({ epochs: this.clock.timeline.epochs });
    this.together.update();
    this.places.details.hidden = !ready.length;
    if (ready.length) this.start();
    this.cards = this.panes.slice(1).map((_, i) => this.cards[i] ?? new Alike((chosen) => this.together.select(chosen)));
    this.places.details.replaceChildren(this.shared, ...this.cards.map(({ element }) => element));
    this.drawCurves();
    this.timeChanged();
    this.growing.watch();
  }

  /** Runs have more snapshots; who was at the end goes on to the new one. */
  async grow() {
    const { clock } = this;
    const wasAtEnd = !clock.timeline.moving && clock.state.time >= clock.timeline.last - 1e-6;
    await this.renew();
    if (!wasAtEnd) return;
    if (clock.state.still) clock.seek(clock.timeline.last);
    else clock.play();
  }

  /** What is seen first: the epoch that was asked for; else the runs play from their start. */
  start() {
    const { clock, epoch, isPlayed } = this;
    this.epoch = null;
    if (epoch !== null) clock.seekEpoch(epoch);
    else if (!isPlayed && clock.state.still) clock.seek(clock.timeline.last);
    else if (!isPlayed) clock.play();
    this.isPlayed = true;
  }

  async showStills() {
    this.stills ??= new Stills(this.places.stills, this.offered, (epochs) => this.compareEpochs(epochs));
    const [{ run, list }] = this.panes;
    list.value = run;
    await this.stills.show({ ...this.asked, run });
  }

  explain() {
    const chosen = this.panes.filter(({ run }) => run).length;
    this.places.message.hidden = this.over || chosen >= FEWEST;
    const [a, b] = this.offered.example;
    const href = `/compare?${new URLSearchParams([["run", a], ["run", b]])}`;
    const link = make("a", { href, textContent: a === b ? `${a} at two epochs` : `${a} beside ${b}` });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(history.state, "", link.href);
      this.begin(read(location.search, this.offered));
    });
    const text = "Choose two to four runs to see them side by side, or one run twice to compare two of its epochs. For example: ";
    this.places.message.replaceChildren(text, link, ".");
  }

  /** The curves come from the server, a line a run. */
  drawCurves() {
    const ready = this.panes.filter((pane) => pane.ready);
    const lines = ready.filter((pane, i) => ready.findIndex(({ run }) => run === pane.run) === i).map((pane) => {
      const letters = ready.filter(({ run }) => run === pane.run).map(({ place }) => LETTERS[place]);
      return { run: pane.run, place: pane.place, classifier: pane.picture.classifier, name: letters.join(", ") };
    });
    const asked = JSON.stringify(lines);
    if (asked === this.curves) return;
    this.curves = asked;
    dash_clientside.set_props("compare-shown", { data: lines });
  }

  timeChanged() {
    const { clock, root } = this;
    if (!root.isConnected) return this.remove();
    for (const pane of this.panes) {
      pane.seek(clock.epoch);
      pane.tell();
    }
    this.timebar.draw();
    drawCursors(clock.epoch);
    this.rest();
    this.remember();
  }

  /** Numbers follow when the time stands still. */
  rest() {
    clearTimeout(this.resting);
    for (const card of this.cards) card.wait();
    if (this.clock.timeline.moving) return;
    this.resting = setTimeout(() => {
      const [first, ...others] = this.panes; // there may be fewer by now than there are cards
      others.forEach((other, i) => this.cards[i]?.show(first, other));
    }, REST);
  }

  /** What a person would want to share goes into the URL. */
  remember() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      if (!this.root.isConnected || !this.panes.some(({ run }) => run)) return;
      const { panes, asked, over, clock, together } = this;
      const query = written({ panes, asked, over, epoch: clock.epoch, classes: together.state });
      history.replaceState(history.state, "", `${location.pathname}?${query}`);
    }, REST);
  }

  remove() {
    for (const timer of [this.resting, this.writing]) clearTimeout(timer);
    for (const stop of this.stops) stop();
    this.growing.stop();
    this.clock.remove();
    this.timebar.remove();
    this.stills?.remove();
    for (const pane of this.panes) pane.remove();
    if (page === this) page = null;
  }
}
