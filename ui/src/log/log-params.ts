import type { JobView } from '../../../src/contract/rest/views.ts'

/** Which attempt's log: its place in the API. */
export interface LogParams {
  readonly job: JobView['id']
  readonly attempt: number
}
