import type { IncomingMessage } from 'node:http';
import type { Shadow } from '../compare/shadow.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import type { WebSocketForwarder } from '../forward/websocket.ts';
import type { Identifier } from '../identify/identify.ts';
import type { Received } from '../receive/received.ts';
import type { Record as Records } from '../record/record.ts';
import type { Spans } from '../record/spans.ts';
import type { RouteTable } from '../routes/model.ts';
import type { Gate } from './gate.ts';

/** The steps a request goes through, and what they need. */
export interface Steps {
  /** The table in force now. A request asks once and keeps what it got. */
  readonly table: () => RouteTable;
  readonly received: (request: IncomingMessage) => Received;
  /** In the order in which a request meets them; WebSocket handshakes do too. */
  readonly gates: readonly Gate[];
  readonly identifier: Identifier;
  readonly forwarder: Forwarder;
  readonly webSockets: WebSocketForwarder;
  readonly shadow: Shadow;
  readonly record: Records;
  /** Undefined: nobody is told of spans. */
  readonly spans?: Spans | undefined;
}
