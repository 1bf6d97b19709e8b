import { suite, test } from 'node:test'
import { auditContract } from './contract/audit.contract.ts'
import { changesContract } from './contract/changes.contract.ts'
import { concurrencyContract } from './contract/concurrency.contract.ts'
import { dispatchersContract } from './contract/dispatchers.contract.ts'
import { eventsContract } from './contract/events.contract.ts'
import type { OpenDatabase } from './contract/fixtures.ts'
import { groupsContract } from './contract/groups.contract.ts'
import { idTokensContract } from './contract/id-tokens.contract.ts'
import { jobsContract } from './contract/jobs.contract.ts'
import { joinTokensContract } from './contract/join-tokens.contract.ts'
import { logsContract } from './contract/logs.contract.ts'
import { lookupsContract } from './contract/lookups.contract.ts'
import { movesContract } from './contract/moves.contract.ts'
import { pipelinesContract } from './contract/pipelines.contract.ts'
import { randomMovesContract } from './contract/random-moves.contract.ts'
import { repositoriesContract } from './contract/repositories.contract.ts'
import { repositoryChangesContract } from './contract/repository-changes.contract.ts'
import { requestedEventsContract } from './contract/requested-events.contract.ts'
import { retentionContract } from './contract/retention.contract.ts'
import { runnersContract } from './contract/runners.contract.ts'
import { sealingContract } from './contract/sealing.contract.ts'
import { secretsContract } from './contract/secrets.contract.ts'
import { sessionsContract } from './contract/sessions.contract.ts'
import { statusesContract } from './contract/statuses.contract.ts'
import { takeOverContract } from './contract/take-over.contract.ts'
import { usersContract } from './contract/users.contract.ts'

/** The port's contract, for any database. */
export function storeContract(
  name: string,
  open: OpenDatabase,
  options: { readonly skip?: string | false } = {},
): void {
  if (options.skip) {
    // A skipped suite would not be counted.
    test(`the store over ${name}`, { skip: options.skip }, () => {})
    return
  }
  void suite(`the store over ${name}`, () => {
    repositoriesContract(open)
    repositoryChangesContract(open)
    eventsContract(open)
    movesContract(open)
    lookupsContract(open)
    randomMovesContract(open)
    requestedEventsContract(open)
    pipelinesContract(open)
    jobsContract(open)
    groupsContract(open)
    logsContract(open)
    changesContract(open)
    concurrencyContract(open)
    dispatchersContract(open)
    takeOverContract(open)
    runnersContract(open)
    joinTokensContract(open)
    statusesContract(open)
    sealingContract(open)
    secretsContract(open)
    idTokensContract(open)
    usersContract(open)
    sessionsContract(open)
    auditContract(open)
    retentionContract(open)
  })
}
