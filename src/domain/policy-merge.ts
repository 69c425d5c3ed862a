import { defaultPolicy, presets, type Policy, type PresetName } from './policy';

/** A policy as a caller gives it: single values, on top of a preset where one is named. */
export interface PolicyChange extends Partial<Omit<Policy, 'folders' | 'activity'>> {
  preset?: PresetName;
  folders?: Partial<Policy['folders']>;
  activity?: null | { type: string; status: string; requireUser?: boolean; requireSubject?: boolean };
}

/**
 * The whole policy after a change. A preset replaces everything but the start point of a policy that is there already;
 * values beside it win; of `folders` only what is given changes.
 */
export function mergePolicy(present: Policy | null, change: PolicyChange): Policy {
  const { preset, folders, activity, ...values } = change;
  const base = baseOf(present, preset);
  return {
    ...base,
    ...values,
    folders: { ...base.folders, ...folders },
    activity: activity === undefined ? base.activity : wholeActivity(activity),
  };
}

function baseOf(present: Policy | null, preset: PresetName | undefined): Policy {
  if (preset === undefined) return present ?? defaultPolicy;
  const named = { ...defaultPolicy, ...copyOf(preset) };
  return present === null ? named : { ...named, start: present.start };
}

/** Presets are constants; lists in a policy are its own. */
function copyOf(preset: PresetName): Partial<Policy> {
  return structuredClone<object>(presets[preset]);
}

function wholeActivity(activity: NonNullable<PolicyChange['activity']> | null): Policy['activity'] {
  return activity === null ? null : { requireUser: false, requireSubject: false, ...activity };
}
