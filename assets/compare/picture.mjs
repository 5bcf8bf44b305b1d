/* A run in a player: fetches what is asked for, each part once; the newest question wins. */

import { Follower, wholeBox } from "../player/geometry/camera.mjs";
import { fetchArrays, readFrames, readRegions } from "../player/data.mjs";
import { mount } from "../player/main.mjs";
import { Waiting } from "../explore/waiting.mjs";
import { turnOnto, turnedFrames, turnedRegions } from "./turn.mjs";

const SHRUNK = 4; // from a cloud that ends so much smaller than the whole run's box the camera follows the scale
const OTHERWISE = ["euc_ce", "argmax", "euc", "cos_ce", "cos"]; // where a run lacks the classifier that is asked for

/** @typedef {{run: string, view: string, classifier: string, regions: string, colour: string, camera: string}} Asked */

export class Picture {
  /**
   * @param {HTMLElement} stage that the player fills
   * @param {object} offered by the page: `runs` with the best classifier of each
   * @param {() => void} again show it once more: what was waited for is there
   */
  constructor(stage, offered, again) {
    this.offered = offered;
    this.player = mount(stage, { keys: "element" });
    const place = document.createElement("div");
    place.className = "compare-waiting";
    stage.append(place);
    this.waiting = new Waiting(place, again);
    this.waiting.meanwhile = "PCA meanwhile.";
    this.turn = 0; // of the newest question
    this.about = null; // run and view of the frames that are shown
    this.regions = null; // what is known of the regions that are shown
    this.original = null; // the frames as they came; what is shown of them may be turned
    this.turned = null; // how
    this.first = null; // how many snapshots the plane was found from, once the run has grown
    this.isOld = false; // there are more snapshots than are shown
  }

  /**
   * @param {Asked} asked
   * @param {Promise<Picture | null> | null} [onto] another picture, as which this one lies as soon as that is there
   * @returns {Promise<boolean>} false: a newer question took over. Raises DataError.
   */
  async show(asked, onto = null) {
    const turn = ++this.turn;
    const isOver = () => turn !== this.turn || this.player.removed;
    const isThere = await this.isThere(asked);
    if (isOver()) return false;
    if (asked.run !== this.run) this.first = null;
    const about = query(asked.run, isThere ? asked.view : "pca", this.first);
    const came = about === this.about && !this.isOld ? null : await this.fetchRun(asked.run, about);
    const first = await onto;
    if (isOver()) return false;
    this.lay(came, asked.run, about, first);
    this.player.set("colour", asked.colour);
    this.player.set("camera", asked.camera === "fitting" ? (this.shrinks ? "scale" : "fixed") : asked.camera);
    this.player.set("classifier", this.chosen(asked));
    const mode = `${about}&classifier=${this.classifier}&mode=${asked.regions}`;
    if (mode === this.mode) return true;
    this.regions = null;
    const regions = asked.regions === "off" ? null : await fetchArrays(`/api/regions?${mode}`, "the regions");
    if (isOver()) return false;
    const read = regions && readRegions(regions);
    this.player.setRegions(read && this.turned ? turnedRegions(read, this.turned) : read);
    this.mode = mode;
    this.regions = regions?.meta ?? null;
    return true;
  }

  async isThere({ run, view }) {
    if (view === "umap") return this.waiting.ask(query(run, view));
    this.waiting.stop();
    return true;
  }

  /** The run has more snapshots: they will be shown on the axes that there are. */
  outgrow() {
    this.first ??= this.frames.T;
    this.isOld = true;
  }

  async fetchRun(run, about) {
    const frames = readFrames(await fetchArrays(`/api/frames?${about}`, "the view"));
    const isKnown = this.run === run && this.frames.T === frames.T;
    const asked = `/api/attributes?run=${encodeURIComponent(run)}&n=${frames.T}`;
    return { frames, attributes: isKnown ? this.attributes : await fetchArrays(asked, "the decisions") };
  }

  /** Give the player what came, or what it has, turned as another picture lies. */
  lay(came, run, about, first) {
    const frames = came?.frames ?? this.original;
    const turn = first?.run && first.run !== run ? turnOnto(frames, first.frames) : null;
    if (!came && `${turn}` === `${this.turned}`) return;
    const sprite = frames.meta.sprite ? `/api/sprite?run=${encodeURIComponent(run)}` : null;
    const shown = turn ? turnedFrames(frames, turn) : frames;
    this.player.setRun({ frames: shown, attributes: came?.attributes ?? this.attributes, sprite });
    Object.assign(this, { run, about, original: frames, turned: turn, shrinks: shrinks(shown) });
    Object.assign(this, { mode: null, regions: null, isOld: false }); // the player has no regions now
  }

  /** The classifier that is meant: the run's best, or the one asked for if the run has it. */
  chosen({ run, classifier }) {
    const { classifiers } = this.attributes;
    const best = this.offered.runs.find(({ id }) => id === run)?.classifier;
    return [classifier === "best" ? best : classifier, ...OTHERWISE].find((name) => classifiers.includes(name)) ?? null;
  }

  get classifier() {
    return this.player.state.classifier;
  }

  /** The share of the images that the classifier decides right at a snapshot. */
  rightAt(snapshot) {
    const { attributes, classifier } = this;
    const { N, labels, predictions } = attributes;
    const decided = predictions[classifier];
    if (this.counted?.decided === decided && this.counted.snapshot === snapshot) return this.counted.share;
    let count = 0;
    for (let i = 0; i < N; i++) count += decided[snapshot * N + i] === labels[i];
    this.counted = { decided, snapshot, share: count / N }; // asked for at every frame
    return this.counted.share;
  }

  get frames() {
    return this.player.data.frames;
  }

  get attributes() {
    return this.player.data.attributes;
  }

  /** The snapshot that is shown, the nearer of two. */
  get snapshot() {
    return Math.round(this.player.state.time);
  }

  remove() {
    this.waiting.stop();
    this.player.remove();
  }
}

/** Whether most of a fixed picture would be empty at the end. */
function shrinks(frames) {
  const [left, low, right, high] = wholeBox(frames);
  return SHRUNK * 2 * new Follower(frames).at(frames.T - 1, 0).radius < Math.max(right - left, high - low);
}

function query(run, view, first = null) {
  const asked = new URLSearchParams({ run, view });
  if (first !== null && view !== "umap") asked.set("first", first);
  return asked.toString();
}
