import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { freePort } from '../../testing/free-port.ts';
import { canPin, cores, installed, ready, startPinned } from './pinned.ts';

/** A running proxy before the origin. */
export interface Running {
  readonly port: number;
  /** Of the facade. */
  readonly adminPort?: number | undefined;
  readonly process: ChildProcess;
}

/** Something that can be measured, in a process of its own on the proxy's core. */
export interface Contender {
  readonly name: string;
  readonly start: () => Promise<Running>;
}

/**
 * What docs/performance.md advises for a process that has one core to itself: V8 otherwise marks garbage with four threads
 * at once, which take that core from the one that answers. All contenders on Node get it.
 */
const ON_ONE_CORE = ['--single-threaded-gc'];

const peers = path.join(import.meta.dirname, 'peers');

export function facadeWith(name: string, routesFile: string): Contender {
  return node(name, 'facade.ts', { ROUTES_FILE: routesFile, LOG_LEVEL: 'info' });
}

/** The peers that can run here. */
export function peersBefore(originPort: number, folder: string): Contender[] {
  const env = { ORIGIN_PORT: String(originPort) };
  return [
    node('fastify-http-proxy', 'fastify-http-proxy.ts', env),
    node('hpm-express', 'hpm-express.ts', env),
    ...(installed('nginx') ? [nginx(originPort, path.join(folder, 'nginx'))] : []),
    ...(installed('haproxy') ? [haproxy(originPort, path.join(folder, 'haproxy'))] : []),
  ];
}

function node(name: string, file: string, env: Record<string, string>): Contender {
  return {
    name,
    async start() {
      const args = [...(canPin ? ON_ONE_CORE : []), path.join(peers, file)];
      const child = startPinned(cores.proxy, process.execPath, args, env);
      const { port, adminPort } = await ready(child);
      return { port, adminPort, process: child };
    },
  };
}

function nginx(originPort: number, folder: string): Contender {
  return {
    name: 'nginx',
    async start() {
      const port = await freePort();
      await mkdir(folder, { recursive: true });
      await writeFile(
        path.join(folder, 'nginx.conf'),
        `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 128; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}`,
      );
      return native('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')], port);
    },
  };
}

function haproxy(originPort: number, folder: string): Contender {
  return {
    name: 'haproxy',
    async start() {
      const port = await freePort();
      await mkdir(folder, { recursive: true });
      await writeFile(
        path.join(folder, 'haproxy.cfg'),
        `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend bench
  bind 127.0.0.1:${port}
  option forwardfor
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort}
`,
      );
      return native('haproxy', ['-f', path.join(folder, 'haproxy.cfg')], port);
    },
  };
}

async function native(command: string, args: readonly string[], port: number): Promise<Running> {
  const [file, ...rest] = canPin
    ? ['taskset', '-c', String(cores.proxy), command, ...args]
    : [command, ...args];
  const child = spawn(file as string, rest, { stdio: 'ignore' });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await accepts(port)) return { port, process: child };
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${command} did not start`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
