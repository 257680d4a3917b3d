// How a client's script is told what to do and tells what came: see driver.py.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const KINDS = [['89504e47', 'image/png'], ['ffd8ff', 'image/jpeg'], ['52494646', 'image/webp']];

export function picture(base64, declared) {
  const data = Buffer.from(base64, 'base64');
  const head = data.subarray(0, 4).toString('hex');
  const kind = KINDS.find(([magic]) => head.startsWith(magic))?.[1] ?? 'unknown';
  return { mime: declared ?? kind, kind, sha256: createHash('sha256').update(data).digest('hex') };
}

// What a native answer, or the chunks of one, hold.
export function told(...answers) {
  const candidates = answers.map((one) => one.candidates?.[0] ?? {});
  const parts = candidates.flatMap((one) => one.content?.parts ?? []);
  const images = parts.filter((part) => part.inlineData && !part.thought);
  return {
    pictures: images.map((part) => picture(part.inlineData.data, part.inlineData.mimeType)),
    signed: images.some((part) => part.thoughtSignature),
    text: parts.map((part) => part.text ?? '').join(''),
    finish: candidates.map((one) => one.finishReason).filter(Boolean).at(-1) ?? null,
  };
}

export async function drive(actions) {
  const job = JSON.parse(readFileSync(0, 'utf8'));
  for (const one of job.cases) {
    let said;
    try {
      said = await actions[one.do]({ ...job, url: one.url ?? job.url }, one);
    } catch (error) {
      const kind = error.constructor?.name ?? 'Error';
      said = { error: { class: kind, status: error.status ?? null, said: String(error.message) } };
    }
    console.log(JSON.stringify({ name: one.name, ...said }));
  }
}
