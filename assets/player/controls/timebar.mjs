/* The time line under the picture: play, step, speed, loop, and a slider for the time over the curve of accuracy. */

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

export class TimeBar {
  /** @param {HTMLElement} element @param {import("../main.mjs").Player} player */
  constructor(element, player) {
    this.player = player;
    this.epochs = [0];
    element.replaceChildren();
    this.bar = make("div", "timebar");
    element.append(this.bar);
    const button = (icon, label, action) => {
      const control = make("button", "timebar-button", { type: "button", title: label, ariaLabel: label });
      control.append(drawIcon(icon));
      control.addEventListener("click", () => {
        action();
        player.root.focus({ preventScroll: true }); // keys go on working
      });
      this.bar.append(control);
      return control;
    };
    button("first", "First snapshot (Home)", () => player.seek(0));
    button("back", "One snapshot back (left arrow)", () => player.step(-1));
    this.play = button("play", "Play or pause (space)", () => player.timeline.toggle());
    this.play.classList.add("timebar-play");
    button("on", "One snapshot on (right arrow)", () => player.step(1));
    button("last", "Last snapshot (End)", () => player.seek(this.last));
    this.speed = make("select", "timebar-speed", { title: "Speed", ariaLabel: "Speed" });
    for (const speed of SPEEDS) this.speed.append(new Option(`${speed}×`, speed, speed === 1, speed === 1));
    this.speed.addEventListener("change", () => player.set("speed", Number(this.speed.value)));
    this.loop = this.toggle("loop", "Start again at the end");
    this.tween = this.toggle("tween", "Glide between snapshots, or jump");
    this.track = make("div", "timebar-track");
    this.curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.curve.setAttribute("preserveAspectRatio", "none");
    this.curve.setAttribute("class", "timebar-curve");
    this.range = make("input", "timebar-range", { type: "range", min: 0, step: "any", value: 0, ariaLabel: "Time" });
    this.range.addEventListener("input", () => {
      player.pause();
      player.seek(Number(this.range.value));
    });
    this.ticks = make("div", "timebar-ticks");
    this.events = make("div", "timebar-events");
    this.track.append(this.curve, this.events, this.range, this.ticks);
    this.bar.append(this.speed, this.loop, this.tween, this.track);
    this.stop = player.on("state", () => this.draw());
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
    this.range.max = this.last;
    const marks = epochs.map((epoch, t) => [epoch, t]).filter(([epoch]) => Number.isInteger(epoch));
    const every = Math.ceil(marks.length / 16);
    this.ticks.replaceChildren(
      ...marks.filter((_, i) => i % every === 0).map(([epoch, t]) => {
        const tick = make("span", "timebar-tick", { textContent: `${epoch}` });
        tick.style.left = `${this.last ? (100 * t) / this.last : 0}%`;
        return tick;
      }),
    );
    this.setEvents([]);
    this.curve.replaceChildren();
    if (!accuracies || accuracies.length < 2) return;
    this.curve.setAttribute("viewBox", `0 0 ${accuracies.length - 1} 1`);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const points = accuracies.map((value, t) => `${t},${1 - (value ?? 0)}`);
    line.setAttribute("d", `M0,1L${points.join("L")}L${accuracies.length - 1},1Z`);
    this.curve.append(line);
  }

  /** Ticks for the events at each snapshot. @param {number[]} counts */
  setEvents(counts) {
    const most = Math.max(1, ...counts);
    this.events.replaceChildren(
      ...counts.map((count, t) => {
        const mark = make("span", "timebar-event");
        mark.style.left = `${this.last ? (100 * t) / this.last : 0}%`;
        mark.style.opacity = Math.sqrt(count / most);
        return mark;
      }),
    );
  }

  /** The time, in snapshots, at which an epoch is reached. */
  timeOf(epoch) {
    const { epochs } = this;
    if (!Number.isFinite(epoch) || epoch >= epochs[this.last]) return this.last;
    const after = epochs.findIndex((value) => value > epoch);
    if (after <= 0) return 0;
    return after - 1 + (epoch - epochs[after - 1]) / (epochs[after] - epochs[after - 1]);
  }

  draw() {
    const { state } = this.player;
    const icon = state.playing ? "pause" : "play";
    if (this.play.dataset.icon !== icon) {
      this.play.dataset.icon = icon;
      this.play.replaceChildren(drawIcon(icon));
    }
    if (document.activeElement !== this.range || state.playing) this.range.value = state.time;
    this.range.style.setProperty("--share", this.last ? state.time / this.last : 0);
    this.loop.setAttribute("aria-pressed", state.loop);
    this.tween.setAttribute("aria-pressed", state.tween);
    if (Number(this.speed.value) !== state.speed) this.speed.value = state.speed;
  }

  toggle(option, label) {
    const element = make("button", "timebar-toggle", { type: "button", textContent: option, title: label });
    element.addEventListener("click", () => this.player.set(option, !this.player.state[option]));
    return element;
  }
}

function drawIcon(name) {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("class", "timebar-icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  icon.append(path);
  return icon;
}

function make(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}
