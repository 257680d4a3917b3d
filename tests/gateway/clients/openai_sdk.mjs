// openai for Node as its users call it.
import { createRequire } from 'node:module';
import { drive, picture } from './driver.mjs';

const OpenAI = createRequire(`${process.env.CLIENT_FOLDER}/`)('openai');
const { toFile } = OpenAI;

function client(job, one) {
  const options = one.timeout_s ? { timeout: one.timeout_s * 1000 } : {};
  return new OpenAI({ apiKey: job.key, baseURL: `${job.url}/v1`, ...options });
}

const shown = (data) => ({ pictures: data.map((one) => picture(one.b64_json)) });

function inChat(said) {
  const found = [...JSON.stringify(said).matchAll(/data:(image\/\w+);base64,([A-Za-z0-9+/=]+)/g)];
  return { pictures: found.map(([, mime, data]) => picture(data, mime)) };
}

const say = (content) => ({ role: 'user', content });

await drive({
  generate: async (job, one) => {
    const wish = { model: one.model, prompt: one.prompt, size: one.size ?? '1024x1024' };
    return shown((await client(job, one).images.generate(wish)).data ?? []);
  },
  edit: async (job, one) => {
    const data = Buffer.from(one.picture, 'base64');
    const image = await toFile(data, 'reference.png', { type: 'image/png' });
    const wish = { model: one.model, prompt: one.prompt, image };
    return shown((await client(job, one).images.edit(wish)).data ?? []);
  },
  stream: async (job, one) => {
    const wish = { model: one.model, prompt: one.prompt, stream: true };
    const done = [];
    for await (const event of await client(job, one).images.generate(wish)) {
      if (event.type === 'image_generation.completed') done.push(event);
    }
    return shown(done);
  },
  chat: async (job, one) => {
    const wish = { model: one.model, messages: [say(one.prompt)] };
    return inChat(await client(job, one).chat.completions.create(wish));
  },
  turns: async (job, one) => {
    const opened = client(job, one).chat.completions;
    const messages = [say('a red kite over a lake')];
    const first = await opened.create({ model: one.model, messages });
    messages.push(first.choices[0].message, say(one.prompt));
    return inChat(await opened.create({ model: one.model, messages }));
  },
  models: async (job, one) => {
    const ids = [];
    for await (const model of client(job, one).models.list()) ids.push(model.id);
    return { models: ids };
  },
  model: async (job, one) => {
    return { models: [(await client(job, one).models.retrieve(one.model)).id] };
  },
});
