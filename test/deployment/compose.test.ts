import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import Ajv from 'ajv';
import { parse } from 'yaml';

import { roles, rolesOf } from '../../src/config/roles';
import { taskQueues } from '../../src/workflows/contract';
import { settingsRead } from '../support/settings-read';

interface Service {
  image?: string;
  command?: string[];
  restart?: string;
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  healthcheck?: object;
  depends_on?: Record<string, { condition: string }>;
}

const root = join(__dirname, '..', '..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const compose = parse(text, { merge: true }) as { services: Record<string, Service> };
const services = Object.entries(compose.services);
const example = readFileSync(join(root, 'docker', 'letterbook.env.example'), 'utf8');

/** Who is waited for, and in which state. */
const dependencies = services.flatMap(([name, service]) =>
  Object.entries(service.depends_on ?? {}).map(([on, { condition }]) => ({ name, on, condition })),
);

function variablesIn(source: string): { name: string; rest: string }[] {
  return [...source.matchAll(/\$\{([A-Z0-9_]+)([^}]*)\}/g)].map(([, name = '', rest = '']) => ({ name, rest }));
}

function runsOnce(name: string): boolean {
  return dependencies.some(({ on, condition }) => on === name && condition === 'service_completed_successfully');
}

/** What the compose specification's own schema (Apache License 2.0, kept beside this file) says against a file. */
function formErrors(file: unknown): unknown[] {
  const schema = JSON.parse(readFileSync(join(__dirname, 'compose-spec.schema.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  delete schema['$schema']; // draft-07 by an address that ajv does not know
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  validate(file);
  return validate.errors ?? [];
}

test('the file has the form that the compose specification asks for', () => {
  expect(formErrors(compose)).toEqual([]);
  expect(formErrors({ services: { api: { image: 1, helthcheck: {} } } })).not.toEqual([]);
});

test('every service is there that production needs', () => {
  expect(Object.keys(compose.services)).toEqual(
    expect.arrayContaining([
      'postgres',
      'temporal-schema',
      'temporal',
      'temporal-namespace',
      'temporal-ui',
      'migrate',
      'api',
      'worker-sync',
      'worker-bulk',
      'worker-idle',
    ]),
  );
});

test.each(services)('the image of %s is pinned to one version', (_name, service) => {
  expect(service.image).toMatch(/^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$/);
});

test('server and tools of Temporal have one version', () => {
  const versions = services.flatMap(
    ([, { image }]) => /^temporalio\/(?:server|admin-tools):(.+)$/.exec(image ?? '')?.[1] ?? [],
  );
  expect(versions).toHaveLength(3);
  expect(new Set(versions).size).toBe(1);
});

test.each(services.filter(([name]) => !runsOnce(name)))('%s stays up, and its health is checked', (_name, service) => {
  expect(service.healthcheck).toBeDefined();
  expect(service.restart).toBe('unless-stopped');
});

test.each(services.filter(([name]) => runsOnce(name)))(
  '%s runs once, and is tried again some times',
  (_name, service) => {
    expect(service.healthcheck).toBeUndefined();
    expect(service.restart).toMatch(/^on-failure:\d+$/);
  },
);

test('nobody waits for the health of what has no health check', () => {
  const waitedFor = dependencies.filter(({ condition }) => condition === 'service_healthy').map(({ on }) => on);
  for (const name of waitedFor) expect(compose.services[name]?.healthcheck).toBeDefined();
  for (const { on } of dependencies) expect(Object.keys(compose.services)).toContain(on);
});

test.each(['api', 'worker-sync', 'worker-bulk', 'worker-idle'])(
  '%s is given every setting that src/config reads',
  (name) => {
    const given = Object.keys(compose.services[name]?.environment ?? {});
    expect(given).toEqual(expect.arrayContaining(settingsRead().settings));
  },
);

test('API and workers write what is erased into one file, on a volume that they share and the image makes', () => {
  const image = readFileSync(join(root, 'Dockerfile'), 'utf8');
  for (const name of ['api', ...roles.map((role) => `worker-${role}`)]) {
    const { environment = {}, volumes = [] } = compose.services[name] ?? {};
    const directory = dirname(String(environment['LETTERBOOK_ERASURES_FILE']));
    expect(volumes).toContain(`erasures:${directory}`);
    expect(image).toMatch(new RegExp(`install -d -o node -g node -m 0700 .*${directory}$`, 'm'));
  }
});

test.each(roles)('a worker has the role %s alone, and is healthy while it polls that queue', (role) => {
  const { command = [], healthcheck } = compose.services[`worker-${role}`] ?? {};
  expect(rolesOf(command)).toEqual([role]);
  expect(healthcheck).toMatchObject({ test: ['CMD', 'node', 'docker/health.mjs', taskQueues[role]] });
});

test('migrate is given both users of the database, and they differ', () => {
  const { DATABASE_URL, DATABASE_OWNER_URL } = compose.services['migrate']?.environment ?? {};
  expect(DATABASE_URL).toContain('//letterbook:');
  expect(DATABASE_OWNER_URL).toContain('//letterbook_owner:');
});

test('only migrate has the password of the owner of the tables, and postgres, which makes the owner', () => {
  const holders = services.filter(([, service]) => JSON.stringify(service).includes('LETTERBOOK_OWNER_PASSWORD'));
  expect(holders.map(([name]) => name).sort()).toEqual(['migrate', 'postgres']);
});

test('a password or key has no default, and its absence is explained', () => {
  const secrets = variablesIn(text).filter(({ name }) => /PASSWORD|SECRET|KEYS/.test(name));
  expect(secrets.length).toBeGreaterThan(5);
  for (const secret of secrets) expect(secret.rest).toMatch(/^:\?.{10,}/);
});

test('Temporal and the product have databases and users of their own', () => {
  const temporal = compose.services['temporal']?.environment ?? {};
  expect(temporal).toMatchObject({ DBNAME: 'temporal', POSTGRES_USER: 'temporal', NUM_HISTORY_SHARDS: '512' });
  expect(compose.services['api']?.environment?.['DATABASE_URL']).toMatch(/\/letterbook\?/);
});

test('only the API and the UI are published, on loopback', () => {
  const published = services.filter(([, service]) => service.ports !== undefined);
  expect(published.map(([name]) => name).sort()).toEqual(['api', 'temporal-ui']);
  for (const port of published.flatMap(([, service]) => service.ports ?? [])) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test('databases and Temporal have no way out', () => {
  for (const name of ['postgres', 'temporal', 'temporal-schema', 'temporal-namespace', 'migrate']) {
    expect(compose.services[name]?.networks).toEqual(['inside']);
  }
});

test('files that are mounted exist, and the scripts among them are valid shell', () => {
  const mounted = services.flatMap(([, service]) => service.volumes ?? []).filter((volume) => volume.startsWith('./'));
  expect(mounted.length).toBeGreaterThan(3);
  for (const volume of mounted) {
    const file = join(root, volume.split(':')[0] ?? '');
    expect(existsSync(file)).toBe(true);
    if (file.endsWith('.sh')) execFileSync('sh', ['-n', file]);
  }
});

test('the example of an env file names each variable, and none that is not used', () => {
  const used = new Set(variablesIn(text).map(({ name }) => name));
  const named = new Set([...example.matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name));
  expect([...named].sort()).toEqual([...used].sort());
});
