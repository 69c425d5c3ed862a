import type { FolderAudit } from '../db/ingest/audit-write';
import type { ActivityContext } from './context';

/** How far an audit is. */
export interface AuditCounts {
  doing: 'folders' | 'links';
  /** Folders that are compared, of all in scope. */
  compared: number;
  folders: number;
  missing: number;
  extra: number;
  /** Folders of which it cannot be proven. */
  notProvable: number;
  linked: number;
}

/** The differences of these folders, in sum. */
export function differencesOf(audits: FolderAudit[]): Pick<AuditCounts, 'missing' | 'extra' | 'notProvable'> {
  const sumOf = (countOf: (audit: FolderAudit) => number) => audits.reduce((sum, audit) => sum + countOf(audit), 0);
  return {
    missing: sumOf(({ missing, undelivered }) => missing.length + undelivered.length),
    extra: sumOf(({ extra, ended }) => extra.length + ended.length),
    notProvable: sumOf(({ verdict }) => (verdict === 'not-provable' ? 1 : 0)),
  };
}

/** How often it is looked whether there is something new to show: most audits are over before the first time, and cost nothing. */
const everyMs = 10_000;

/** Shows how far an audit is at its workflow, now and then; three events each. */
export interface ShownAudit {
  counts: AuditCounts;
  /** To be called when the audit has ended, whatever it came to. */
  end(): void;
}

/** Begins to show an audit; nobody waits until it is shown. `every` is for tests. */
export function showAudit(context: Pick<ActivityContext, 'engine'>, mailboxId: string, every = everyMs): ShownAudit {
  const counts: AuditCounts = { doing: 'folders', compared: 0, folders: 0, ...differencesOf([]), linked: 0 };
  let shown = '';
  const show = () => {
    const text = JSON.stringify(counts);
    if (text === shown) return;
    shown = text;
    // What could not be shown is shown with the next change.
    context.engine.showAudit(mailboxId, { ...counts }).catch(() => undefined);
  };
  const timer = setInterval(show, every);
  return {
    counts,
    end: () => {
      clearInterval(timer);
    },
  };
}
