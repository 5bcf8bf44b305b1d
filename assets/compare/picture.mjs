/* A run in a player: fetches what a request needs, each part once; the newest request wins. */

import { make } from "../common/dom.mjs";
import { fetchArrays } from "../common/http.mjs";
import { WORDS } from "../common/words.mjs";
import { Waiting } from "../player/controls/waiting.mjs";
import { readFrames, readRegions } from "../player/data.mjs";
import { shrinks } from "../player/geometry/camera.mjs";
import { mount } from "../player/main.mjs";
import { findTurn, turnFrames, turnRegions } from "./alignment.mjs";

/** @typedef {{run: string, view?: string, classifier?: string, regions?: string, colour?: string, camera?: string}} Request */

export class Picture {
  /**
   * @param {HTMLElement} stage that the player fills
   * @param {import("./address.mjs").Options} options
   * @param {() => void} showAgain called when a projection that was waited for is ready
   */
  constructor(stage, options, showAgain) {
    this.options = options;
    this.player = mount(stage, { keys: "element" });
    const place = make("div", { class: "compare-waiting" });
    stage.append(place);
    this.waiting = new Waiting(place, showAgain);
    this.generation = 0; // counts the requests
    this.run = ""; // that is shown
    this.shrinks = false; // whether most of a fixed picture would be empty at its end
    this.about = null; // query of the frames on the screen: run and view
    this.regions = null; // meta data of the regions on the screen
    this.original = null; // the frames as fetched; those on the screen may be turned
    this.turn = null; // by which they are turned, if they are
    this.first = null; // number of snapshots from which the plane was computed, once the run has grown
    this.isOld = false; // whether the run has more snapshots than are on the screen
  }

  /**
   * @param {Request} request
   * @param {Promise<Picture | null> | null} [reference] another picture, with which this one is aligned once it is there
   * @returns {Promise<boolean>} false if a newer request took over. Raises DataError.
   */
  async show(request, reference = null) {
    const generation = ++this.generation;
    const isOver = () => generation !== this.generation || this.player.removed;
    const isReady = await this.isReady(request);
    if (isOver()) return false;
    if (request.run !== this.run) this.first = null;
    const about = query(request.run, isReady ? request.view : WORDS.views[request.view].meanwhile, this.first);
    const data = about === this.about && !this.isOld ? null : await this.fetchRun(request.run, about);
    const other = await reference;
    if (isOver()) return false;
    this.draw(data, request.run, about, other);
    this.player.set("colour", request.colour);
    this.player.set("camera", request.camera === "fitting" ? (this.shrinks ? "scale" : "fixed") : request.camera);
    this.player.set("classifier", this.pickClassifier(request));
    const mode = `${about}&classifier=${this.classifier}&mode=${request.regions}`;
    if (mode === this.mode) return true;
    this.regions = null;
    const response = request.regions === "off" ? null : await fetchArrays(`/api/regions?${mode}`, "the regions");
    if (isOver()) return false;
    const regions = response && readRegions(response);
    this.player.setRegions(regions && this.turn ? turnRegions(regions, this.turn) : regions);
    this.mode = mode;
    this.regions = response?.meta ?? null;
    return true;
  }

  /** Whether the projection can be fetched; if not, the wait for it begins. @param {Request} request @returns {Promise<boolean>} */
  isReady({ run, view }) {
    const { short, meanwhile } = WORDS.views[view];
    if (meanwhile) return this.waiting.ask(query(run, view), short, WORDS.views[meanwhile].short);
    this.waiting.stop();
    return Promise.resolve(true);
  }

  /** The run has more snapshots: the next `show` fetches them, on the present axes. */
  outgrow() {
    this.first ??= this.frames.T;
    this.isOld = true;
  }

  async fetchRun(run, about) {
    const frames = readFrames(await fetchArrays(`/api/frames?${about}`, "the view"));
    const isKnown = this.run === run && this.frames.T === frames.T;
    const url = `/api/attributes?run=${encodeURIComponent(run)}&n=${frames.T}`;
    return { frames, attributes: isKnown ? this.attributes : await fetchArrays(url, "the decisions") };
  }

  /** Give the player the fetched data, or what it has, aligned with another picture. */
  draw(data, run, about, other) {
    const frames = data?.frames ?? this.original;
    const turn = other?.run && other.run !== run ? findTurn(frames, other.frames) : null;
    if (!data && `${turn}` === `${this.turn}`) return;
    const sprite = frames.meta.sprite ? `/api/sprite?run=${encodeURIComponent(run)}` : null;
    const turned = turn ? turnFrames(frames, turn) : frames;
    this.player.setRun({ frames: turned, attributes: data?.attributes ?? this.attributes, sprite });
    Object.assign(this, { run, about, original: frames, turn, shrinks: shrinks(turned) });
    Object.assign(this, { mode: null, regions: null, isOld: false }); // the player has no regions now
  }

  /** The classifier of a request: the run's best, or the named one; another one if the run lacks it. @param {Request} request */
  pickClassifier({ run, classifier }) {
    const { classifiers } = this.attributes;
    const best = this.options.runs.find(({ id }) => id === run)?.classifier;
    return [classifier === "best" ? best : classifier, ...WORDS.classifiers].find((name) => classifiers.includes(name)) ?? null;
  }

  get classifier() {
    return this.player.state.classifier;
  }

  /** Share of the images that the classifier decides right at a snapshot. */
  rightAt(snapshot) {
    const { attributes, classifier } = this;
    const { N, labels, predictions } = attributes;
    const decisions = predictions[classifier];
    if (this.accuracy?.decisions === decisions && this.accuracy.snapshot === snapshot) return this.accuracy.share;
    let count = 0;
    for (let i = 0; i < N; i++) if (decisions[snapshot * N + i] === labels[i]) count++;
    this.accuracy = { decisions, snapshot, share: count / N }; // cached, since it is needed at every frame
    return this.accuracy.share;
  }

  get frames() {
    return this.player.data.frames;
  }

  get attributes() {
    return this.player.data.attributes;
  }

  /** The snapshot on the screen, the nearer of two. */
  get snapshot() {
    return Math.round(this.player.state.time);
  }

  remove() {
    this.waiting.stop();
    this.player.remove();
  }
}

function query(run, view, first = null) {
  const parameters = new URLSearchParams({ run, view });
  if (first !== null && !WORDS.views[view].meanwhile) parameters.set("first", String(first));
  return parameters.toString();
}
