import type { SecretView } from '../../contract/rest/rest-secrets.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { secretTime } from '../../core/secret/secret-rules.ts'
import { present } from '../../lib/present.ts'
import type { SecretRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'

/** Removed runners are shown by their ids. */
export function viewSecret(
  { repositoryId, sealed: _sealed, runners, ...shown }: SecretRecord,
  names: ReadonlyMap<string, string>,
): SecretView {
  const scope = repositoryId === undefined ? 'all' : 'repository'
  const named = runners?.map((runner) => names.get(runner) ?? runner)
  const time = secretTime(shown.expiresAt, Date.now())
  const warning = time.status === 'good' ? {} : { warning: time.words }
  return { ...shown, ...warning, scope, ...present({ runners: named }) }
}

/** The names of runners by id, if any of these secrets is restricted to some. */
export async function runnerNames(
  store: Reads<'runners'>,
  secrets: readonly SecretRecord[],
): Promise<ReadonlyMap<string, string>> {
  if (!secrets.some(({ runners }) => runners)) return new Map()
  return namesOf(await store.runners.list())
}

export function namesOf(runners: readonly Runner[]): ReadonlyMap<string, string> {
  return new Map(runners.map(({ id, name }) => [id, name]))
}
