// Node's own fetch, without any package.
import { drive, told } from './driver.mjs';

async function send(job, one, path, body) {
  const headers = { Authorization: `Bearer ${job.key}`, 'Content-Type': 'application/json' };
  const options = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
  if (one.timeout_s) options.signal = AbortSignal.timeout(one.timeout_s * 1000);
  const response = await fetch(job.url + path, options);
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error(text), { status: response.status });
  return text;
}

const user = (...parts) => ({ role: 'user', parts });

function bodyOf(one, contents) {
  const imageConfig = {};
  if (one.aspect_ratio) imageConfig.aspectRatio = one.aspect_ratio;
  if (one.image_size) imageConfig.imageSize = one.image_size;
  const generationConfig = { responseModalities: ['TEXT', 'IMAGE'], imageConfig };
  return { contents, generationConfig };
}

async function ask(job, one, ...contents) {
  const path = `/v1beta/models/${one.model}:generateContent`;
  return JSON.parse(await send(job, one, path, bodyOf(one, contents)));
}

async function turns(job, one, drop) {
  const opening = user({ text: 'a red kite over a lake' });
  const turn = (await ask(job, one, opening)).candidates[0].content;
  if (drop) for (const part of turn.parts) delete part.thoughtSignature;
  return told(await ask(job, one, opening, turn, user({ text: one.prompt })));
}

await drive({
  generate: async (job, one) => told(await ask(job, one, user({ text: one.prompt }))),
  edit: async (job, one) => {
    const image = { inlineData: { mimeType: 'image/png', data: one.picture } };
    return told(await ask(job, one, user(image, { text: one.prompt })));
  },
  stream: async (job, one) => {
    const path = `/v1beta/models/${one.model}:streamGenerateContent?alt=sse`;
    const said = await send(job, one, path, bodyOf(one, [user({ text: one.prompt })]));
    const lines = said.split(/\r?\n/).filter((line) => line.startsWith('data: '));
    const events = lines.map((line) => JSON.parse(line.slice(6)));
    const wrong = events.find((event) => event.error)?.error;
    if (wrong) throw Object.assign(new Error(wrong.message), { status: wrong.code });
    return told(...events);
  },
  turns: (job, one) => turns(job, one, false),
  lost: (job, one) => turns(job, one, true),
  count: async (job, one) => {
    const path = `/v1beta/models/${one.model}:countTokens`;
    const body = { contents: [user({ text: one.prompt })] };
    return { tokens: JSON.parse(await send(job, one, path, body)).totalTokens };
  },
  models: async (job, one) => {
    const listed = JSON.parse(await send(job, one, '/v1beta/models')).models;
    return { models: listed.map((model) => model.name) };
  },
  model: async (job, one) => {
    return { models: [JSON.parse(await send(job, one, `/v1beta/models/${one.model}`)).name] };
  },
});
