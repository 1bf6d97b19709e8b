import type { Doer } from '../../src/core/audit/audit.ts'

/** Who does what a test does without asking by the API. */
export const TESTER: Doer = {
  actor: { kind: 'person', id: 'user_tester', name: '' },
  address: 'local',
  cause: 'a test',
}
