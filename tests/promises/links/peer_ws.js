// npm's ws as a server that ends connections as its path says. Prints its port. Ends with its stdin.
// Usage: node peer_ws.js MODULE
'use strict';
const http = require('http');
const { WebSocketServer } = require(process.argv[2]);
const wss = new WebSocketServer({ noServer: true, autoPong: false });
const server = http.createServer();

server.on('upgrade', (request, socket, head) => {
	const what = request.url.split('/').slice(1);
	socket.on('error', () => {});
	if (what[0] === 'status') {
		socket.end(`HTTP/1.1 ${what[1]} Status\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n`);
		return;
	}
	if (what[0] === 'silent')
		return;
	if (what[0] === 'drop') {
		socket.destroy();
		return;
	}
	wss.handleUpgrade(request, socket, head, (ws) => {
		ws.on('error', () => {});
		if (what[0] !== 'nopong')
			ws.on('ping', (data) => ws.pong(data));
		if (what[0] === 'close')
			ws.close(Number(what[1]), 'because');
		else if (what[0] === 'cut')
			ws.terminate();
		else if (what[0] === 'slow')
			socket.pause();
		else if (what[0] === 'large')
			ws.send('x'.repeat(9 << 20));
		else if (what[0] === 'flood')
			for (let n = 0; n < 50000; n++)
				ws.send(`{"n": ${n}}`);
		else if (what[0] === 'fragments') {
			ws.send('{"n": "', { fin: false });
			for (let n = 0; n < 5000; n++)
				ws.send('x', { fin: false });
			ws.send('"}', { fin: true });
		} else if (what[0] === 'pings')
			for (let n = 0; n < 5000; n++)
				ws.ping(String(n));
	});
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
