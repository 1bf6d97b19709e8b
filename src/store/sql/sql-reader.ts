import type { StoreReader } from '../store.ts'
import { accountReader } from './access/forge-accounts.ts'
import { forwarderReader } from './access/forwarders.ts'
import { idTokenReader } from './access/id-tokens.ts'
import { joinTokenReader } from './access/join-tokens.ts'
import { sealingReader } from './access/sealing.ts'
import { secretReader } from './access/secrets.ts'
import { sessionReader } from './access/sessions.ts'
import { tokenReader } from './access/tokens.ts'
import { userReader } from './access/users.ts'
import { auditReader } from './audit/audit-log.ts'
import { dispatcherReader } from './dispatchers.ts'
import { headReader } from './heads.ts'
import { eventReader } from './pipelines/commit-events.ts'
import { deliveryReader } from './pipelines/deliveries.ts'
import { groupReader } from './pipelines/groups.ts'
import { jobReader } from './pipelines/jobs.ts'
import { logReader } from './pipelines/logs.ts'
import { lookupReader } from './pipelines/lookups.ts'
import { pipelineReader } from './pipelines/pipeline-port.ts'
import { SqlRetention } from './removal/retention.ts'
import { repositoryReader } from './repositories.ts'
import { runnerReader } from './runners.ts'
import { changeReader } from './state-changes.ts'
import { forgeLinkReader, statusReader } from './statuses.ts'
import type { Db } from './tables.ts'

/** All readers, over a pool or inside a transaction. */
export function sqlReader(db: Db): StoreReader {
  return {
    repositories: repositoryReader(db),
    heads: headReader(db),
    events: eventReader(db),
    deliveries: deliveryReader(db),
    lookups: lookupReader(db),
    pipelines: pipelineReader(db),
    jobs: jobReader(db),
    groups: groupReader(db),
    logs: logReader(db),
    dispatchers: dispatcherReader(db),
    runners: runnerReader(db),
    users: userReader(db),
    tokens: tokenReader(db),
    sessions: sessionReader(db),
    forwarders: forwarderReader(db),
    joinTokens: joinTokenReader(db),
    forgeLinks: forgeLinkReader(db),
    statuses: statusReader(db),
    secrets: secretReader(db),
    idTokens: idTokenReader(db),
    sealing: sealingReader(db),
    accounts: accountReader(db),
    changes: changeReader(db),
    audit: auditReader(db),
    retention: new SqlRetention(db),
  }
}
