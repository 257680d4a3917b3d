/**
 * The one door to the gateway: JSON in and out of this server's own API, with the cookie of the
 * session, and errors as the sentences it says them in.
 */
import { language } from './i18n/index.js';

export const API = '/pisang/v1';

/** Tells `signed-out` when the server knows us no longer. */
export const door = new EventTarget();

/**
 * @typedef {object} Problem
 * @property {string} code
 * @property {string} message
 * @property {'no' | 'yes' | 'unknown'} charged
 * @property {string | null} at_stake
 * @property {string} retry
 * @property {string | null} hint
 */

/** What the server refused, in its own words. */
export class ApiError extends Error {
  /** @param {number} status @param {Partial<Problem>} problem */
  constructor(status, problem) {
    super(problem.message || `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.code = problem.code ?? 'unreachable';
  }
}

/**
 * @param {string} method
 * @param {string} path below the API, or a whole path
 * @param {{body?: unknown, text?: string, query?: Record<string, any>, headers?: Record<string, string>, signal?: AbortSignal}} [more]
 * @returns {Promise<Response>} an answer of 2xx
 */
export async function send(method, path, { body, text, query, headers, signal } = {}) {
  const answer = await fetch(address(path, query), {
    method,
    signal,
    credentials: 'same-origin',
    headers: {
      'accept-language': language(),
      ...(method === 'GET' ? {} : { 'x-pisang-studio': '1' }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: text ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  if (answer.ok) return answer;
  const problem = await answer.json().then((told) => told.error ?? {}, () => ({}));
  if (answer.status === 401) door.dispatchEvent(new Event('signed-out'));
  throw new ApiError(answer.status, problem);
}

/** @param {string} path @param {Record<string, any>} [query] */
export function address(path, query = {}) {
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const words = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
  const whole = path.startsWith(API) ? path : API + path;
  return words ? `${whole}?${words}` : whole;
}

/** @type {(method: string, path: string, more?: object) => Promise<any>} */
export const call = async (method, path, more) => (await send(method, path, more)).json();

/** @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => call('GET', path, { query, signal });

/** @param {string} path @param {unknown} [body] @param {object} [more] */
export const post = (path, body, more) => call('POST', path, { body, ...more });
