import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be cut and mended: while it is cut, what was open hangs, and what is opened gets no answer. */
export interface CuttingProxy {
  /** Where to connect to, as `host:port`. */
  address: string;
  cut(): void;
  /** Connections that hung are closed; new ones work. */
  mend(): void;
  close(): Promise<void>;
}

/** Starts one on a free port of 127.0.0.1, before the server at `address` (`host:port`). */
export async function startCuttingProxy(address: string): Promise<CuttingProxy> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  const sockets = new Set<Socket>();
  let isCut = false;
  const kept = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((near) => {
    kept(near);
    if (isCut) return;
    const far = kept(connect(Number(port), host));
    near.pipe(far).on('close', () => near.destroy());
    far.pipe(near).on('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.unpipe();
    },
    mend: () => {
      isCut = false;
      endAll();
    },
    close: async () => {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
