// peer.mjs URL KEY IDS FLIGHT: deletes the files named in IDS, FLIGHT at once, with the official SDK.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const OpenAI = require(require.resolve('openai', { paths: process.env.NODE_PATH.split(':') })).default;
const [url, key, path, flight] = process.argv.slice(2);
const ids = readFileSync(path, 'utf8').split('\n').filter(Boolean);
const client = new OpenAI({ apiKey: key, baseURL: url, maxRetries: 2 });
let next = 0, items = 0;

async function work() {
	while (next < ids.length) {
		const id = ids[next++];
		const answer = client.files.delete ? await client.files.delete(id) : await client.files.del(id);
		items += answer.deleted ? 1 : 0;
	}
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(flight) }, work));
console.log(JSON.stringify({ items, seconds: (performance.now() - began) / 1000 }));
