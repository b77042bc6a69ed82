import type { IncomingMessage } from 'node:http';
import type { CachingForwarder } from '../cache/caching-forwarder.ts';
import type { Shadow } from '../compare/shadow.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import type { WebSocketForwarder } from '../forward/websocket.ts';
import type { Identifier } from '../identify/identify.ts';
import type { AddressRanges } from '../limit/address-ranges.ts';
import type { Received } from '../receive/received.ts';
import type { Record as Records } from '../record/record.ts';
import type { Spans } from '../record/spans.ts';
import type { RouteTable } from '../routes/model.ts';
import type { RequestValidator } from '../validate/request-validator.ts';
import type { Gate } from './gate.ts';

/** The steps a request goes through, and what they need. */
export interface Steps {
  /** The table in force now. A request asks once and keeps what it got. */
  readonly table: () => RouteTable;
  /** @param trusted proxies whose word on the client counts. */
  readonly received: (request: IncomingMessage, trusted: AddressRanges | undefined) => Received;
  /** In the order in which a request meets them; WebSocket handshakes do too. */
  readonly gates: readonly Gate[];
  /** Asked after the gates, for routes with a `validate`. */
  readonly validator: RequestValidator;
  readonly identifier: Identifier;
  readonly forwarder: Forwarder;
  /** Takes the place of the forwarder for routes with a `cache`. */
  readonly cache: CachingForwarder;
  readonly webSockets: WebSocketForwarder;
  readonly shadow: Shadow;
  readonly record: Records;
  /** Undefined: nobody is told of spans. */
  readonly spans?: Spans | undefined;
}
