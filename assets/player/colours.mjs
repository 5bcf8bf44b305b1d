/* The colours of classes (hidden, solo, in focus), of numbers on a ramp and of the page; and the legend's contents. */

/** @typedef {import("./data.mjs").Attributes} Attributes */
/** @typedef {import("./options.mjs").State} State */
/**
 * The colours of the page, "#rrggbb".
 * @typedef {object} Theme
 * @property {string} page
 * @property {string} text
 * @property {string} quiet    numbers at the axes
 * @property {string} frame
 * @property {string} ring     within and around marks
 * @property {number} lift     share of the text's colour in that of the trails, for contrast
 * @property {number[]} ink    of boundaries, shares of 1
 * @property {string} unknown
 */
/**
 * What a page needs to draw the legend.
 * @typedef {object} LegendContent
 * @property {string} mode
 * @property {string} title
 * @property {LegendClass[]} classes
 * @property {{name: string, colour: string}[]} [entries]
 * @property {string[]} [ramp]
 * @property {number} [low]  the values at the ramp's ends
 * @property {number} [high]
 */
/**
 * @typedef {{index: number, name: string, colour: string, shown: boolean, dimmed: boolean, unseen: boolean}} LegendClass
 *   unseen: held out of training
 */

/** For data that bring no colours; Python sends them with the labels. */
const FALLBACK = { palette: ["#3945c3", "#ba7b04", "#55bcfb", "#d13c6f", "#9ac106"], ramp: ["#4e2999", "#ebd229"] };
/** @type {import("./data.mjs").AttributesMeta} */
export const NO_META = { scales: {}, shown: {} };
const DIMMED = 90; // palette alpha of a class outside the focus; 0 is hidden, 255 fully drawn
/** What colours the points, as the shaders have it. */
export const MODES = { label: 0, prediction: 1, right: 2, distance: 3, margin: 3, none: 4 };
export const FAINT_POINT = 0.22; // factor on the opacity of a point outside focus or selection
export const FAINT_REGION = 0.35; // and of a region, besides its class's alpha

/** @type {{light: Theme, dark: Theme}} */
export const THEMES = {
  light: {
    page: "#ffffff",
    text: "#1f2329",
    quiet: "#868e96",
    frame: "#dee2e6",
    ring: "#ffffff",
    lift: 0,
    ink: [0.1, 0.12, 0.16, 0.45],
    unknown: "#b4bac4",
  },
  dark: {
    page: "#1a1b1e",
    text: "#e6e8eb",
    quiet: "#828a94",
    frame: "#373a40",
    ring: "#f1f3f5",
    lift: 0.3,
    ink: [0.95, 0.96, 1, 0.38],
    unknown: "#5c636e",
  },
};

/** "#rrggbb" as three bytes. @param {string} hex */
export function parseHex(hex) {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** A colour with a share of another mixed in. @param {string} colour @param {string} other @param {number} share */
export function mixColours(colour, other, share) {
  const [from, to] = [parseHex(colour), parseHex(other)];
  return formatHex(from.map((value, i) => value + share * (to[i] - value)));
}

/** Red, green, blue as "#rrggbb". @param {number[]} rgb */
function formatHex(rgb) {
  return `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}

/** The page's theme as the element sees it: dark where its text is light. @param {Element} element */
export function themeOf(element) {
  const [red, green, blue] = readChannels(getComputedStyle(element).color);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 127 ? "dark" : "light";
}

/** The page's own colour behind an element as "#rrggbb", null where nothing has one. @param {Element | null} element */
export function pageOf(element) {
  for (let node = element; node; node = node.parentElement) {
    const channels = readChannels(getComputedStyle(node).backgroundColor);
    if (channels.length === 3 || channels[3] === 1) return formatHex(channels.slice(0, 3));
  }
  return null;
}

/** The numbers of a computed colour: "rgb(1, 2, 3)", "rgba(1, 2, 3, 0.5)". @param {string} colour */
function readChannels(colour) {
  return (colour.match(/[\d.]+/g) ?? []).map(Number);
}

/** Whether images, marks and trails of class k are drawn. @param {State} state @param {number} k */
export function isShown(state, k) {
  return state.solo === null ? !state.hidden.has(k) : k === state.solo;
}

/** Whether class k is outside a focus that others are in. @param {State} state @param {number} k */
export function isDimmed(state, k) {
  return state.focus.size > 0 && !state.focus.has(k);
}

/** Whether class k was held out of training. @param {Attributes | null} attributes @param {number} k */
export function isUnseen(attributes, k) {
  return attributes?.meta.unseen?.includes(k) ?? false;
}

/**
 * The colour of every class, "#rrggbb". With more classes than colours these repeat; then the classes in
 * focus get different ones, in the order in which they came into focus, and the others go grey.
 * @param {State} state
 * @param {number} C
 * @param {string[] | undefined} palette
 * @param {string} unknown the grey
 */
export function classColours(state, C, palette, unknown) {
  const colours = palette?.length ? palette : FALLBACK.palette;
  const focused = [...state.focus];
  return Array.from({ length: C }, (_, k) => {
    if (!state.focus.size || C <= colours.length) return colours[k % colours.length];
    return state.focus.has(k) ? colours[focused.indexOf(k) % colours.length] : unknown;
  });
}

/**
 * RGBA of the classes for the shaders; alpha 0 is hidden, 255 fully drawn, between: dimmed.
 * @param {State} state
 * @param {string[]} colours of the classes
 */
export function paletteBytes(state, colours) {
  const rgba = new Uint8Array(4 * Math.max(1, colours.length)).fill(255);
  colours.forEach((colour, k) => {
    rgba.set(parseHex(colour), 4 * k);
    rgba[4 * k + 3] = !isShown(state, k) ? 0 : isDimmed(state, k) ? DIMMED : 255;
  });
  return rgba;
}

/** Factor on the opacity of a region. @param {number} alpha of its class in the palette, 0..255 */
export function regionStrength(alpha) {
  return alpha < 255 ? (FAINT_REGION * alpha) / 255 : 1;
}

/** 256 steps between the ramp's colours, RGBA. @param {string[] | undefined} ramp */
export function rampBytes(ramp) {
  const stops = (ramp?.length ? ramp : FALLBACK.ramp).map(parseHex);
  const rgba = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = Math.round(low[c] + (high[c] - low[c]) * (at - Math.floor(at)));
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}

/**
 * The codes that colour the points and their meaning; `problem` says why they are not those of the option.
 * @param {State} state
 * @param {Attributes | null} attributes
 * @returns {{mode: State["colour"] | "none", codes: import("./data.mjs").Codes | null, key?: string, problem?: string}}
 */
export function chooseCodes(state, attributes) {
  const { colour } = state;
  if (!attributes) return { mode: "none", codes: null };
  if (colour === "label") return { mode: "label", codes: null };
  const classifier = state.classifier ?? attributes.classifiers[0];
  if (colour === "distance") {
    const to = attributes.distances.target ? "target" : "centre";
    const codes = attributes.distances[to];
    if (codes) return { mode: colour, codes, key: `distances.${to}` };
    return { mode: "label", codes: null, problem: "this run has no distances: the points are coloured by class" };
  }
  const codes = (colour === "margin" ? attributes.margins : attributes.predictions)[classifier];
  if (codes) return { mode: colour, codes, key: `${colour === "margin" ? "margins" : "predictions"}.${classifier}` };
  const problem = `this run has no decisions of '${classifier}': the points are coloured by class`;
  return { mode: "label", codes: null, problem };
}

/**
 * The values at the two ends of the ramp, between snapshots blended.
 * @param {State} state
 * @param {Attributes} attributes
 * @param {string} key of the array that colours the points
 * @param {number} before snapshot
 * @param {number} blend
 * @returns {[number, number]}
 */
export function rampRange(state, attributes, key, before, blend) {
  const { scales, shown } = attributes.meta;
  if (state.ramp !== "snapshot" && shown[key]) return shown[key];
  const [from, to] = [scales[key][before], scales[key][blend > 0 ? before + 1 : before]];
  return [from[0] + blend * (to[0] - from[0]), from[1] + blend * (to[1] - from[1])];
}

const TITLES = {
  margin: "margin of the decision",
  "distances.target": "distance to own target",
  "distances.centre": "distance to own class centre",
};

/**
 * @param {State} state
 * @param {import("./data.mjs").Frames | null} frames
 * @param {Attributes | null} attributes
 * @param {string[]} colours of the classes
 * @param {[number, number] | null} range of the ramp
 */
export function describeLegend(state, frames, attributes, colours, range) {
  const classes = (frames?.classNames ?? []).map((name, index) => ({
    index,
    name,
    colour: colours[index],
    shown: isShown(state, index),
    dimmed: isDimmed(state, index),
    unseen: isUnseen(attributes, index),
  }));
  const { mode, key } = chooseCodes(state, attributes);
  const { ramp, right, wrong } = attributes?.meta ?? NO_META;
  /** @type {LegendContent} */
  const content = { mode, classes, title: mode === "prediction" ? "decision" : "class" };
  if (mode === "right") {
    content.title = "decision";
    content.entries = [
      { name: "right", colour: right },
      { name: "wrong", colour: wrong },
    ];
  }
  if (mode === "margin" || mode === "distance") {
    content.title = TITLES[mode] ?? TITLES[key];
    content.ramp = ramp?.length ? ramp : FALLBACK.ramp;
    [content.low, content.high] = range;
  }
  return content;
}
