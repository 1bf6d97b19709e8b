import type { Role } from '../../../core/access/role.ts'

/** The prefix of all paths of the REST API. */
export const API = '/api/v1'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * How a token limited to some repositories may use a route; undefined: not at all.
 *
 * - `open`: contains nothing about repositories.
 * - `repository`, `pipeline`, `job`: if the parameter of that name leads to one of its repositories.
 * - `filtered`: the route itself returns no others, by `scopeOf`.
 * - `named in the body`: if `repository`, or the pipelines of `approvals`, are in its repositories.
 * - `forwarded`: checked by the dispatcher that the request is forwarded to.
 */
export type Reach =
  | 'open'
  | 'repository'
  | 'pipeline'
  | 'job'
  | 'filtered'
  | 'named in the body'
  | 'forwarded'

/** An endpoint's method and path, and who may call it. */
export interface Route<At extends string = `${Method} /${string}`> {
  readonly method: At extends `${infer Verb extends Method} ${string}` ? Verb : Method
  /** Relative to `API`, with `:name` for each parameter. */
  readonly path: At extends `${Method} ${infer Path}` ? Path : string
  /** The required role; `open`: no credential is needed, or the request contains its own. */
  readonly role: Role | 'open'
  readonly reach: Reach | undefined
}

function on<const At extends `${Method} /${string}`>(
  at: At,
  role: Role | 'open',
  reach?: Reach,
): Route<At> {
  const [method, path] = at.split(' ')
  return { method, path, role, reach } as Route<At>
}

/**
 * All routes of the API, defined only here: handlers are bound to them, access is checked by them, the
 * command line and the page call them. Their schemas are in `endpoints.ts`, separately, since the page can't
 * include the schema library.
 */
export const ROUTES = {
  status: on('GET /status', 'viewer', 'open'),
  openApi: on('GET /openapi.json', 'viewer', 'open'),
  live: on('GET /live', 'viewer', 'filtered'),

  session: on('GET /session', 'viewer', 'open'),
  // The body has the credential.
  signIn: on('POST /session', 'open'),
  // Harmless.
  signOut: on('DELETE /session', 'open'),
  createSignInLink: on('POST /session/links', 'viewer'),
  // The reverse: the server proves that it has a token.
  proof: on('GET /proof', 'open'),

  listRepositories: on('GET /repositories', 'viewer', 'filtered'),
  addRepository: on('POST /repositories', 'admin'),
  getRepository: on('GET /repositories/:repository', 'viewer', 'repository'),
  changeRepository: on('PATCH /repositories/:repository', 'admin', 'repository'),
  removeRepository: on('DELETE /repositories/:repository', 'admin', 'repository'),
  renewWebhookSecret: on('POST /repositories/:repository/webhook-secret', 'admin', 'repository'),
  makeDeployKey: on('POST /repositories/:repository/deploy-key', 'admin', 'repository'),
  testDelivery: on('POST /repositories/:repository/test-delivery', 'admin', 'repository'),
  getForgeLink: on('GET /repositories/:repository/forge-link', 'viewer', 'repository'),
  linkForge: on('PUT /repositories/:repository/forge-link', 'admin', 'repository'),
  unlinkForge: on('DELETE /repositories/:repository/forge-link', 'admin', 'repository'),
  listDeliveries: on('GET /repositories/:repository/deliveries', 'viewer', 'repository'),
  listTrends: on('GET /repositories/:repository/trends', 'viewer', 'repository'),
  listActivity: on('GET /activity', 'viewer'),

  listPipelines: on('GET /pipelines', 'viewer', 'filtered'),
  startPipeline: on('POST /pipelines', 'member', 'named in the body'),
  getPipeline: on('GET /pipelines/:pipeline', 'viewer', 'pipeline'),
  getWaterfall: on('GET /pipelines/:pipeline/waterfall', 'viewer', 'pipeline'),
  getUsedConfig: on('GET /pipelines/:pipeline/config', 'viewer', 'pipeline'),
  rerunPipeline: on('POST /pipelines/:pipeline/rerun', 'member', 'pipeline'),
  rerunFailed: on('POST /pipelines/:pipeline/rerun-failed', 'member', 'pipeline'),
  cancelPipeline: on('POST /pipelines/:pipeline/cancel', 'member', 'pipeline'),
  holdPipeline: on('PUT /pipelines/:pipeline/hold', 'admin', 'pipeline'),
  releasePipeline: on('DELETE /pipelines/:pipeline/hold', 'admin', 'pipeline'),
  approvePipeline: on('POST /pipelines/:pipeline/approve', 'member', 'pipeline'),
  listAwaiting: on('GET /approvals', 'viewer', 'filtered'),
  approveMany: on('POST /approvals', 'member', 'named in the body'),

  listQueue: on('GET /queue', 'viewer'),
  getJob: on('GET /jobs/:job', 'viewer', 'job'),
  rerunJob: on('POST /jobs/:job/rerun', 'member', 'job'),
  cancelJob: on('POST /jobs/:job/cancel', 'member', 'job'),
  listAttempts: on('GET /jobs/:job/attempts', 'viewer', 'job'),
  getAttempt: on('GET /jobs/:job/attempts/:attempt', 'viewer', 'job'),
  listSteps: on('GET /jobs/:job/attempts/:attempt/steps', 'viewer', 'job'),
  readLog: on('GET /jobs/:job/attempts/:attempt/log', 'viewer', 'job'),
  listLogSections: on('GET /jobs/:job/attempts/:attempt/log/sections', 'viewer', 'job'),
  searchLog: on('GET /jobs/:job/attempts/:attempt/log/search', 'viewer', 'job'),
  readLogText: on('GET /jobs/:job/attempts/:attempt/log.txt', 'viewer', 'job'),
  followLog: on('GET /jobs/:job/attempts/:attempt/log/follow', 'viewer', 'job'),
  redactLog: on('POST /jobs/:job/attempts/:attempt/log/redact', 'admin'),

  listRunners: on('GET /runners', 'viewer'),
  addRunner: on('POST /runners', 'admin'),
  getRunner: on('GET /runners/:runner', 'viewer'),
  removeRunner: on('DELETE /runners/:runner', 'admin'),
  drainRunner: on('POST /runners/:runner/drain', 'admin'),
  resumeRunner: on('POST /runners/:runner/resume', 'admin'),
  listRunnerSamples: on('GET /runners/:runner/samples', 'viewer'),
  listPlacements: on('GET /placements', 'viewer'),
  attachRunner: on('GET /runners/attach', 'viewer'),
  // The body has a join token.
  joinRunner: on('POST /runners/join', 'open'),
  leaveRunners: on('POST /runners/leave', 'admin'),
  listJoinTokens: on('GET /runners/tokens', 'viewer'),
  createJoinToken: on('POST /runners/tokens', 'admin'),
  removeJoinToken: on('DELETE /runners/tokens/:token', 'admin'),
  listDispatchers: on('GET /dispatchers', 'viewer'),

  listTokens: on('GET /tokens', 'viewer'),
  // The handlers check whose token it is.
  createToken: on('POST /tokens', 'viewer'),
  removeToken: on('DELETE /tokens/:token', 'viewer'),
  // The holder of a credential could use it anyway, so revoking it needs no further rights.
  revokeCredential: on('POST /tokens/revoke', 'viewer', 'open'),
  listUsers: on('GET /users', 'viewer'),
  addUser: on('POST /users', 'admin'),
  changeUser: on('PATCH /users/:user', 'admin'),
  removeUser: on('DELETE /users/:user', 'admin'),

  listSecrets: on('GET /secrets', 'viewer'),
  setSecret: on('PUT /secrets/:secret', 'admin'),
  removeSecret: on('DELETE /secrets/:secret', 'admin'),
  listSecretsOf: on('GET /repositories/:repository/secrets', 'viewer', 'repository'),
  setSecretOf: on('PUT /repositories/:repository/secrets/:secret', 'admin', 'repository'),
  removeSecretOf: on('DELETE /repositories/:repository/secrets/:secret', 'admin', 'repository'),
  explainSecret: on('GET /pipelines/:pipeline/secrets/:secret', 'viewer'),

  getIdTokens: on('GET /id-tokens', 'viewer'),
  getIdTokenDocuments: on('GET /id-tokens/documents', 'viewer'),
  rotateIdTokenKeys: on('POST /id-tokens/rotate', 'admin'),
  getSubject: on('GET /repositories/:repository/subject', 'viewer', 'repository'),

  getRetention: on('GET /retention', 'viewer'),
  previewRetention: on('GET /retention/preview', 'viewer'),
  keepRepository: on('PUT /repositories/:repository/retention', 'admin', 'repository'),

  listAudit: on('GET /audit', 'admin'),
  getAuditHead: on('GET /audit/head', 'admin'),
  readAuditLines: on('GET /audit/lines', 'admin'),
} as const satisfies Readonly<Record<string, Route>>

export type RouteName = keyof typeof ROUTES

/** The only routes that accept a runner's identity, besides people's tokens. */
export const RUNNER_ROUTES = [
  'attachRunner',
  'leaveRunners',
  'listDispatchers',
] as const satisfies RouteName[]

/** Reads that only a dispatcher can answer: other processes forward them. */
export const DISPATCHER_READS = [
  'listQueue',
  'listTokens',
  'getRetention',
  'previewRetention',
] as const satisfies RouteName[]

/** The whole path, as a pattern for a router. */
export function urlOf({ path }: Pick<Route<string>, 'path'>): string {
  return `${API}${path}`
}

/** Parameters and query of a path. */
export interface Named {
  readonly params?: Readonly<Record<string, string | number>>
  /** Undefined values are omitted. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** The whole path to a resource, with its query. */
export function pathTo(
  { path }: Pick<Route<string>, 'path'>,
  { params = {}, query = {} }: Named = {},
): string {
  const named = path.replaceAll(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  )
  const asked = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) asked.set(name, String(value))
  }
  return `${API}${named}${asked.size > 0 ? `?${asked.toString()}` : ''}`
}
