/** Ids carry what they name, so that they are distinct to the compiler and readable in logs and URLs. */
export type RepositoryId = `repo_${string}`
export type EventId = `event_${string}`
export type PipelineId = `pipeline_${string}`
export type JobId = `job_${string}`
export type RunnerId = `runner_${string}`
export type TokenId = `token_${string}`
export type UserId = `user_${string}`
/** One life of a dispatcher: a new one with each start, and whenever its seat was lost. */
export type DispatcherId = `dispatcher_${string}`

/** One try of a job. Attempts are numbered from 1 and a number is never used again. */
export interface AttemptRef {
  readonly jobId: JobId
  readonly attempt: number
}
