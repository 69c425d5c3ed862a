/** Who may import whom. docs/ARCHITECTURE.md says the same in words. */

const layer = (name) => `^src/${name}/`;

/** The files that put the parts together; they may import everything, and no part imports them. */
const entryPoints = '^src/(server|worker|verify|bootstrap|context|server-context|logger)\\.ts$';

const shapelessNames = [
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'manager',
  'service',
  'data',
  'info',
  'misc',
].flatMap((name) => [`/${name}/`, `[/-]${name}\\.(ts|mjs|cjs)$`]);

const only = (from, allowed, comment) => ({
  name: `${from}-imports-only-${allowed.join('-and-') || 'itself'}`,
  comment,
  severity: 'error',
  from: { path: layer(from) },
  to: { path: '^(src|test|scripts)/', pathNot: [from, ...allowed].map(layer) },
});

const onlyThere = (name, there, packages, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: there },
  to: { path: packages.map((packageName) => `node_modules/${packageName}/`) },
});

module.exports = {
  forbidden: [
    only('domain', [], 'Decisions are pure, so they are tested without servers.'),
    only('mail', ['domain'], 'Adapters do not know each other.'),
    only('crm', ['domain'], 'Adapters do not know each other.'),
    only('db', ['domain'], 'Adapters do not know each other.'),
    only('config', [], 'Configuration is a leaf.'),
    only('activities', ['domain', 'mail', 'crm', 'db'], 'Activities join adapters; they never see HTTP.'),
    only('workflows', ['domain', 'activities'], 'Workflows run in a sandbox.'),
    only('api', ['domain', 'db', 'config', 'workflows'], 'The API reads the database and signals workflows.'),
    only(
      'engine',
      ['domain', 'activities', 'db', 'workflows', 'api'],
      'All that speaks to Temporal as a client; it fulfils what activities and the API ask for, and is handed to them.',
    ),
    {
      name: 'engine-sees-only-what-the-api-asks-for',
      comment: 'The interface, not the routes.',
      severity: 'error',
      from: { path: layer('engine') },
      to: { path: layer('api'), pathNot: '^src/api/temporal-gateway' },
    },
    {
      name: 'engine-sees-activities-and-rows-as-types',
      comment: 'It is handed to activities as an argument, and does no work of theirs.',
      severity: 'error',
      from: { path: layer('engine') },
      to: { path: [layer('activities'), layer('db')], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-has-no-other-folders',
      comment: 'A new folder in src is a new part: say here what it may import.',
      severity: 'error',
      from: {},
      to: {
        path: '^src/',
        pathNot: [
          entryPoints,
          ...['domain', 'mail', 'crm', 'db', 'config', 'activities', 'workflows', 'engine', 'api'].map(layer),
        ],
      },
    },
    {
      name: 'workflows-see-activities-as-types',
      comment: 'A value import would put the adapters into the workflow bundle.',
      severity: 'error',
      from: { path: layer('workflows') },
      to: { path: layer('activities'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-contract-of-workflows-is-seen',
      comment: 'Names, ids and inputs are all that is needed to start and signal a workflow.',
      severity: 'error',
      from: { path: [layer('api'), layer('engine')] },
      to: { path: layer('workflows'), pathNot: '^src/workflows/contract' },
    },
    {
      name: 'parts-do-not-import-entry-points',
      comment: 'Dependencies arrive as arguments; context.ts hands them out.',
      severity: 'error',
      from: { path: '^src/[^/]+/' },
      to: { path: entryPoints, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'domain-uses-no-packages',
      comment: 'No I/O, clock or random in decisions, and nothing that the workflow sandbox would refuse.',
      severity: 'error',
      from: { path: layer('domain') },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'workflows-use-no-node',
      comment: 'The sandbox has no Node.',
      severity: 'error',
      from: { path: layer('workflows') },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
    },
    onlyThere(
      'only-db-touches-postgres',
      layer('db'),
      ['@prisma', 'pg', 'pg-copy-streams', 'dbmate'],
      'One place knows tables; everybody else gets domain types.',
    ),
    onlyThere(
      'only-mail-touches-mail-libraries',
      layer('mail'),
      ['imapflow', 'mailparser', '@zone-eu/mailsplit', 'libmime', 'nodemailer', 'iconv-lite', 'sanitize-html'],
      'One place knows how mail looks on the wire, and turns what it throws into MailFailure.',
    ),
    {
      name: 'only-db-touches-the-generated-client',
      comment: 'A database row never leaves db.',
      severity: 'error',
      from: { path: '^(src|test)/', pathNot: layer('db') },
      to: { path: '^src/db/generated/' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      comment: 'What runs must not need what tests it.',
      from: { path: '^src/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'names-say-the-thing',
      comment: 'A file called utils, helpers, common ... says nothing of what is in it.',
      severity: 'error',
      from: { pathNot: 'node_modules' },
      to: { path: shapelessNames, pathNot: 'node_modules' },
    },
    {
      name: 'names-are-kebab-case',
      comment: 'One way to write a name, so that it can be guessed.',
      severity: 'error',
      from: { pathNot: 'node_modules' },
      to: { path: '^(src|test|scripts)/.*[A-Z_ ]', pathNot: '^src/db/generated/' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one idea, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'what-is-imported-exists',
      comment: 'A package that is not in package.json is there by accident.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-packages',
      comment:
        'A package that is not in package.json is there by accident; a dev dependency is not there in production.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    // Makes `import type` visible as such.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^src/db/generated/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
    reporterOptions: {
      archi: {
        collapsePattern: '^src/[^/]+',
        theme: { graph: { splines: 'ortho', rankdir: 'TB' } },
      },
    },
  },
};
