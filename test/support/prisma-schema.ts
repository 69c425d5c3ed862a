/** A table as text, one fact a line, so that a difference reads as a sentence: `source.id uuid not null`. */
export type SchemaFacts = string[];

const postgresTypes: Record<string, string> = {
  'String @db.Uuid': 'uuid',
  String: 'text',
  'DateTime @db.Timestamptz': 'timestamp with time zone',
  Bytes: 'bytea',
  Int: 'integer',
  'Int @db.SmallInt': 'smallint',
  BigInt: 'bigint',
  'Decimal @db.Decimal': 'numeric',
  Json: 'jsonb',
  Boolean: 'boolean',
};

interface Field {
  name: string;
  column: string;
  fact: string;
  attributes: string;
}

/** What schema.prisma says of the tables, columns, primary keys and unique keys, sorted. */
export function factsOfPrismaSchema(text: string): SchemaFacts {
  const models = [...text.matchAll(/^model \w+ \{\n(.*?)^\}/gms)].map((model) => model[1] ?? '');
  return models.flatMap(factsOfModel).sort();
}

function factsOfModel(body: string): SchemaFacts {
  const table = /@@map\("(\w+)"\)/.exec(body)?.[1];
  if (table === undefined) throw new Error('a model of schema.prisma has no @@map');
  const lines = body.split('\n').map((line) => line.trim());
  const fields = lines.flatMap((line) => (/^\w/.test(line) ? [fieldOf(line)] : []));
  const columnsOf = (names: string) =>
    names
      .split(',')
      .map((name) => fields.find((field) => field.name === name.trim())?.column ?? `${name.trim()}?`)
      .join(', ');
  const keys = lines.flatMap((line) => {
    const [, kind, names] = /^@@(id|unique)\(\[([^\]]*)\]/.exec(line) ?? [];
    return kind === undefined || names === undefined ? [] : [keyFact(kind === 'id', columnsOf(names))];
  });
  const keysOfFields = fields.flatMap(({ column, attributes }) => [
    ...(/@id\b/.test(attributes) ? [keyFact(true, column)] : []),
    ...(/@unique\b/.test(attributes) ? [keyFact(false, column)] : []),
  ]);
  return [...fields.map((field) => field.fact), ...keys, ...keysOfFields].map((fact) => `${table}${fact}`);
}

function fieldOf(line: string): Field {
  const [, name = '', type = '', mark = '', attributes = ''] =
    /^(\w+)\s+(Unsupported\("\w+"\)|\w+)(\[\]|\?)?\s*(.*)$/.exec(line) ?? [];
  const column = /@map\("(\w+)"\)/.exec(attributes)?.[1] ?? name;
  const fact = columnFact({
    column,
    type: `${postgresTypeOf(type, attributes)}${mark === '[]' ? '[]' : ''}`,
    notNull: mark !== '?',
    hasDefault: /@default\b/.test(attributes),
  });
  return { name, column, fact, attributes };
}

function postgresTypeOf(type: string, attributes: string): string {
  const native = /@db\.\w+/.exec(attributes)?.[0];
  const known = postgresTypes[native === undefined ? type : `${type} ${native}`];
  return known ?? /^Unsupported\("(\w+)"\)$/.exec(type)?.[1] ?? `unknown type ${type}`;
}

/** How a column reads. */
export function columnFact(column: { column: string; type: string; notNull: boolean; hasDefault: boolean }): string {
  return `.${column.column} ${column.type} ${column.notNull ? 'not null' : 'null'}${column.hasDefault ? ' default' : ''}`;
}

/** How a key reads. */
export function keyFact(primary: boolean, columns: string): string {
  return ` ${primary ? 'primary key' : 'unique'} (${columns})`;
}
