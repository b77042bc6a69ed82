import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Database } from '../db/database.ts';
import type { Log } from '../middleware/access-log.ts';
import { remainingStock, stockOnSale } from '../models/events.ts';

const FEED_PATH = '/live/stock';
const MAX_LISTENERS = 1_000;
/** A listener that leaves this much unread is cut off. */
const MAX_UNREAD_BYTES = 1_000_000;
const PING_MS = 30_000;
const GOODBYE_MS = 2_000;

/** The shop window's live numbers: a snapshot on connecting, then each change made in this process. */
export interface StockFeed {
  /** Answers the upgrade requests of `server`. */
  attach(server: Server): void;
  /** Tells the listeners an event's stock; to be called after the change is committed. */
  stockChanged(eventId: number): void;
  /** Says goodbye (1001) to every listener and takes no more. */
  close(): void;
}

export function createStockFeed(db: Database, log: Log): StockFeed {
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: 1_024 });
  const connected = new Set<WebSocket>();
  const listeners = new Set<WebSocket>(); // connected, and sent their snapshot
  const answered = new WeakSet<WebSocket>(); // since the last ping
  let closed = false;

  // Snapshots and changes are read and sent one after another. A change committed before a snapshot's read is
  // in the snapshot, one committed later is read after the listener has joined, and the last number sent for
  // an event is never older than the one before.
  let lastTask: Promise<void> = Promise.resolve();
  function enqueue(task: () => Promise<void>): void {
    lastTask = lastTask.then(task).catch((error) => log.error(`stock feed: ${error}`));
  }

  function welcome(socket: WebSocket): void {
    connected.add(socket);
    answered.add(socket);
    socket.on('pong', () => answered.add(socket));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      connected.delete(socket);
      listeners.delete(socket);
    });
    enqueue(async () => {
      if (!connected.has(socket)) return;
      send(socket, { type: 'snapshot', stock: await stockOnSale(db) });
      if (connected.has(socket)) listeners.add(socket);
    });
  }

  function send(socket: WebSocket, message: object): void {
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate();
    else socket.send(JSON.stringify(message), () => undefined);
  }

  const pings = setInterval(() => {
    for (const socket of connected) {
      if (!answered.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, PING_MS);
  pings.unref();

  return {
    attach(server) {
      server.on('upgrade', (request, stream, head) => {
        if (request.url?.split('?')[0] !== FEED_PATH) return refuse(stream, '404 Not Found');
        if (closed || connected.size >= MAX_LISTENERS) return refuse(stream, '503 Service Unavailable');
        sockets.handleUpgrade(request, stream, head, welcome);
      });
    },
    stockChanged(eventId) {
      enqueue(async () => {
        if (listeners.size === 0) return;
        const stock = await remainingStock(db, eventId);
        if (stock === undefined) return;
        for (const socket of listeners) send(socket, { type: 'stock', event_id: eventId, stock });
      });
    },
    close() {
      closed = true;
      clearInterval(pings);
      for (const socket of connected) socket.close(1001, 'the server is going away');
      setTimeout(() => {
        for (const socket of connected) socket.terminate();
      }, GOODBYE_MS).unref();
    },
  };
}

function refuse(stream: Duplex, status: string): void {
  stream.on('error', () => undefined);
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
