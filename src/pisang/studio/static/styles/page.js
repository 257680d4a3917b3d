/** How the pages with tables and forms are laid out. */
import { css } from '../vendor/lit.js';

export const page = css`
  :host { height: 100%; overflow: auto; }
  .page { max-width: 68rem; margin: 0 auto; padding: var(--space-6) var(--space-5) var(--space-7); display: grid; gap: var(--space-5); grid-template-columns: minmax(0, 1fr); }
  .page > header { display: flex; flex-wrap: wrap; align-items: center; gap: var(--space-3); }
  .page > header h1 { margin-right: auto; }
  .card { padding: var(--space-4) var(--space-5); }
  .wide { overflow-x: auto; margin: 0 calc(-1 * var(--space-5)); padding: 0 var(--space-5); }
  table { width: 100%; border-collapse: collapse; font-size: var(--text-s); }
  th { padding: var(--space-2) var(--space-3) var(--space-2) 0; text-align: left; color: var(--ink-soft); font-weight: 550; white-space: nowrap; }
  td { padding: var(--space-3) var(--space-3) var(--space-3) 0; border-top: 1px solid var(--line); vertical-align: middle; }
  th.number, td.number { text-align: right; white-space: nowrap; }
  td.acts { text-align: right; white-space: nowrap; padding-right: 0; }
  tr.gone td { color: var(--ink-faint); }
  .form { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: var(--space-3) var(--space-4); align-items: end; }
  .form .whole { grid-column: 1 / -1; }
  dialog form { display: grid; gap: var(--space-4); padding: var(--space-5); }
  dialog .ends { display: flex; justify-content: flex-end; gap: var(--space-2); }
  .secret { display: flex; gap: var(--space-2); align-items: center; }
  .secret code { flex: 1; padding: var(--space-2) var(--space-3); border-radius: var(--radius-m); background: var(--sunken); overflow-wrap: anywhere; }
  .chart { width: 100%; height: 12rem; display: block; }
  .most { border-bottom: 1px dashed var(--line); font-size: var(--text-xs); color: var(--ink-soft); text-align: right; }
  .labels { display: flex; justify-content: space-between; margin-top: var(--space-2); font-size: var(--text-xs); color: var(--ink-soft); }
  .chart rect { fill: var(--accent); stroke: light-dark(#c79a00, transparent); stroke-width: 1; }
  .chart line { stroke: var(--line-strong); vector-effect: non-scaling-stroke; }
  .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: var(--space-3); }
  .tile dd { font-size: var(--text-xl); font-weight: 650; letter-spacing: -0.01em; }
  .share { display: block; height: 6px; min-width: 2px; border-radius: var(--radius-full); background: var(--accent); }
  @media (max-width: 56rem) { .page { padding: var(--space-4) var(--space-4) var(--space-6); } }
`;
