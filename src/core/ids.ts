/** Ids carry their kind: distinct types to the compiler, and readable in logs and URLs. */
export type RepositoryId = `repo_${string}`
export type EventId = `event_${string}`
export type PipelineId = `pipeline_${string}`
export type JobId = `job_${string}`
export type RunnerId = `runner_${string}`
export type TokenId = `token_${string}`
export type UserId = `user_${string}`
/** One incarnation of a dispatcher: new with each start, and whenever its seat was lost. */
export type DispatcherId = `dispatcher_${string}`

/** One attempt at a job. Attempts are numbered from 1; numbers are never reused. */
export interface AttemptRef {
  readonly jobId: JobId
  readonly attempt: number
}
