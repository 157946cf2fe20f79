// Load without wrk: N keep-alive connections that ask for one URL again and again. Prints requests per second.
// node load.mjs URL CONNECTIONS SECONDS
import net from 'node:net';

const [target, connections, seconds] = process.argv.slice(2);
const url = new URL(target);
const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;
let done = 0;
let stop = false;

function connect() {
  const socket = net.connect(Number(url.port), url.hostname, () => socket.write(request));
  let remaining = -1;
  let head = '';
  socket.on('data', (chunk) => {
    let body = chunk;
    if (remaining < 0) {
      head += chunk.latin1Slice();
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      remaining = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      body = head.slice(end + 4);
      head = '';
    }
    remaining -= body.length;
    if (remaining > 0) return;
    remaining = -1;
    done += 1;
    if (stop) socket.destroy();
    else socket.write(request);
  });
  socket.on('error', () => socket.destroy());
}

for (let i = 0; i < Number(connections); i += 1) connect();
setTimeout(() => {
  stop = true;
  console.log(done / Number(seconds));
  process.exit(0);
}, Number(seconds) * 1000);
