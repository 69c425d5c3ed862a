import { limitVariable, readConfig } from '../../src/config/config';
import { defaultLimits, type Limits } from '../../src/config/limits';

/** The names of the environment variables that `readConfig` looks at, found by watching it: settings, and one for each limit. */
export function settingsRead(): { settings: string[]; limits: string[] } {
  const looked = new Set<string>();
  const given: NodeJS.ProcessEnv = {
    DATABASE_URL: 'postgres://user@127.0.0.1/any',
    LETTERBOOK_SECRET_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  };
  const watched = new Proxy(given, {
    get: (target, name) => {
      if (typeof name === 'string') looked.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
  readConfig(watched);
  const limits = new Set((Object.keys(defaultLimits) as (keyof Limits)[]).map(limitVariable));
  return {
    settings: [...looked].filter((name) => !limits.has(name)).sort(),
    limits: [...looked].filter((name) => limits.has(name)).sort(),
  };
}
