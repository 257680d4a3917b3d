/** A table as it was pasted or dropped: CSV, or tab-separated as spreadsheets copy it. */

/** @typedef {{headings: string[], rows: string[][], text: string}} Table */

const MARKS = ['\t', ';', ','];

/**
 * As RFC 4180 has it, with whichever mark stands most often in the first line. What the server is
 * given is CSV; what its columns mean, and what is wrong with them, is the server's to say.
 * @param {string} text
 * @returns {Table | null} null: there is no row under a line of headings
 */
export function readTable(text) {
  const whole = text.replace(/^\uFEFF/, '');
  const first = whole.split('\n', 1)[0];
  const mark = MARKS.reduce((best, one) => (first.split(one).length > first.split(best).length ? one : best));
  const [headings, ...rows] = cellsOf(whole, mark).filter((row) => row.some((cell) => cell.trim()));
  if (!headings || !rows.length) return null;
  return { headings, rows, text: [headings, ...rows].map(lineOf).join('\n') };
}

/** @param {string} text @param {string} mark @returns {string[][]} */
function cellsOf(text, mark) {
  /** @type {string[][]} */
  const rows = [[]];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (quoted) {
      if (one !== '"') cell += one;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (one === '"' && !cell) quoted = true;
    else if (one === mark || one === '\n') {
      rows[rows.length - 1].push(cell.replace(/\r$/, ''));
      cell = '';
      if (one === '\n') rows.push([]);
    } else cell += one;
  }
  rows[rows.length - 1].push(cell.replace(/\r$/, ''));
  return rows;
}

/** @param {string[]} cells */
const lineOf = (cells) => cells.map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
