import type { z } from 'zod'
import type { DeliveryView } from '../contract/rest/deliveries/rest-deliveries.ts'
import type { AnswerOf, GivenTo } from '../contract/rest/endpoints/endpoint.ts'
import type { EndpointName, Endpoints } from '../contract/rest/endpoints/endpoints.ts'
import type {
  createdJoinToken,
  dispatcherList,
  JoinedRunner,
  JoinRunner,
  joinTokenList,
  NewJoinToken,
  NewRunner,
  NewUser,
  PipelineQuery,
  PipelineWithJobs,
  QueueList,
  SignInLink,
  StartPipeline,
  UserView,
} from '../contract/rest/rest.ts'
import type { ApproveRequest } from '../contract/rest/rest-approvals.ts'
import type { ForgeLinkView, NewForgeLink } from '../contract/rest/rest-forge-links.ts'
import type {
  IdTokenDocuments,
  IdTokenState,
  IdTokenSubject,
} from '../contract/rest/rest-id-tokens.ts'
import type { LogPage, LogSearch } from '../contract/rest/rest-logs.ts'
import type {
  ChangedRepository,
  ChangeRepository,
  MadeDeployKey,
  NewRepository,
  RegisteredRepository,
  RepositoryView,
} from '../contract/rest/rest-repositories.ts'
import type {
  ChosenRules,
  RetentionPreview,
  RetentionState,
} from '../contract/rest/rest-retention.ts'
import type { NewSecretBody, SecretView } from '../contract/rest/rest-secrets.ts'
import type { CreatedToken, NewToken, revoked, TokenView } from '../contract/rest/rest-tokens.ts'
import type {
  AttemptView,
  JobView,
  LogLine,
  PipelineView,
  RunnerView,
} from '../contract/rest/views.ts'
import { logLine } from '../contract/rest/views.ts'
import type { Role } from '../core/access/role.ts'
import type { AttemptRef, JobId, PipelineId } from '../core/ids.ts'
import { type Caller, call, callLines, type ServerAddress } from './http-client.ts'

/** A range of a log: from a line on, or before one. */
export type LogRange = { readonly limit: number } & (
  | { readonly from: number }
  | { readonly before: number }
)

/** The text to search for in a log, and the page of matches. */
export interface LogSearchQuery {
  readonly text: string
  readonly matchCase?: boolean
  readonly from?: number
  readonly limit?: number
}

/**
 * The client of the REST API, typed by the contract's schemas. Every method rejects with the server's code
 * and message, with `unavailable` if it is unreachable, and with `cancelled` on abort.
 */
export class ApiClient {
  readonly address: ServerAddress
  readonly #caller: Caller

  constructor(address: ServerAddress, signal: AbortSignal) {
    this.address = address
    this.#caller = { address, signal }
  }

  getRepository(repository: string): Promise<RepositoryView> {
    return this.call('getRepository', { params: { repository } })
  }

  async listRepositories(): Promise<RepositoryView[]> {
    return (await this.call('listRepositories', {})).repositories
  }

  addRepository(body: NewRepository): Promise<RegisteredRepository> {
    return this.call('addRepository', { body })
  }

  /** `repository`: its id or name, here and below. */
  newWebhookSecret(repository: string, formerEndsInMs?: number): Promise<RegisteredRepository> {
    return this.call('renewWebhookSecret', { params: { repository }, query: { formerEndsInMs } })
  }

  async removeRepository(repository: string): Promise<void> {
    await this.call('removeRepository', { params: { repository } })
  }

  async getForgeLink(repository: string): Promise<ForgeLinkView> {
    return (await this.call('getForgeLink', { params: { repository } })).link
  }

  async linkForge(repository: string, body: NewForgeLink): Promise<ForgeLinkView> {
    return (await this.call('linkForge', { params: { repository }, body })).link
  }

  async unlinkForge(repository: string): Promise<void> {
    await this.call('unlinkForge', { params: { repository } })
  }

  /** Newest first. */
  async listPipelines(query: PipelineQuery): Promise<PipelineView[]> {
    const given = { ...query, limit: Number(query.limit ?? 50) }
    return (await this.call('listPipelines', { query: given })).pipelines
  }

  getPipeline(id: PipelineId): Promise<PipelineWithJobs> {
    return this.call('getPipeline', { params: { pipeline: id } })
  }

  async startPipeline(body: StartPipeline): Promise<PipelineView> {
    return (await this.call('startPipeline', { body })).pipeline
  }

  /** Resolves to the new pipeline. */
  async rerunPipeline(id: PipelineId): Promise<PipelineView> {
    return (await this.call('rerunPipeline', { params: { pipeline: id } })).pipeline
  }

  async cancelPipeline(id: PipelineId, reason?: string): Promise<PipelineView> {
    const body = reason ? { body: { reason } } : {}
    return (await this.call('cancelPipeline', { params: { pipeline: id }, ...body })).pipeline
  }

  async getJob(id: JobId): Promise<JobView> {
    return (await this.call('getJob', { params: { job: id } })).job
  }

  async rerunFailed(id: PipelineId): Promise<PipelineView> {
    return (await this.call('rerunFailed', { params: { pipeline: id } })).pipeline
  }

  async rerunJob(id: JobId): Promise<JobView> {
    return (await this.call('rerunJob', { params: { job: id } })).job
  }

  async cancelJob(id: JobId, reason?: string): Promise<JobView> {
    const body = reason ? { body: { reason } } : {}
    return (await this.call('cancelJob', { params: { job: id }, ...body })).job
  }

  async listAttempts(id: JobId): Promise<AttemptView[]> {
    return (await this.call('listAttempts', { params: { job: id } })).attempts
  }

  /** A range of an attempt's log, at most 10,000 lines. */
  readLog(ref: AttemptRef, range: LogRange): Promise<LogPage> {
    return this.call('readLog', { params: paramsOf(ref), query: range })
  }

  /** The lines of an attempt's log that contain a text, and how many there are. */
  searchLog(ref: AttemptRef, query: LogSearchQuery): Promise<LogSearch> {
    return this.call('searchLog', { params: paramsOf(ref), query })
  }

  /** An attempt's current log, line by line; with `timestamps`, each prefixed with its time. */
  readLogText(ref: AttemptRef, timestamps: boolean): AsyncGenerator<string, void, undefined> {
    const query = timestamps ? { timestamps } : {}
    return callLines(this.#caller, 'readLogText', { params: paramsOf(ref), query })
  }

  /** The lines from number `from` on, and further ones until the attempt ends. */
  async *followLog(ref: AttemptRef, from: number): AsyncGenerator<LogLine, void, undefined> {
    const given = { params: paramsOf(ref), query: { from } }
    for await (const line of callLines(this.#caller, 'followLog', given)) {
      if (line !== '') yield logLine.parse(JSON.parse(line))
    }
  }

  retention(): Promise<RetentionState> {
    return this.call('getRetention', {})
  }

  previewRetention(): Promise<RetentionPreview> {
    return this.call('previewRetention', {})
  }

  async keepRepository(repository: string, body: ChosenRules): Promise<void> {
    await this.call('keepRepository', { params: { repository }, body })
  }

  /** The first jobs of the queue, at most a thousand, and how many there are. */
  listQueue(): Promise<QueueList> {
    return this.call('listQueue', { query: { limit: 1000 } })
  }

  async listRunners(): Promise<RunnerView[]> {
    return (await this.call('listRunners', {})).runners
  }

  async addRunner(body: NewRunner): Promise<RunnerView> {
    return (await this.call('addRunner', { body })).runner
  }

  /** `runner`: its id or name, here and below. */
  async removeRunner(runner: string): Promise<void> {
    await this.call('removeRunner', { params: { runner } })
  }

  async drainRunner(runner: string): Promise<RunnerView> {
    return (await this.call('drainRunner', { params: { runner } })).runner
  }

  async resumeRunner(runner: string): Promise<RunnerView> {
    return (await this.call('resumeRunner', { params: { runner } })).runner
  }

  /** Joins as a runner; the answer contains its identity. */
  joinRunner(body: JoinRunner): Promise<JoinedRunner> {
    return this.call('joinRunner', { body })
  }

  /** Authenticated by the runner's own identity. */
  async leaveRunners(): Promise<void> {
    await this.call('leaveRunners', {})
  }

  async listJoinTokens(): Promise<z.output<typeof joinTokenList>['tokens']> {
    return (await this.call('listJoinTokens', {})).tokens
  }

  /** Runners may join with the token, and get only its labels. */
  createJoinToken(body: NewJoinToken): Promise<z.output<typeof createdJoinToken>> {
    return this.call('createJoinToken', { body })
  }

  async removeJoinToken(id: string): Promise<void> {
    await this.call('removeJoinToken', { params: { token: id } })
  }

  async listDispatchers(): Promise<z.output<typeof dispatcherList>['dispatchers']> {
    return (await this.call('listDispatchers', {})).dispatchers
  }

  async listTokens(): Promise<TokenView[]> {
    return (await this.call('listTokens', {})).tokens
  }

  createToken(body: NewToken): Promise<CreatedToken> {
    return this.call('createToken', { body })
  }

  async removeToken(id: string): Promise<void> {
    await this.call('removeToken', { params: { token: id } })
  }

  /** Revokes a credential by its value; resolves to what it was. */
  revoke(value: string): Promise<z.output<typeof revoked>> {
    return this.call('revokeCredential', { body: { value } })
  }

  /** A code with which a browser signs in once, as the owner of this client's token. */
  createSignInLink(): Promise<SignInLink> {
    return this.call('createSignInLink', {})
  }

  async listUsers(): Promise<UserView[]> {
    return (await this.call('listUsers', {})).users
  }

  async addUser(body: NewUser): Promise<UserView> {
    return (await this.call('addUser', { body })).user
  }

  /** `user`: its id or name, here and below. */
  async setRole(user: string, role: Role): Promise<UserView> {
    return (await this.call('changeUser', { params: { user }, body: { role } })).user
  }

  async removeUser(user: string): Promise<void> {
    await this.call('removeUser', { params: { user } })
  }

  /** `reviewed`: the commit, and the plan if known, that were reviewed. */
  async approvePipeline(id: PipelineId, reviewed: ApproveRequest): Promise<PipelineView> {
    return (await this.call('approvePipeline', { params: { pipeline: id }, body: reviewed }))
      .pipeline
  }

  /** Pipelines waiting for approval, longest waiting first. */
  async listAwaiting(): Promise<PipelineView[]> {
    return (await this.call('listAwaiting', { query: { limit: 500 } })).pipelines
  }

  makeDeployKey(repository: string): Promise<MadeDeployKey> {
    return this.call('makeDeployKey', { params: { repository } })
  }

  changeRepository(repository: string, change: ChangeRepository): Promise<ChangedRepository> {
    return this.call('changeRepository', { params: { repository }, body: change })
  }

  /** The issuer and the keys of id tokens. */
  getIdTokens(): Promise<IdTokenState> {
    return this.call('getIdTokens', {})
  }

  /** The documents that the issuer must serve. */
  getIdTokenDocuments(): Promise<IdTokenDocuments> {
    return this.call('getIdTokenDocuments', {})
  }

  /** Creates the next key; with `now` one that signs at once and replaces all others. */
  rotateIdTokenKeys(now: boolean): Promise<IdTokenState> {
    return this.call('rotateIdTokenKeys', { body: { now } })
  }

  /** The subject of a repository's id tokens. */
  getSubject(repository: string, of: { ref?: string; job?: string }): Promise<IdTokenSubject> {
    return this.call('getSubject', { params: { repository }, query: of })
  }

  /** The last webhook deliveries of a repository, newest first. */
  async listDeliveries(repository: string): Promise<DeliveryView[]> {
    return (await this.call('listDeliveries', { params: { repository } })).deliveries
  }

  /** The secrets available to the repository; without one, the global ones. */
  async listSecrets(repository?: string): Promise<SecretView[]> {
    const { secrets } = await (repository === undefined
      ? this.call('listSecrets', {})
      : this.call('listSecretsOf', { params: { repository } }))
    return secrets
  }

  /** For one repository, or for all; resolves to warnings about the value. */
  async setSecret(name: string, body: NewSecretBody, repository?: string): Promise<string[]> {
    const { warnings } = await (repository === undefined
      ? this.call('setSecret', { params: { secret: name }, body })
      : this.call('setSecretOf', { params: { repository, secret: name }, body }))
    return warnings
  }

  async removeSecret(name: string, repository?: string): Promise<void> {
    await (repository === undefined
      ? this.call('removeSecret', { params: { secret: name } })
      : this.call('removeSecretOf', { params: { repository, secret: name } }))
  }

  /** Calls any endpoint by name. */
  call<Name extends EndpointName>(
    name: Name,
    given: GivenTo<Endpoints[Name]>,
  ): Promise<AnswerOf<Endpoints[Name]>> {
    return call(this.#caller, name, given)
  }
}

function paramsOf({ jobId, attempt }: AttemptRef) {
  return { job: jobId, attempt }
}
