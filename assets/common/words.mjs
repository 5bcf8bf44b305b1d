/* Names and terms that people read, from the one table of them (explorer/words.py), which comes with the page. */

/**
 * @typedef {object} Words
 * @property {Record<string, string>} colours what the colour of a point tells
 * @property {Record<string, [string, string]>} marks name and explanation of what is drawn over the points
 * @property {Record<string, string>} events
 * @property {string[]} classifiers the first that a run has decides at first
 */

/** @type {Words} */
export const WORDS = JSON.parse(document.getElementById("words").textContent);
