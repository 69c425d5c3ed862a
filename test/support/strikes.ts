import type { Product } from './product';

/** What hits the whole product in the middle of something, and brings up again what it has ended. */
export type Strike = [what: string, strike: (product: Product) => Promise<void>];

export const workerKilled: Strike = [
  'the worker is killed',
  async (product) => {
    await product.kill('worker');
    product.spawnChild('worker');
  },
];

export const postgresKilled: Strike = [
  'Postgres is killed',
  async (product) => {
    await product.kill('postgres');
    await product.startPostgres();
  },
];

export const temporalKilled: Strike = [
  'the Temporal server is killed',
  async (product) => {
    await product.kill('temporal');
    await product.startTemporal();
  },
];

/** Comes when the others are over: what is begun anew after it would hide what went wrong with them. */
export const temporalForgotten: Strike = [
  'the database of Temporal is thrown away',
  async (product) => {
    await product.kill('temporal');
    product.forgetTemporal();
    await product.startTemporal();
    await product.kill('worker');
    product.spawnChild('worker');
  },
];
