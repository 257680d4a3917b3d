/** Files that are pasted, dropped or chosen, as pictures that can go along with a wish. */
import { t } from '../i18n/index.js';
import { complain } from './toasts.js';
import { addReferences } from './wish.js';

const MOST_BYTES = 50 * 1000 * 1000;

/** The files among what a paste or a drop brings. @param {DataTransfer | null} brought */
export const filesOf = (brought) => [...(brought?.files ?? [])];

/** Reads pictures into the tray, and says which files are none. @param {File[]} files */
export async function takePictures(files) {
  const read = await Promise.all(files.map((file) => readPicture(file)));
  addReferences(read.filter((one) => one !== null));
}

/** @param {File} file @returns {Promise<import('./wish.js').Reference | null>} */
async function readPicture(file) {
  if (!file.type.startsWith('image/') || file.size > MOST_BYTES) {
    complain(t(file.size > MOST_BYTES ? 'tray.too-large' : 'tray.no-picture', { name: file.name }));
    return null;
  }
  const image = await dataUrl(file);
  return { key: `${file.name}:${file.size}:${file.lastModified}`, image, preview: URL.createObjectURL(file), name: file.name };
}

/** @param {Blob} file @returns {Promise<string>} */
function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
