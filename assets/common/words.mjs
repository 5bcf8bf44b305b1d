/* Names and terms that people read, from the one table of them (explorer/words.py), which comes with the page. */

/**
 * What is said of a projection (explorer/space/projections): its name in a sentence, the options that addresses have of
 * it, and, if a process apart computes it, the projection that is shown until then.
 * @typedef {{short: string, options: string[], meanwhile: string | null}} View
 */

/**
 * @typedef {object} Words
 * @property {Record<string, View>} views the projections; an exported page has none
 * @property {Record<string, string>} colours what the colour of a point tells
 * @property {Record<string, [string, string]>} marks name and explanation of what is drawn over the points
 * @property {Record<string, string>} events
 * @property {string[]} classifiers the first that a run has decides at first
 */

/** @type {Words} */
export const WORDS = JSON.parse(document.getElementById("words").textContent);
