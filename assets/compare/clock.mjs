/* One clock for all pictures: the player's timeline over the epochs of all runs on the page. */

import { listenToKeys } from "../player/input/keys.mjs";
import { Timeline } from "../player/timeline.mjs";

const TOLERANCE = 1e-6; // epochs that are closer count as one

export class Clock {
  /** @param {HTMLElement} root of the page; the clock is made before the pictures, so that it gets keys before they do */
  constructor(root) {
    this.root = root;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    /** @type {import("../player/timeline.mjs").TimeState} */
    this.state = { time: 0, playing: false, speed: 1, loop: false, tween: true, pace: "snapshots", still };
    this.listeners = { time: new Set(), state: new Set() };
    this.timeline = new Timeline(this.state, (event) => this.notify(event));
    this.pending = 0;
    this.stopKeys = listenToKeys(root, { keys: "page" }, this.timeline.keys);
  }

  /** Take the epochs of all snapshots of all runs, and stay at the current epoch. @param {number[][]} runs epochs of each */
  setEpochs(runs) {
    const { epoch } = this;
    const all = runs.flat().sort((a, b) => a - b);
    const epochs = all.filter((value, i) => i === 0 || value - all[i - 1] > TOLERANCE);
    this.timeline.setEpochs(epochs.length ? epochs : [0]);
    this.seekEpoch(epoch);
  }

  /** The epoch on the screen; without tween that of the nearest snapshot of any run. */
  get epoch() {
    const { time, tween } = this.state;
    return this.timeline.epochAt(tween ? time : Math.round(time));
  }

  /** @param {number} epoch */
  seekEpoch(epoch) {
    this.timeline.seek(this.timeline.timeAt(epoch));
  }

  /** @param {"speed" | "loop" | "tween"} option @param {number | boolean} value */
  set(option, value) {
    Object.assign(this.state, { [option]: value });
    this.notify("time");
    this.notify("state");
  }

  /** @param {"time" | "state"} event @param {() => void} listener @returns {() => void} stop listening */
  on(event, listener) {
    this.listeners[event].add(listener);
    return () => this.listeners[event].delete(listener);
  }

  /** @param {"time" | "state"} event */
  notify(event) {
    this.requestFrame();
    for (const listener of this.listeners[event]) listener();
  }

  requestFrame() {
    if (!this.timeline.moving) return;
    this.pending ||= requestAnimationFrame((now) => {
      this.pending = 0;
      this.timeline.tick(now);
      this.requestFrame();
    });
  }

  remove() {
    cancelAnimationFrame(this.pending);
    this.state.playing = false;
    this.stopKeys();
  }
}
