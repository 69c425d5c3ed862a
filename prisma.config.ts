import { defineConfig } from 'prisma/config';

// `prisma generate` fetches the engine of `prisma migrate` although it never runs it, and fails where it cannot. Any executable will do.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;

// No address of a database: Prisma only makes the client here; scripts/migrate.mjs applies the migrations.
export default defineConfig({ schema: 'prisma/schema.prisma' });
