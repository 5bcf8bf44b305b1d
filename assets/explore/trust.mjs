/* How far the picture can be trusted: the measures in words, their definitions on hover, and the agreement of each mode. */

let turn = 0;

/** @param {HTMLElement | null} element @param {string} url @param {string} note shown above the measures */
export async function showTrust(element, url, note) {
  if (!element) return;
  const mine = ++turn;
  element.classList.add("is-waiting");
  let trust;
  try {
    trust = await (await fetch(url)).json();
  } catch {
    trust = { error: "the server does not answer; is it still running?" };
  }
  if (mine !== turn) return;
  element.classList.remove("is-waiting");
  if (trust.error) {
    element.textContent = `Not measured: ${trust.error}`;
    return;
  }
  const rows = trust.measures.map(({ title, shown, text, definition }) => {
    const row = document.createElement("div");
    row.className = "trust-row";
    row.title = definition;
    const [name, value, words] = ["trust-name", "trust-value", "trust-text"].map((name) => {
      const cell = document.createElement("span");
      cell.className = name;
      return cell;
    });
    name.textContent = title;
    value.textContent = shown;
    words.textContent = text;
    row.append(name, value, words);
    return row;
  });
  const about = document.createElement("div");
  about.className = "trust-note";
  about.textContent = [note, trust.note].filter(Boolean).join(" ");
  element.replaceChildren(about, ...rows);
}
