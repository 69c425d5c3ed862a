import type { Handler, ScriptedServer } from './scripted-imap-server';

/** Makes a server let in one connection of an account at a time. Those that are open now have been left. */
export function allowOneConnection(server: ScriptedServer): void {
  let inside: number | null = null;
  const login: Handler = (context) => {
    if (inside !== null && inside !== context.connection) {
      context.no('[UNAVAILABLE] Maximum number of connections exceeded');
      return;
    }
    inside = context.connection;
    context.usual();
  };
  const logout: Handler = (context) => {
    if (inside === context.connection) inside = null;
    context.usual();
  };
  Object.assign(server.on, { LOGIN: login, LOGOUT: logout });
}
