import type { Doer } from '../../src/core/audit/audit.ts'

/** The author of a test's changes that bypass the API. */
export const TESTER: Doer = {
  actor: { kind: 'person', id: 'user_tester', name: '' },
  address: 'local',
  cause: 'a test',
}
