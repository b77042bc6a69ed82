import { connect } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * Sends one request from one of the loopback's addresses, and takes the status and the whole answer. All of
 * 127.0.0.0/8 is this host's, so that clients at several addresses can be had without a network.
 */
export async function askFrom(
  localAddress: string,
  port: number,
  bytes: string,
  host = '127.0.0.1',
): Promise<{ status: number; text: string; header(name: string): string | undefined }> {
  const socket = connect({ port, host, localAddress });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
  });
  socket.write(bytes.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await new Promise((resolve, reject) => {
    socket.once('close', resolve);
    socket.once('error', reject);
  });
  return {
    status: Number(text.slice(9, 12)),
    text,
    header: (name) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(text)?.[1],
  };
}
