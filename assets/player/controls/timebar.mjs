/* The time line under the picture: play, step, speed, loop, and a slider for the time over the curve of accuracy. */

import { button, choice, make, setStyle, svg } from "../../common/dom.mjs";
import { SPEEDS } from "../timeline.mjs";

/** Outlines on a field of 16 x 16; drawn, since not every system's fonts have these signs. */
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11 3v10L4 8z",
  play: "M5 2.5v11l8.5-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M5 3v10l7-5z",
  last: "M3 3v10l7-5zM11 3h2v10h-2z",
};

/**
 * A player, or the clock of several.
 * @typedef {object} Clock
 * @property {HTMLElement} root that has the keyboard's focus
 * @property {import("../timeline.mjs").TimeState} state
 * @property {import("../timeline.mjs").Timeline} timeline
 * @property {(option: "speed" | "loop" | "tween", value: number | boolean) => void} set
 * @property {(event: "state", listener: () => void) => () => void} on
 */

export class TimeBar {
  /** @param {HTMLElement} element @param {Clock} player */
  constructor(element, player) {
    this.player = player;
    this.epochs = [0];
    const { timeline } = player;
    this.play = this.button("play", "Play or pause (space)", () => timeline.toggle(), "timebar-button timebar-play");
    /** @type {import("../../common/dom.mjs").Choices} */
    const speeds = SPEEDS.map((speed) => [speed, `${speed}×`]);
    this.speed = choice("Speed", speeds, (speed) => player.set("speed", Number(speed)), { class: "timebar-speed" });
    this.speed.value = "1";
    this.loop = this.toggle("loop", "Start again at the end");
    this.tween = this.toggle("tween", "Glide between snapshots, or jump");
    this.curve = svg("svg", { preserveAspectRatio: "none", class: "timebar-curve" });
    this.events = make("div", { class: "timebar-events" });
    const go = () => {
      timeline.pause();
      timeline.seek(Number(this.range.value));
    };
    const range = { type: "range", min: 0, step: "any", value: 0, "aria-label": "Time", on: { input: go } };
    this.range = make("input", { class: "timebar-range", ...range });
    this.ticks = make("div", { class: "timebar-ticks" });
    this.bar = make("div", { class: "timebar" },
      this.button("first", "First snapshot (Home)", () => timeline.seek(0)),
      this.button("back", "One snapshot back (left arrow)", () => timeline.step(-1)),
      this.play,
      this.button("on", "One snapshot on (right arrow)", () => timeline.step(1)),
      this.button("last", "Last snapshot (End)", () => timeline.seek(this.last)),
      this.speed, this.loop, this.tween,
      make("div", { class: "timebar-track" }, this.curve, this.events, this.range, this.ticks));
    element.replaceChildren(this.bar);
    this.stop = player.on("state", () => this.draw());
  }

  button(icon, label, action, name = "timebar-button") {
    const act = () => {
      action();
      this.player.root.focus({ preventScroll: true }); // keys go on working
    };
    const control = button("", label, act, { class: name, "aria-label": label });
    control.append(drawIcon(icon));
    return control;
  }

  get last() {
    return this.epochs.length - 1;
  }

  remove() {
    this.stop();
    this.bar.remove();
  }

  /** @param {{epochs: number[], accuracies?: number[]}} meta of the frames */
  setRun({ epochs, accuracies }) {
    this.epochs = epochs;
    this.range.max = String(this.last);
    const marks = epochs.map((epoch, t) => [epoch, t]).filter(([epoch]) => Number.isInteger(epoch));
    const every = Math.ceil(marks.length / 16);
    const shown = marks.filter((_, i) => i % every === 0);
    this.ticks.replaceChildren(
      ...shown.map(([epoch, t]) => make("span", { class: "timebar-tick", textContent: `${epoch}`, style: { left: this.place(t) } })),
    );
    this.setEvents([]);
    this.curve.replaceChildren();
    if (!accuracies || accuracies.length < 2) return;
    this.curve.setAttribute("viewBox", `0 0 ${accuracies.length - 1} 1`);
    const points = accuracies.map((value, t) => `${t},${1 - (value ?? 0)}`);
    this.curve.append(svg("path", { d: `M0,1L${points.join("L")}L${accuracies.length - 1},1Z` }));
  }

  /** Ticks for the events at each snapshot. @param {number[]} counts */
  setEvents(counts) {
    const most = Math.max(1, ...counts);
    this.events.replaceChildren(
      ...counts.map((count, t) => make("span", { class: "timebar-event", style: { left: this.place(t), opacity: Math.sqrt(count / most) } })),
    );
  }

  /** Where a snapshot is on the line, as a share in CSS. */
  place(t) {
    return `${this.last ? (100 * t) / this.last : 0}%`;
  }

  draw() {
    const { state } = this.player;
    const icon = state.playing ? "pause" : "play";
    if (this.play.dataset.icon !== icon) {
      this.play.dataset.icon = icon;
      this.play.replaceChildren(drawIcon(icon));
    }
    if (document.activeElement !== this.range || state.playing) this.range.value = String(state.time);
    setStyle(this.range, { "--share": this.last ? state.time / this.last : 0 });
    for (const option of ["loop", "tween"]) this[option].setAttribute("aria-pressed", String(state[option]));
    if (Number(this.speed.value) !== state.speed) this.speed.value = String(state.speed);
  }

  toggle(option, label) {
    return button(option, label, () => this.player.set(option, !this.player.state[option]), { class: "timebar-toggle" });
  }
}

function drawIcon(name) {
  return svg("svg", { viewBox: "0 0 16 16", class: "timebar-icon" }, svg("path", { d: ICONS[name] }));
}
