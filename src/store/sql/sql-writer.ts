import type { StateChange } from '../../contract/live/live-event.ts'
import type { StoreWriter } from '../store.ts'
import { accountWriter } from './access/forge-accounts.ts'
import { forwarderWriter } from './access/forwarders.ts'
import { idTokenWriter } from './access/id-tokens.ts'
import { joinTokenWriter } from './access/join-tokens.ts'
import { sealingWriter } from './access/sealing.ts'
import { secretWriter } from './access/secrets.ts'
import { sessionWriter, signInLinkWriter } from './access/sessions.ts'
import { tokenWriter } from './access/tokens.ts'
import { userWriter } from './access/users.ts'
import { appendAudit, type NewAuditEntry } from './audit/audit-append.ts'
import { auditWriter } from './audit/audit-log.ts'
import { ChangedSubjects } from './audit/changed-subjects.ts'
import { dispatcherWriter } from './dispatchers.ts'
import { headWriter } from './heads.ts'
import { eventWriter } from './pipelines/commit-events.ts'
import { deliveryWriter } from './pipelines/deliveries.ts'
import { groupWriter } from './pipelines/groups.ts'
import { jobWriter } from './pipelines/jobs.ts'
import { logWriter } from './pipelines/logs.ts'
import { lookupWriter } from './pipelines/lookups.ts'
import { pipelineWriter } from './pipelines/pipeline-port.ts'
import { SqlRetention } from './removal/retention.ts'
import { repositoryWriter } from './repositories.ts'
import { runnerWriter } from './runners.ts'
import { appendChanges, changeWriter } from './state-changes.ts'
import { forgeLinkWriter, statusWriter } from './statuses.ts'
import type { Db } from './tables.ts'

/** The writer of one transaction. */
export interface SqlWriter {
  readonly write: StoreWriter
  /** Writes the audit entries and the state changes; must be called once, before the commit. */
  readonly finish: () => Promise<StateChange[]>
}

/** Collects what has changed, for `finish` to number it. */
export function sqlWriter(db: Db): SqlWriter {
  const changed = new ChangedSubjects()
  const entries: NewAuditEntry[] = []
  const write: StoreWriter = {
    repositories: repositoryWriter(db),
    heads: headWriter(db),
    events: eventWriter(db, changed),
    deliveries: deliveryWriter(db),
    lookups: lookupWriter(db),
    pipelines: pipelineWriter(db, changed),
    jobs: jobWriter(db, changed),
    groups: groupWriter(db),
    logs: logWriter(db, changed),
    dispatchers: dispatcherWriter(db),
    runners: runnerWriter(db, changed),
    users: userWriter(db),
    tokens: tokenWriter(db),
    sessions: sessionWriter(db),
    signInLinks: signInLinkWriter(db),
    forwarders: forwarderWriter(db),
    joinTokens: joinTokenWriter(db),
    forgeLinks: forgeLinkWriter(db),
    statuses: statusWriter(db),
    secrets: secretWriter(db),
    idTokens: idTokenWriter(db),
    sealing: sealingWriter(db),
    accounts: accountWriter(db),
    changes: changeWriter(db),
    audit: auditWriter(db, entries),
    retention: new SqlRetention(db, (id) => changed.add('pipeline', id)),
  }
  return {
    write,
    finish: async () => {
      await appendAudit(db, entries)
      return appendChanges(db, await changed.views(db))
    },
  }
}
