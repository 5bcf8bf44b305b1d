/* The clock of a player: play, pause, seek, step, loop, speed.
 *
 * Time is a float in snapshots: 3.25 is a quarter of the way from snapshot 3 to 4. Playing runs over it evenly by
 * default, not over epochs: snapshots are taken most densely where the space moves most (a third of a five-epoch run's
 * in its first epoch), so every second of an evenly played run changes about as much; by epochs the birth of the
 * clusters is over in a blink and little happens after. Pace "epochs" is for those who want to see training's own time.
 */

const SECONDS_PER_SNAPSHOT = 0.6; // at speed 1
const HOLD = 0.8; // seconds on the last picture before a loop starts again
const GLIDE = 0.28; // seconds that a step takes with tween on
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

/** @typedef {import("./options.mjs").State} State */
/** @typedef {Pick<State, "time" | "playing" | "speed" | "loop" | "tween" | "pace" | "still">} TimeState */

export class Timeline {
  /**
   * @param {TimeState} state of the player; `time` and `playing` are written, the options about time read
   * @param {(what: "time" | "state") => void} changed
   */
  constructor(state, changed) {
    this.state = state;
    this.changed = changed;
    /** @type {number[]} */
    this.epochs = [0];
    this.heldSeconds = 0; // on the last picture
    this.glide = { on: false, from: 0, to: 0, spent: 0 };
    /** @type {number | null} */
    this.now = null; // time of the last tick, milliseconds
  }

  get last() {
    return this.epochs.length - 1;
  }

  /** @param {number[]} epochs (T,) */
  setEpochs(epochs) {
    this.epochs = epochs;
    this.glide.on = false;
    this.state.time = Math.min(this.state.time, this.last);
  }

  play() {
    if (this.last < 1 || this.state.playing) return;
    if (this.state.time >= this.last) this._move(0);
    this.glide.on = false;
    this.heldSeconds = 0;
    this.now = null;
    this.state.playing = true;
    this.changed("state");
  }

  pause() {
    if (!this.state.playing) return;
    this.state.playing = false;
    this.changed("state");
  }

  toggle() {
    if (this.state.playing) this.pause();
    else this.play();
  }

  /** What keys do, by KeyboardEvent.key. */
  get keys() {
    return {
      " ": () => this.toggle(),
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Home: () => this.seek(0),
      End: () => this.seek(this.last),
    };
  }

  /** @param {number} time in snapshots; beyond an end it is taken to that end */
  seek(time) {
    this.glide.on = false;
    this.heldSeconds = 0;
    if (Number.isFinite(time)) this._move(time);
  }

  /** To another whole snapshot, gliding if tweens are on. @param {number} by whole snapshots, negative: back */
  step(by) {
    this.pause();
    const at = this.glide.on ? this.glide.to : this.state.time;
    const to = this._clamp(by > 0 ? Math.floor(at + 1e-6) + by : Math.ceil(at - 1e-6) + by);
    if (!this.state.tween || this.state.still) return this.seek(to);
    Object.assign(this.glide, { on: to !== this.state.time, from: this.state.time, to, spent: 0 });
    this.now = null;
    this.changed("time");
  }

  /** Whether each animation frame moves the time. */
  get moving() {
    return this.state.playing || this.glide.on;
  }

  /** Advance to the time of an animation frame. @param {number} now milliseconds */
  tick(now) {
    const seconds = this.now === null ? 0 : Math.min(0.25, (now - this.now) / 1000); // time stops while the tab is hidden
    this.now = now;
    if (this.glide.on) this._glide(seconds);
    else if (this.state.playing) this._play(seconds * this.state.speed, seconds);
  }

  _glide(seconds) {
    const { glide } = this;
    glide.spent += seconds;
    const share = Math.min(1, glide.spent / GLIDE);
    if (share === 1) glide.on = false;
    this._move(share === 1 ? glide.to : glide.from + (glide.to - glide.from) * share * share * (3 - 2 * share));
  }

  _play(elapsed, seconds) {
    const { state, last } = this;
    if (state.time < last) {
      const steps = elapsed / SECONDS_PER_SNAPSHOT;
      return this._move(state.pace === "epochs" ? this._afterEpochs(steps) : state.time + steps);
    }
    if (!state.loop) return this.pause();
    this.heldSeconds += seconds;
    if (this.heldSeconds < HOLD) return;
    this.heldSeconds = 0;
    this._move(0);
  }

  /** The time after so many average snapshots' worth of epochs. */
  _afterEpochs(steps) {
    const { epochs, last } = this;
    return this.timeAt(this.epochAt(this.state.time) + (steps * (epochs[last] - epochs[0])) / last);
  }

  /** The epoch at a time in snapshots. @param {number} time */
  epochAt(time) {
    const before = Math.min(Math.floor(time), Math.max(0, this.last - 1));
    const [from, to] = [this.epochs[before], this.epochs[Math.min(before + 1, this.last)]];
    return from + (to - from) * (time - before);
  }

  /** The time in snapshots at an epoch. @param {number} epoch */
  timeAt(epoch) {
    const { epochs, last } = this;
    if (epoch >= epochs[last]) return last;
    let before = 0;
    while (before < last - 1 && epochs[before + 1] <= epoch) before++;
    const span = epochs[before + 1] - epochs[before];
    return before + (span > 0 ? Math.max(0, epoch - epochs[before]) / span : 0);
  }

  _clamp(time) {
    return Math.max(0, Math.min(this.last, time));
  }

  _move(time) {
    const to = this._clamp(time);
    if (to === this.state.time) return;
    this.state.time = to;
    this.changed("time");
  }
}
