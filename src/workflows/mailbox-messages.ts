import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

import { queries, signals, updates, type PokeReason, type SyncNowAnswer, type Wish } from './contract';
import type { Story } from './mailbox-story';

/** Look now. Many pokes make one round. */
export const pokeSignal = defineSignal<[PokeReason]>(signals.poke);
/** The wish in Postgres has changed. */
export const wishSignal = defineSignal<[Wish]>(signals.wish);
/** Looks now, and answers when a round that began after the question has ended. */
export const syncNowUpdate = defineUpdate<SyncNowAnswer>(updates.syncNow);
/** For people who look at the workflow. */
export const statusQuery = defineQuery<Story>(queries.status);
