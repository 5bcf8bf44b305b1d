/* The Compare page: its controls, the pictures side by side under one clock, the state they share, and the URL. */

import { button, make, select, setStyle } from "../common/dom.mjs";
import { drawCursors, listenToCurves } from "../player/controls/curves.mjs";
import { TimeBar } from "../player/controls/timebar.mjs";
import { MIN_PANES, holdRepeated, readAddress, writeAddress } from "./address.mjs";
import { Clock } from "./clock.mjs";
import { Growing } from "./live_runs.mjs";
import { Measures } from "./measures.mjs";
import { LETTERS, Pane } from "./pane.mjs";
import { SharedState } from "./shared.mjs";
import { Stills } from "./stills.mjs";

const REST = 200; // milliseconds that the time has to stand still before measures are fetched and the URL is written
const CONTROLS = [
  ["view", "views", "View", "How D dimensions become two: for each run one set of axes of its own"],
  ["classifier", "classifiers", "Decide by", "Whose decisions colour regions and points, and are compared"],
  ["regions", "regions", "Regions", "Which class each place of a picture stands for"],
  ["colour", "colours", "Colour points by", "What the colour of a point tells"],
  ["camera", "cameras", "Camera", "Fixed on the whole run, or zooming with the size of its cloud"],
];

const PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js";

/** @type {Page | null} */
let page = null;

/** Fill the page. @param {import("./address.mjs").Options} options */
export function show(options) {
  const root = document.getElementById("compare-page");
  if (!root) return "";
  loadPlotly();
  if (page?.root !== root) {
    page?.remove();
    page = new Page(root, options);
  }
  page.begin(readAddress(location.search, options));
  return "";
}

/** Dash would load Plotly with the first curves only, which come after the pictures. */
function loadPlotly() {
  if (globalThis.Plotly || document.querySelector(`script[src^="${PLOTLY}"]`)) return;
  document.head.append(make("script", { src: PLOTLY }));
}

class Page {
  /** @param {HTMLElement} root @param {import("./address.mjs").Options} options */
  constructor(root, options) {
    this.root = root;
    this.options = options;
    /** @type {Pane[]} */
    this.panes = [];
    /** @type {Measures[]} of the first pane and each other one */
    this.cards = [];
    this.generation = 0; // number of the newest update
    /** @type {Stills | null} */
    this.stills = null;
    /** @param {string} name @returns {HTMLElement} */
    const section = (name) => root.querySelector(`#compare-${name}`);
    this.sections = Object.fromEntries(["top", "message", "panes", "details", "stills"].map((name) => [name, section(name)]));
    this.clock = new Clock(root);
    this.timebar = new TimeBar(section("timeline"), this.clock);
    this.legend = make("section", { class: "compare-shared" });
    this.shared = new SharedState(this.legend, () => this.panes, () => this.remember());
    this.growing = new Growing(() => this.panes, () => this.grow());
    this.stops = [
      this.clock.on("time", () => this.timeChanged()),
      this.clock.on("state", () => this.measureAtRest()),
      listenToCurves((epoch) => this.clock.seekEpoch(epoch)),
    ];
  }

  /** Show the comparison of an address. @param {import("./address.mjs").Comparison} comparison */
  begin({ panes, request, epoch, overTime, classes }) {
    this.request = request;
    this.overTime = overTime;
    this.epoch = epoch;
    this.isPlayed = false;
    this.shared.names = []; // the classes are numbered as in the address
    for (const pane of this.panes.splice(0)) pane.remove();
    for (const content of panes) this.add(content);
    Object.assign(this.shared.state, classes);
    this.drawControls();
    this.renew();
  }

  drawControls() {
    const { request, options } = this;
    const lists = CONTROLS.map(([name, plural, label, title]) => {
      const choose = (value) => {
        request[name] = value;
        this.renew();
      };
      return select(label, Object.entries(options[plural]), request[name], title, choose, `compare-${name}`);
    });
    const tab = (overTime, text, title) => {
      const properties = { class: "compare-button", "aria-pressed": overTime === this.overTime };
      return button(text, title, () => this.switchTo(overTime), properties);
    };
    const tabs = make("div", { class: "compare-tabs", role: "group" },
      tab(false, "Side by side", "Two to four runs, or two epochs of one, over one time line"),
      tab(true, "One run over time", "Small pictures of run A at up to twelve moments"));
    const properties = { class: "compare-button", id: "compare-add" };
    this.addButton = button("Add a run", "One more picture, up to four", () => this.addOne(), properties);
    this.sections.top.replaceChildren(tabs, ...lists, this.addButton);
  }

  // Which runs

  /** @param {import("./address.mjs").Content} content */
  add(content) {
    const pane = new Pane(this.sections.panes, this.options, content, {
      onChoose: () => this.chooseRun(),
      onHold: () => this.hold(pane),
      onClose: () => this.close(pane),
      onReady: () => this.renew(),
    });
    this.panes.push(pane);
    this.shared.join(pane);
  }

  addOne() {
    this.add({ run: "", at: null });
    this.renew();
    this.panes.at(-1).list.focus();
  }

  chooseRun() {
    holdRepeated(this.panes);
    this.renew();
  }

  /** @param {Pane} pane */
  close(pane) {
    this.panes.splice(this.panes.indexOf(pane), 1);
    pane.remove();
    this.renew();
  }

  /** Hold a pane at its epoch, or let it go on with the others. @param {Pane} pane */
  hold(pane) {
    pane.at = pane.at === null ? Number(pane.player.epoch.toFixed(3)) : null;
    this.timeChanged();
  }

  /** Two epochs of run A, from its small pictures. @param {[number, number]} epochs */
  compareEpochs([early, late]) {
    const { run } = this.panes[0];
    for (const pane of this.panes.splice(0)) pane.remove();
    this.add({ run, at: early });
    this.add({ run, at: null });
    this.epoch = late;
    this.switchTo(false);
  }

  /** @param {boolean} overTime */
  switchTo(overTime) {
    this.overTime = overTime;
    this.clock.timeline.pause();
    this.drawControls();
    this.renew();
  }

  // Showing

  /** Bring the whole page up to date with the request. */
  async renew() {
    const generation = ++this.generation;
    const { panes, root, request } = this;
    root.dataset.as = this.overTime ? "time" : "side";
    setStyle(root, { "--panes": this.overTime ? 1 : panes.length });
    panes.forEach((pane, i) => pane.setPlace(i, panes.length));
    this.addButton.hidden = this.overTime || panes.length >= this.options.tints.length;
    this.explain();
    if (this.overTime) await this.showStills();
    else {
      const first = panes[0].show(request, null);
      await Promise.all([first, ...panes.slice(1).map((pane) => pane.show(request, first))]);
    }
    if (generation !== this.generation || !root.isConnected) return;
    if (!this.overTime) this.settle();
    this.remember();
  }

  /** All runs are loaded: set the clock to them, draw legend, measures and curves. */
  settle() {
    const ready = this.panes.filter((pane) => pane.ready);
    const epochs = ready.map(({ picture }) => picture.frames.epochs);
    this.clock.setEpochs(epochs);
    this.timebar.setRun({ epochs: this.clock.timeline.epochs });
    this.shared.update();
    this.sections.details.hidden = !ready.length;
    if (ready.length) this.start();
    this.cards = this.panes.slice(1).map((_, i) => this.cards[i] ?? new Measures((selection) => this.shared.select(selection)));
    this.sections.details.replaceChildren(this.legend, ...this.cards.map(({ element }) => element));
    this.drawCurves();
    this.timeChanged();
    this.growing.watch();
  }

  /** Runs have more snapshots: show them, and go on to the new end if the clock was at the old one. */
  async grow() {
    const { clock } = this;
    const wasAtEnd = !clock.timeline.moving && clock.state.time >= clock.timeline.last - 1e-6;
    await this.renew();
    if (!wasAtEnd) return;
    if (clock.state.still) clock.timeline.seek(clock.timeline.last);
    else clock.timeline.play();
  }

  /** Go to the epoch of the address; without one, play the runs from their start. */
  start() {
    const { clock, epoch, isPlayed } = this;
    this.epoch = null;
    if (epoch !== null) clock.seekEpoch(epoch);
    else if (!isPlayed && clock.state.still) clock.timeline.seek(clock.timeline.last);
    else if (!isPlayed) clock.timeline.play();
    this.isPlayed = true;
  }

  async showStills() {
    this.stills ??= new Stills(this.sections.stills, this.options, (epochs) => this.compareEpochs(epochs));
    const [{ run, list }] = this.panes;
    list.value = run;
    await this.stills.show({ ...this.request, run });
  }

  /** Say what to do while fewer than two runs are chosen. */
  explain() {
    const count = this.panes.filter(({ run }) => run).length;
    this.sections.message.hidden = this.overTime || count >= MIN_PANES;
    const [a, b] = this.options.example;
    const href = `/compare?${new URLSearchParams([["run", a], ["run", b]])}`;
    const link = make("a", { href, textContent: a === b ? `${a} at two epochs` : `${a} beside ${b}` });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(history.state, "", link.href);
      this.begin(readAddress(location.search, this.options));
    });
    const text = "Choose two to four runs to see them side by side, or one run twice to compare two of its epochs. For example: ";
    this.sections.message.replaceChildren(text, link, ".");
  }

  /** Ask the server for the curves, one line a run. */
  drawCurves() {
    const ready = this.panes.filter((pane) => pane.ready);
    const lines = ready.filter((pane, i) => ready.findIndex(({ run }) => run === pane.run) === i).map((pane) => {
      const letters = ready.filter(({ run }) => run === pane.run).map(({ place }) => LETTERS[place]);
      return { run: pane.run, place: pane.place, classifier: pane.picture.classifier, name: letters.join(", ") };
    });
    const key = JSON.stringify(lines);
    if (key === this.curves) return;
    this.curves = key;
    dash_clientside.set_props("compare-lines", { data: lines });
  }

  timeChanged() {
    const { clock, root } = this;
    if (!root.isConnected) return this.remove();
    for (const pane of this.panes) {
      pane.seek(clock.epoch);
      pane.describe();
    }
    this.timebar.draw();
    drawCursors(clock.epoch);
    this.measureAtRest();
    this.remember();
  }

  /** Fetch the measures as soon as the time stands still. */
  measureAtRest() {
    clearTimeout(this.restTimer);
    for (const card of this.cards) card.fade();
    if (this.clock.timeline.moving) return;
    this.restTimer = setTimeout(() => {
      const [first, ...others] = this.panes; // there may be fewer by now than there are cards
      others.forEach((other, i) => this.cards[i]?.show(first, other));
    }, REST);
  }

  /** Write everything that a person would want to share into the URL. */
  remember() {
    clearTimeout(this.writeTimer);
    this.writeTimer = setTimeout(() => {
      if (!this.root.isConnected || !this.panes.some(({ run }) => run)) return;
      const { panes, request, overTime, clock, shared } = this;
      const query = writeAddress({ panes, request, overTime, epoch: clock.epoch, classes: shared.state });
      history.replaceState(history.state, "", `${location.pathname}?${query}`);
    }, REST);
  }

  remove() {
    for (const timer of [this.restTimer, this.writeTimer]) clearTimeout(timer);
    for (const stop of this.stops) stop();
    this.growing.stop();
    this.clock.remove();
    this.timebar.remove();
    this.stills?.remove();
    for (const pane of this.panes) pane.remove();
    if (page === this) page = null;
  }
}
