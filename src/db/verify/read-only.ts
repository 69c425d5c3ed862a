import type { Database, Sql } from '../database';

/** The same database for someone who only looks: Postgres itself refuses whatever writes (SQLSTATE 25006). */
export function readOnly(db: Database): Database {
  const guarded =
    <T>(work: (sql: Sql) => Promise<T>) =>
    async (sql: Sql): Promise<T> => {
      await sql.execute('SET TRANSACTION READ ONLY');
      return work(sql);
    };
  return {
    ...db,
    inTenant: (tenantId, work) => db.inTenant(tenantId, guarded(work)),
    preparedInTenant: (tenantId, work) => db.preparedInTenant(tenantId, guarded(work)),
    writeInTenant: (tenantId, work) => db.inTenant(tenantId, guarded(work)),
    prismaInTenant: (tenantId, work) =>
      db.prismaInTenant(tenantId, async (tx) => {
        await tx.$executeRaw`SET TRANSACTION READ ONLY`;
        return work(tx);
      }),
  };
}
