// A WebSocket server on npm's ws for real.py: the same paths and lines as server_py.py.
// Usage: server_ws.js MODULE_DIR [PORT]
'use strict'
const { WebSocketServer } = require(process.argv[2])

const ACK = JSON.stringify({ op: 'hello_ack', ok: true, session_id: 's' })
const NO = JSON.stringify({ op: 'hello_ack', ok: false, error: 'unauthorized' })
const seen = {}
const say = what => console.log(JSON.stringify(what))

const hello = {
  '/1008': ws => ws.close(1008, 'Too many connections from your IP (10/10)'),
  '/4003': ws => { ws.send(NO); ws.close(4003, 'unauthorized') },
  '/jam': ws => ws.close(1000),
  '/mute': () => {},
  '/1011': ws => { ws.send(ACK); if (seen['/1011'] === 1) ws.close(1011, 'keepalive ping timeout') },
  '/hello': ws => { ws.send(ACK); ws.on('pong', () => say({ saw: 'pong', path: '/hello' })); ws.ping('from ws') }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[3] || 0) })
server.on('listening', () => console.log('port', server.address().port))
server.on('connection', (ws, req) => {
  const path = req.url
  let first = path !== '/none'
  seen[path] = (seen[path] || 0) + 1
  say({ saw: 'connection', path, n: seen[path] })
  ws.on('error', () => {})
  ws.on('message', data => {
    if (!first) return say({ saw: 'frame', frame: String(data) })
    first = false
    say({ saw: 'hello', path, frame: String(data) })
    const act = hello[path] || (w => w.send(ACK))
    act(ws)
  })
})
