/** The icons: strokes on a field of 24, drawn in the colour of the text beside them. */
import { html, svg } from '../vendor/lit.js';

const PATHS = {
  create: 'M12 5v14M5 12h14',
  gallery: 'M4 5h7v9H4zM13 5h7v5h-7zM13 12h7v7h-7zM4 16h7v3H4z',
  batch: 'M4 5h16v14H4zM4 10h16M4 14.500h16M10 10v9',
  costs: 'M5 20V11M12 20V4M19 20v-6',
  keys: 'M14.5 9.500a4.5 4.5 0 1 0-2.600 4.100L13 14.700h2.500v2.300H18v2.500h3v-3.300l-7-6.700zM8 9.500h.01',
  upstreams: 'M12 20v-6M12 14l-6-5M12 14l6-5M4 4h4v5H4zM16 4h4v5h-4z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  send: 'M5 12h13M13 6l6 6-6 6',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2 20 20',
  filter: 'M4 6h16M7 12h10M10 18h4',
  star: 'm12 4 2.5 5.100 5.600.8-4 4 .9 5.600-5-2.700-5 2.700.9-5.600-4-4 5.600-.8z',
  check: 'm5 12.5 4.5 4.500L19 7.5',
  close: 'M6 6l12 12M18 6 6 18',
  download: 'M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  image: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9h.01',
  edit: 'M5 19h3.500L19 8.5 15.5 5 5 15.5z',
  remix: 'M4 12a8 8 0 0 1 13.700-5.600L20 8.500M20 4v4.500h-4.500M20 12a8 8 0 0 1-13.700 5.600L4 15.500M4 20v-4.500h4.5',
  compare: 'M12 3v18M4 6h5v12H4zM15 6h5v12h-5z',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h.01',
  left: 'm14.5 5-7 7 7 7',
  right: 'm9.5 5 7 7-7 7',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v1.500M12 19.500V21M3 12h1.500M19.5 12H21M5.600 5.600l1 1M17.400 17.400l1 1M5.600 18.400l1-1M17.400 6.600l1-1',
  moon: 'M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z',
  auto: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 7h6M12 12h9M12 17h6',
  keyboard: 'M3 7h18v10H3zM7 10.500h.01M12 10.500h.01M17 10.500h.01M8 14h8',
  leave: 'M14 5H6v14h8M11 12h9M16.5 8.5 20 12l-3.5 3.5',
  select: 'M4 4h16v16H4zM8.5 12l2.5 2.5 4.5-5',
  out: 'M5 9l7-5 7 5M5 15l7 5 7-5',
  warn: 'M12 4 3 19.500h18zM12 10v4M12 17h.01',
  look: 'M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6zM12 14.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  plus: 'M12 6v12M6 12h12',
  minus: 'M6 12h12',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
};

/**
 * @param {keyof typeof PATHS} name
 * @param {boolean} [full] filled, where that is how it is on
 */
export const icon = (name, full = false) => html`<svg
  class=${full ? 'i full' : 'i'} viewBox="0 0 24 24" aria-hidden="true" focusable="false"
>${svg`<path d=${PATHS[name]}></path>`}</svg>`;

/** The mark of the house. */
export const mark = () => html`<svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
  <path d="M7 6.5c-.3-1.600 2.600-2 3-.5 1.800 7.2 6.5 11.700 14.300 14 1.5.5 1.300 3.2-.2 3.400C13.700 25 7.600 17.600 7 6.5z" fill="currentColor"></path>
</svg>`;
