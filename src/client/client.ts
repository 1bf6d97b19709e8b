import type { z } from 'zod'
import {
  accepted,
  attemptList,
  changedJob,
  createdJoinToken,
  dispatcherList,
  type JoinedRunner,
  type JoinRunner,
  joinedRunner,
  joinTokenList,
  type NewJoinToken,
  type NewRepository,
  type NewRunner,
  type NewUser,
  type PipelineQuery,
  type PipelineWithJobs,
  pipelineList,
  pipelineWithJobs,
  type QueueList,
  queueList,
  type RegisteredRepository,
  registeredRepository,
  repositoryList,
  runnerList,
  type SignInLink,
  type StartPipeline,
  shownRepository,
  shownRunner,
  shownSignInLink,
  shownUser,
  startedPipeline,
  type UserView,
  userList,
} from '../contract/rest/rest.ts'
import {
  type ApproveRequest,
  awaitingList,
  type ChangeRepository,
} from '../contract/rest/rest-approvals.ts'
import {
  type ForgeLinkView,
  type NewForgeLink,
  shownForgeLink,
} from '../contract/rest/rest-forge-links.ts'
import {
  type IdTokenDocuments,
  type IdTokenState,
  type IdTokenSubject,
  idTokenDocuments,
  idTokenState,
  idTokenSubject,
} from '../contract/rest/rest-id-tokens.ts'
import { type LogPage, type LogSearch, logPage, logSearch } from '../contract/rest/rest-logs.ts'
import {
  type ChosenRules,
  type RetentionPreview,
  type RetentionState,
  retentionPreview,
  retentionState,
} from '../contract/rest/rest-retention.ts'
import {
  type NewSecretBody,
  type SecretView,
  secretList,
  setSecretAnswer,
} from '../contract/rest/rest-secrets.ts'
import {
  type CreatedToken,
  createdToken,
  type NewToken,
  revoked,
  type TokenView,
  tokenList,
} from '../contract/rest/rest-tokens.ts'
import type {
  AttemptView,
  JobView,
  LogLine,
  PipelineView,
  RepositoryView,
  RunnerView,
} from '../contract/rest/views.ts'
import { logLine, repositoryView } from '../contract/rest/views.ts'
import type { Role } from '../core/access/role.ts'
import type { AttemptRef, JobId, PipelineId } from '../core/ids.ts'
import { forgeLinkPath, logPath, secretsPath } from './api-paths.ts'
import { type Call, callJson, callLines, type ServerAddress } from './http-client.ts'

/** A stretch of a log: from a line on, or the lines before one. */
export type LogRange = { readonly limit: number } & (
  | { readonly from: number }
  | { readonly before: number }
)

/** What is searched for in a log, and which page of the lines that have it is wanted. */
export interface LogSearchQuery {
  readonly text: string
  readonly matchCase?: boolean
  readonly from?: number
  readonly limit?: number
}

const slashless = encodeURIComponent

/**
 * The REST API's client, typed by the contract's schemas. Every method rejects with the server's
 * own code and words, with `unavailable` when no Narwhal answers, and with `cancelled` on abort.
 */
export class ApiClient {
  readonly address: ServerAddress
  readonly #signal: AbortSignal

  constructor(address: ServerAddress, signal: AbortSignal) {
    this.address = address
    this.#signal = signal
  }

  getRepository(repository: string): Promise<RepositoryView> {
    return this.#call(`/repositories/${slashless(repository)}`, repositoryView)
  }

  async listRepositories(): Promise<RepositoryView[]> {
    return (await this.#call('/repositories', repositoryList)).repositories
  }

  addRepository(body: NewRepository): Promise<RegisteredRepository> {
    return this.#call('/repositories', registeredRepository, { method: 'POST', body })
  }

  /** `repository`: its id or its name, here and below. */
  newWebhookSecret(repository: string, formerEndsInMs?: number): Promise<RegisteredRepository> {
    const path = `/repositories/${slashless(repository)}/webhook-secret`
    const query = formerEndsInMs === undefined ? {} : { query: { formerEndsInMs } }
    return this.#call(path, registeredRepository, { method: 'POST', ...query })
  }

  async removeRepository(repository: string): Promise<void> {
    await this.#call(`/repositories/${slashless(repository)}`, accepted, { method: 'DELETE' })
  }

  async getForgeLink(repository: string): Promise<ForgeLinkView> {
    return (await this.#call(forgeLinkPath(repository), shownForgeLink)).link
  }

  async linkForge(repository: string, body: NewForgeLink): Promise<ForgeLinkView> {
    const call = { method: 'PUT', body } as const
    return (await this.#call(forgeLinkPath(repository), shownForgeLink, call)).link
  }

  async unlinkForge(repository: string): Promise<void> {
    await this.#call(forgeLinkPath(repository), accepted, { method: 'DELETE' })
  }

  /** The newest first. */
  async listPipelines(query: PipelineQuery): Promise<PipelineView[]> {
    const given = { ...query, limit: Number(query.limit ?? 50) }
    return (await this.#call('/pipelines', pipelineList, { query: given })).pipelines
  }

  getPipeline(id: PipelineId): Promise<PipelineWithJobs> {
    return this.#call(`/pipelines/${id}`, pipelineWithJobs)
  }

  startPipeline(body: StartPipeline): Promise<PipelineView> {
    return this.#pipeline('/pipelines', body)
  }

  /** Resolves to the pipeline that runs again, which may be a new one. */
  rerunPipeline(id: PipelineId): Promise<PipelineView> {
    return this.#pipeline(`/pipelines/${id}/rerun`)
  }

  cancelPipeline(id: PipelineId, reason?: string): Promise<PipelineView> {
    return this.#pipeline(`/pipelines/${id}/cancel`, reason ? { reason } : undefined)
  }

  async getJob(id: JobId): Promise<JobView> {
    return (await this.#call(`/jobs/${id}`, changedJob)).job
  }

  rerunFailed(id: PipelineId): Promise<PipelineView> {
    return this.#pipeline(`/pipelines/${id}/rerun-failed`)
  }
  async rerunJob(id: JobId): Promise<JobView> {
    return (await this.#call(`/jobs/${id}/rerun`, changedJob, { method: 'POST' })).job
  }

  async cancelJob(id: JobId, reason?: string): Promise<JobView> {
    const body = reason ? { body: { reason } } : {}
    return (await this.#call(`/jobs/${id}/cancel`, changedJob, { method: 'POST', ...body })).job
  }

  async listAttempts(id: JobId): Promise<AttemptView[]> {
    return (await this.#call(`/jobs/${id}/attempts`, attemptList)).attempts
  }

  /** A stretch of an attempt's log, at most 10,000 lines. */
  readLog(ref: AttemptRef, range: LogRange): Promise<LogPage> {
    return this.#call(`${logPath(ref)}/log`, logPage, { query: { ...range } })
  }

  /** The lines of an attempt's log that have a text, and how many there are. */
  searchLog(ref: AttemptRef, query: LogSearchQuery): Promise<LogSearch> {
    return this.#call(`${logPath(ref)}/log/search`, logSearch, { query: { ...query } })
  }

  /** An attempt's log as it is now, line by line; with `timestamps`, each behind its time. */
  readLogText(ref: AttemptRef, timestamps: boolean): AsyncGenerator<string, void, undefined> {
    const query = timestamps ? { timestamps } : {}
    return callLines(this.address, `${logPath(ref)}/log.txt`, { query, signal: this.#signal })
  }

  /** The lines from number `from` on, and those that are still to come, until the attempt ends. */
  async *followLog(ref: AttemptRef, from: number): AsyncGenerator<LogLine, void, undefined> {
    const call = { query: { from }, signal: this.#signal }
    for await (const line of callLines(this.address, `${logPath(ref)}/log/follow`, call)) {
      if (line !== '') yield logLine.parse(JSON.parse(line))
    }
  }

  retention(): Promise<RetentionState> {
    return this.#call('/retention', retentionState)
  }

  previewRetention(): Promise<RetentionPreview> {
    return this.#call('/retention/preview', retentionPreview)
  }

  async keepRepository(repository: string, body: ChosenRules): Promise<void> {
    const path = `/repositories/${slashless(repository)}/retention`
    await this.#call(path, accepted, { method: 'PUT', body })
  }

  /** The first jobs of the queue, a thousand at most, and how many there are. */
  listQueue(): Promise<QueueList> {
    return this.#call('/queue', queueList, { query: { limit: 1000 } })
  }

  async listRunners(): Promise<RunnerView[]> {
    return (await this.#call('/runners', runnerList)).runners
  }

  async addRunner(body: NewRunner): Promise<RunnerView> {
    return (await this.#call('/runners', shownRunner, { method: 'POST', body })).runner
  }

  /** `runner`: its id or its name, here and below. */
  async removeRunner(runner: string): Promise<void> {
    await this.#call(`/runners/${slashless(runner)}`, accepted, { method: 'DELETE' })
  }

  async drainRunner(runner: string): Promise<RunnerView> {
    const path = `/runners/${slashless(runner)}/drain`
    return (await this.#call(path, shownRunner, { method: 'POST' })).runner
  }

  async resumeRunner(runner: string): Promise<RunnerView> {
    const path = `/runners/${slashless(runner)}/resume`
    return (await this.#call(path, shownRunner, { method: 'POST' })).runner
  }

  /** A runner of this name joins; the answer holds its identity. */
  joinRunner(body: JoinRunner): Promise<JoinedRunner> {
    return this.#call('/runners/join', joinedRunner, { method: 'POST', body })
  }

  async listJoinTokens(): Promise<z.output<typeof joinTokenList>['tokens']> {
    return (await this.#call('/runners/tokens', joinTokenList)).tokens
  }

  /** By the token runners may join, with none but its labels. */
  createJoinToken(body: NewJoinToken): Promise<z.output<typeof createdJoinToken>> {
    return this.#call('/runners/tokens', createdJoinToken, { method: 'POST', body })
  }

  async removeJoinToken(id: string): Promise<void> {
    await this.#call(`/runners/tokens/${slashless(id)}`, accepted, { method: 'DELETE' })
  }

  async listDispatchers(): Promise<z.output<typeof dispatcherList>['dispatchers']> {
    return (await this.#call('/dispatchers', dispatcherList)).dispatchers
  }

  async listTokens(): Promise<TokenView[]> {
    return (await this.#call('/tokens', tokenList)).tokens
  }

  createToken(body: NewToken): Promise<CreatedToken> {
    return this.#call('/tokens', createdToken, { method: 'POST', body })
  }

  async removeToken(id: string): Promise<void> {
    await this.#call(`/tokens/${slashless(id)}`, accepted, { method: 'DELETE' })
  }

  /** Takes back a credential by its value; resolves to what it was. */
  revoke(value: string): Promise<z.output<typeof revoked>> {
    return this.#call('/tokens/revoke', revoked, { method: 'POST', body: { value } })
  }

  /** A code by which a browser signs in once, as the one whose token this client shows. */
  createSignInLink(): Promise<SignInLink> {
    return this.#call('/session/links', shownSignInLink, { method: 'POST' })
  }

  async listUsers(): Promise<UserView[]> {
    return (await this.#call('/users', userList)).users
  }

  async addUser(body: NewUser): Promise<UserView> {
    return (await this.#call('/users', shownUser, { method: 'POST', body })).user
  }

  /** `user`: the id or the name, here and below. */
  async setRole(user: string, role: Role): Promise<UserView> {
    const call = { method: 'PATCH', body: { role } } as const
    return (await this.#call(`/users/${slashless(user)}`, shownUser, call)).user
  }

  async removeUser(user: string): Promise<void> {
    await this.#call(`/users/${slashless(user)}`, accepted, { method: 'DELETE' })
  }

  /** `seen`: the commit, and the plan, that were looked at. */
  approvePipeline(id: PipelineId, seen: ApproveRequest): Promise<PipelineView> {
    return this.#pipeline(`/pipelines/${id}/approve`, seen)
  }

  /** What waits for approval, the longest waiting first. */
  async listAwaiting(): Promise<PipelineView[]> {
    return (await this.#call('/approvals', awaitingList, { query: { limit: 500 } })).pipelines
  }

  async changeRepository(repository: string, change: ChangeRepository): Promise<RepositoryView> {
    const path = `/repositories/${slashless(repository)}`
    return (await this.#call(path, shownRepository, { method: 'PATCH', body: change })).repository
  }

  /** The issuer and the keys of id tokens. */
  getIdTokens(): Promise<IdTokenState> {
    return this.#call('/id-tokens', idTokenState)
  }

  /** The documents that the issuer has to show. */
  getIdTokenDocuments(): Promise<IdTokenDocuments> {
    return this.#call('/id-tokens/documents', idTokenDocuments)
  }

  /** Makes the next key; with `now` one that signs at once, in the place of all others. */
  rotateIdTokenKeys(now: boolean): Promise<IdTokenState> {
    return this.#call('/id-tokens/rotate', idTokenState, { method: 'POST', body: { now } })
  }

  /** What id tokens of a repository have as their subject. */
  getSubject(repository: string, of: { ref?: string; job?: string }): Promise<IdTokenSubject> {
    const path = `/repositories/${slashless(repository)}/subject`
    return this.#call(path, idTokenSubject, { query: of })
  }

  /** Those that jobs of the repository may name; without one, those of all. */
  async listSecrets(repository?: string): Promise<SecretView[]> {
    return (await this.#call(secretsPath(repository), secretList)).secrets
  }

  /** For a repository alone, or for all. */
  /** The value, or with it what holds for the secret; resolves to what may be wrong with it. */
  async setSecret(
    name: string,
    given: string | NewSecretBody,
    repository?: string,
  ): Promise<string[]> {
    const path = `${secretsPath(repository)}/${slashless(name)}`
    const body = typeof given === 'string' ? { value: given } : given
    return (await this.#call(path, setSecretAnswer, { method: 'PUT', body })).warnings
  }

  async removeSecret(name: string, repository?: string): Promise<void> {
    const path = `${secretsPath(repository)}/${slashless(name)}`
    await this.#call(path, accepted, { method: 'DELETE' })
  }

  async #pipeline(path: string, body?: unknown): Promise<PipelineView> {
    return (await this.#call(path, startedPipeline, { method: 'POST', body })).pipeline
  }

  #call<Schema extends z.ZodType>(path: string, schema: Schema, call: Omit<Call, 'signal'> = {}) {
    return callJson(this.address, path, schema, { ...call, signal: this.#signal })
  }
}
