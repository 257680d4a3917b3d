/** A request as others would write it: on the command line, in Python, with curl. */

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** @typedef {{prompt: string, model: string, upstream: string, aspect_ratio?: string | null, image_size?: string | null, n?: number, parent?: string | null}} Story */

/** @param {Story} story */
export function asCommand(story) {
  const words = story.parent ? ['pisang edit', story.parent.slice(0, 12)] : ['pisang generate'];
  words.push(quoted(story.prompt), '--model', quoted(story.model));
  if (story.upstream) words.push('--via', quoted(story.upstream));
  if (story.aspect_ratio) words.push('--aspect-ratio', story.aspect_ratio);
  if (story.image_size) words.push('--image-size', story.image_size);
  if ((story.n ?? 1) > 1) words.push('-n', String(story.n));
  return words.join(' ');
}

/** A Python literal of a text: JSON's, which is one. @param {unknown} value */
const literal = (value) => JSON.stringify(value);

/** @param {Story} story */
export function asPython(story) {
  const verb = story.parent ? `edit(${literal(story.parent)}, ` : 'generate(';
  const named = { model: story.model, aspect_ratio: story.aspect_ratio, image_size: story.image_size };
  const more = Object.entries(named).filter(([, value]) => value).map(([name, value]) => `    ${name}=${literal(value)},`);
  if ((story.n ?? 1) > 1) more.push(`    n=${story.n},`);
  return [
    'import pisang', '',
    `with pisang.Client(${literal(story.upstream)}) as client:`,
    `    result = client.${verb}`,
    `        ${literal(story.prompt)},`,
    ...more.map((line) => `    ${line}`),
    '    )',
    '    for number, image in enumerate(result.images):',
    '        image.save(f"image-{number}.png")',
  ].join('\n');
}

/** @param {Story} story */
export function asCurl(story) {
  const wish = {
    prompt: story.prompt, model: story.model, via: story.upstream || undefined, aspect_ratio: story.aspect_ratio || undefined,
    image_size: story.image_size || undefined, n: (story.n ?? 1) > 1 ? story.n : undefined, image: story.parent || undefined,
  };
  return [
    `curl ${location.origin}/pisang/v1/generations \\`,
    '  -H "Authorization: Bearer $PISANG_KEY" \\',
    `  -d ${quoted(JSON.stringify(wish))}`,
  ].join('\n');
}
