import type { WebSocketForwarder } from '../forward/websocket.ts';
import type { ReceivingServer } from '../receive/server.ts';
import type { SecureReceiving } from '../receive/tls/secure-receiving.ts';

/**
 * Lets what is under way come to its end, and takes nothing new: requests get their answers, WebSockets are asked
 * to close (1001, going away). After `deadline` milliseconds whatever is left is cut.
 */
export async function drain(
  { server, closeIdle, announceClose }: ReceivingServer,
  webSockets: WebSocketForwarder,
  deadline: number,
  secure?: SecureReceiving,
): Promise<void> {
  const closed = Promise.all([new Promise((resolve) => server.close(resolve)), secure?.close()]);
  webSockets.drain();
  announceClose();
  // node:http keeps a connection whose request was under way when the server was closed, once it is answered.
  closeIdle();
  const idle = setInterval(closeIdle, 50);
  const cut = setTimeout(() => {
    webSockets.close();
    server.closeAllConnections();
    secure?.cut();
  }, deadline);
  await closed;
  webSockets.close();
  clearInterval(idle);
  clearTimeout(cut);
}
