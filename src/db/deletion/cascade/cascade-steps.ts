import type { Database, Sql } from '../../database';
import type { RowCounts } from '../steps';
import type { Carried } from './carriers';

/** How a record, a user or a tenant is deleted, when the mailboxes that go with it are gone. Each step may run twice. */
export interface CascadeSteps {
  /** How much there is to do, in what `done` counts. */
  count(sql: Sql): Promise<number>;
  /** Deletes the next rows in a short transaction; how many, 0 where nothing is left but the thing itself. */
  next(db: Database): Promise<number>;
  /** Counts what is left, the thing itself aside; without a lock. */
  look(sql: Sql): Promise<Record<string, number>>;
  /** Deletes the thing itself, under the tenant's lock; rows by table. */
  last(sql: Sql): Promise<RowCounts>;
  /** Counts what is left, in the same transaction. */
  verify(sql: Sql): Promise<Carried>;
}

/** What a share of work needs. */
export interface StepOptions {
  /** Rows that one transaction deletes. */
  chunkRows: number;
}
