// A batch by @google/genai as its users make one: created, awaited, listed, its pictures read.
import { createRequire } from 'node:module';

const { GoogleGenAI } = createRequire(`${process.env.CLIENT_FOLDER}/`)('@google/genai');

let said = '';
for await (const chunk of process.stdin) said += chunk;
const { url, key, model, prompts } = JSON.parse(said);

const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
const src = prompts.map((text, at) => ({
  contents: [{ role: 'user', parts: [{ text }] }],
  metadata: { key: `row ${at}` },
  config: { responseModalities: ['IMAGE'] },
}));
const given = await client.batches.create({ model, src, config: { displayName: 'from Node' } });
let job = given;
while (!['JOB_STATE_SUCCEEDED', 'JOB_STATE_CANCELLED'].includes(job.state)) {
  await new Promise((wake) => setTimeout(wake, 100));
  job = await client.batches.get({ name: given.name });
}
const listed = [];
for await (const one of await client.batches.list()) listed.push(one.name);
const pictures = job.dest.inlinedResponses.map((one) => {
  const part = one.response?.candidates[0].content.parts.find((each) => each.inlineData);
  return part ? part.inlineData.mimeType : one.error.details[0];
});
console.log(JSON.stringify({ state: job.state, name: job.displayName, pictures, listed: listed.includes(given.name) }));
