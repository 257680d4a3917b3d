/** Where small pictures are: made once by the server, and the same for ever. */
import { API } from '../api.js';

/** @param {string} sha256 */
export const previewUrl = (sha256) => `${API}/previews/${sha256}`;
