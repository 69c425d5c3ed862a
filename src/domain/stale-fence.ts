/** A write came from a run that has been overtaken by a newer wish, or for a source that is no more: nothing was written. */
export class StaleFence extends Error {
  override readonly name = 'StaleFence';

  constructor() {
    super('the source has a newer generation, or is no more');
  }
}
