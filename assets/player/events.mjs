/* What a player tells others: events, and notices of what cannot be shown. */

/** @typedef {import("./options.mjs").State} State */
/** @typedef {import("./marks/overlay.mjs").Mark} Mark */
/** @typedef {{index: number, x: number, y: number}} ImageAt an image and its place on the element, CSS pixels */
/**
 * The events of a player and what their listeners get.
 * @typedef {object} Events
 * @property {number} time       in snapshots, whenever it changes
 * @property {State} state       an option has changed, playing has begun or ended
 * @property {ImageAt | null} hover  under the pointer
 * @property {Mark | null} mark  under the pointer, with its place on the element
 * @property {ImageAt | Mark} click  one of these two, when it is clicked
 * @property {{indices: number[], polygon: import("./axes.mjs").Polygon} | null} select  of a lasso
 * @property {import("./colours.mjs").LegendContent} legend  whenever colours change
 * @property {import("./options.mjs").Notice} notice  those in force reach a new listener at once
 */

export class Emitter {
  /** @param {State} state of the player, which has the notices in force */
  constructor(state) {
    this.state = state;
    /** @type {{[Name in keyof Events]: Set<(value: Events[Name]) => void>}} */
    this.listeners = {
      time: new Set(), state: new Set(), hover: new Set(), mark: new Set(),
      click: new Set(), select: new Set(), legend: new Set(), notice: new Set(),
    };
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} event
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void} stop listening
   */
  on(event, listener) {
    const { [event]: listeners } = this.listeners;
    if (!listeners) throw new Error(`unknown event '${event}'; choose from ${Object.keys(this.listeners).join(", ")}`);
    listeners.add(listener);
    if (event === "notice") for (const notice of this.state.notices) listener(/** @type {Events[Name]} */ (notice));
    return () => listeners.delete(listener);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} event
   * @param {Events[Name]} value
   */
  emit(event, value) {
    for (const listener of this.listeners[event]) listener(value);
  }

  /** Say why something cannot be shown, unless it has just been said. @param {string} kind @param {string} message */
  notice(kind, message) {
    const notice = { kind, message };
    if (this.state.notices.some((other) => other.message === message)) return;
    this.state.notices = [...this.state.notices.filter((other) => other.kind !== kind), notice];
    this.emit("notice", notice);
  }

  /** The trouble that notices of this kind told of is over. @param {string} kind */
  clearNotice(kind) {
    this.state.notices = this.state.notices.filter((notice) => notice.kind !== kind);
  }
}
