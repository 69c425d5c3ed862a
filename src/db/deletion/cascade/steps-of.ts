import type { CascadeSteps, StepOptions } from './cascade-steps';
import type { Cascade } from './cascades';
import { recordSteps } from './record-steps';
import { tenantSteps } from './tenant-steps';
import { userSteps } from './user-steps';

/** The steps of a deletion, for one share of its work. */
export function stepsOf(cascade: Cascade, options: StepOptions): CascadeSteps {
  switch (cascade.kind) {
    case 'record':
      return recordSteps(cascade, options);
    case 'user':
      return userSteps(cascade, options);
    case 'tenant':
      return tenantSteps(cascade);
  }
}
