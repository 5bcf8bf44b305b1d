/* One clock for all pictures: the timeline of the player, over the epochs of every run that is shown. */

import { Timeline, listenToKeys } from "../player/timeline.mjs";

const SAME = 1e-6; // epochs that are nearer are one

export class Clock {
  /** @param {HTMLElement} root whose pictures it moves; made before them, so that its keys come before theirs */
  constructor(root) {
    this.root = root;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.state = { time: 0, playing: false, speed: 1, loop: false, tween: true, pace: "snapshots", keys: "page", still };
    this.listeners = { time: new Set(), state: new Set() };
    this.timeline = new Timeline(this.state, (what) => this.changed(what));
    this.pending = 0;
    this.stopKeys = listenToKeys(root, this.state, {
      " ": () => this.timeline.toggle(),
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Home: () => this.seek(0),
      End: () => this.seek(this.timeline.last),
    });
  }

  /** Run over every epoch at which one of the runs has a snapshot, and stay where it is. @param {number[][]} runs */
  setEpochs(runs) {
    const { epoch } = this;
    const all = runs.flat().sort((a, b) => a - b);
    const epochs = all.filter((value, i) => i === 0 || value - all[i - 1] > SAME);
    this.timeline.setEpochs(epochs.length ? epochs : [0]);
    this.seekEpoch(epoch);
  }

  /** The epoch that is shown; without tween that of the nearest snapshot of any run. */
  get epoch() {
    const { time, tween } = this.state;
    return this.timeline.epochAt(tween ? time : Math.round(time));
  }

  seekEpoch(epoch) {
    this.seek(this.timeline.timeAt(epoch));
  }

  play() {
    this.timeline.play();
  }

  pause() {
    this.timeline.pause();
  }

  seek(time) {
    this.timeline.seek(time);
  }

  step(by) {
    this.timeline.step(by);
  }

  /** @param {"speed" | "loop" | "tween"} option */
  set(option, value) {
    this.state[option] = value;
    this.changed("time");
    this.changed("state");
  }

  /** @param {"time" | "state"} event @returns {() => void} stop listening */
  on(event, listener) {
    this.listeners[event].add(listener);
    return () => this.listeners[event].delete(listener);
  }

  changed(what) {
    if (this.timeline.moving) this.pending ||= requestAnimationFrame((now) => this.tick(now));
    for (const listener of this.listeners[what]) listener();
  }

  tick(now) {
    this.pending = 0;
    this.timeline.tick(now);
    if (this.timeline.moving) this.pending ||= requestAnimationFrame((next) => this.tick(next));
  }

  remove() {
    cancelAnimationFrame(this.pending);
    this.state.playing = false;
    this.stopKeys();
  }
}
