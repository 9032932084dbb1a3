// Connections on which nothing has ever been sent. Clients open some in advance, and a fetch that is aborted early
// leaves one behind; Node counts them as active, so that closing its idle connections leaves them open.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** To be called before the server listens. The result ends those that are silent at that time. */
export function watchSilentConnections(server: Server): () => void {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    // A connection can be handed to the server a second time.
    if (open.has(socket)) return;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
}
