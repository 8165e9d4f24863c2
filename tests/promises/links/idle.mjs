// idle.mjs PORT N [WANT]: the same as idle.py with npm ws.
import { fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';

const require = createRequire(import.meta.url);
const { WebSocket } = require(require.resolve('ws', { paths: process.env.NODE_PATH.split(':') }));
const [port, n, want] = process.argv.slice(2).map(Number);
const seen = new Set();
const dir = mkdtempSync(`${tmpdir()}/marks-`);
const log = openSync(`${dir}/marks`, 'a');
let first, marks = [];
rmSync(dir, { recursive: true });

function durable() {
	writeSync(log, marks.join('\n') + '\n');
	fdatasyncSync(log);
	marks.forEach((id) => seen.add(id));
	marks = [];
	if (seen.size === want)
		console.log(JSON.stringify({ messages: seen.size, seconds: (performance.now() - first) / 1000 }));
}

function read(text) {
	first ??= performance.now();
	const m = JSON.parse(text);
	if (seen.has(m.id))
		return;
	if (!marks.length)
		setImmediate(durable);
	marks.push(m.id);
}

function open() {
	return new Promise((done, failed) => {
		const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
		ws.on('message', read);
		ws.on('error', failed);
		ws.on('open', () => { setInterval(() => ws.ping(), 20000); done(); });
	});
}

for (let at = 0; at < n; at += 50)
	await Promise.all(Array.from({ length: Math.min(50, n - at) }, open));
console.log('up');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
