import type { JobView } from '../../../src/contract/rest/views.ts'

/** The attempt of a log, as path parameters of the API. */
export interface LogParams {
  readonly job: JobView['id']
  readonly attempt: number
}
