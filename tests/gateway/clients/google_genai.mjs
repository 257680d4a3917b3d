// @google/genai as its users call it.
import { createRequire } from 'node:module';
import { drive, told } from './driver.mjs';

const { GoogleGenAI } = createRequire(`${process.env.CLIENT_FOLDER}/`)('@google/genai');

function client(job, one) {
  const httpOptions = { baseUrl: job.url };
  if (one.timeout_s) httpOptions.timeout = one.timeout_s * 1000;
  if (one.retries) httpOptions.retryOptions = { attempts: one.retries + 1 };
  return new GoogleGenAI({ apiKey: job.key, httpOptions });
}

function config(one) {
  const imageConfig = {};
  if (one.aspect_ratio) imageConfig.aspectRatio = one.aspect_ratio;
  if (one.image_size) imageConfig.imageSize = one.image_size;
  return { responseModalities: ['TEXT', 'IMAGE'], imageConfig };
}

function ask(job, one, contents) {
  const wish = { model: one.model, contents, config: config(one) };
  return client(job, one).models.generateContent(wish);
}

const OPENING = { role: 'user', parts: [{ text: 'a red kite over a lake' }] };

await drive({
  generate: async (job, one) => told(await ask(job, one, one.prompt)),
  edit: async (job, one) => {
    const image = { inlineData: { mimeType: 'image/png', data: one.picture } };
    return told(await ask(job, one, [image, { text: one.prompt }]));
  },
  stream: async (job, one) => {
    const wish = { model: one.model, contents: one.prompt, config: config(one) };
    const chunks = [];
    for await (const chunk of await client(job, one).models.generateContentStream(wish)) {
      chunks.push(chunk);
    }
    return told(...chunks);
  },
  turns: async (job, one) => {
    const chat = client(job, one).chats.create({ model: one.model, config: config(one) });
    await chat.sendMessage({ message: OPENING.parts[0].text });
    return told(await chat.sendMessage({ message: one.prompt }));
  },
  lost: async (job, one) => {
    const turn = (await ask(job, one, [OPENING])).candidates[0].content;
    for (const part of turn.parts) delete part.thoughtSignature;
    const again = { role: 'user', parts: [{ text: one.prompt }] };
    return told(await ask(job, one, [OPENING, turn, again]));
  },
  count: async (job, one) => {
    const wish = { model: one.model, contents: one.prompt };
    return { tokens: (await client(job, one).models.countTokens(wish)).totalTokens };
  },
  models: async (job, one) => {
    const names = [];
    for await (const model of await client(job, one).models.list()) names.push(model.name);
    return { models: names };
  },
  model: async (job, one) => {
    return { models: [(await client(job, one).models.get({ model: one.model })).name] };
  },
  files: async (job, one) => {
    const { files } = client(job, one);
    const data = new Blob([Buffer.from(one.picture, 'base64')], { type: 'image/png' });
    const kept = await files.upload({ file: data, config: { mimeType: 'image/png' } });
    const seen = await files.get({ name: kept.name });
    const image = { fileData: { fileUri: seen.uri, mimeType: seen.mimeType } };
    const answer = told(await ask(job, one, [image, { text: one.prompt }]));
    await files.delete({ name: kept.name });
    const gone = await files.get({ name: kept.name }).catch((error) => error.status);
    return { ...answer, uri: seen.uri, file: seen.name, state: seen.state, gone };
  },
});
