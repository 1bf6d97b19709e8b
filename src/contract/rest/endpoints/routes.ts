import type { Role } from '../../../core/access/role.ts'

/** All paths of the REST API are below this. */
export const API = '/api/v1'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * By what a token that is limited to some repositories may ask; where a route says nothing, it may not.
 *
 * - `open`: has nothing of any repository.
 * - `repository`, `pipeline`, `job`: by the parameter of that name, which must lead to one of its repositories.
 * - `filtered`: the route itself gives no others, by `scopeOf`.
 * - `named in the body`: by `repository`, or by the pipelines of `approvals`.
 * - `forwarded`: a dispatcher looks, whom this process asks in the same words.
 */
export type Reach =
  | 'open'
  | 'repository'
  | 'pipeline'
  | 'job'
  | 'filtered'
  | 'named in the body'
  | 'forwarded'

/** Where an endpoint is, and who may ask it. */
export interface Route<At extends string = `${Method} /${string}`> {
  readonly method: At extends `${infer Verb extends Method} ${string}` ? Verb : Method
  /** Below `API`, with `:name` in the place of each parameter. */
  readonly path: At extends `${Method} ${infer Path}` ? Path : string
  /** The role that it takes; `open`: it asks for no credential, or carries one of its own. */
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
 * Every route of the API, which are written nowhere else: handlers are bound to them, roles and
 * limited tokens are checked by them, the command line and the page call them. What goes in and comes
 * out of each is in `endpoints.ts`; this is apart, since the page can't have the library that says it.
 */
export const ROUTES = {
  status: on('GET /status', 'viewer', 'open'),
  openApi: on('GET /openapi.json', 'viewer', 'open'),
  live: on('GET /live', 'viewer', 'filtered'),

  session: on('GET /session', 'viewer', 'open'),
  // Carries its own credential.
  signIn: on('POST /session', 'open'),
  // Harms nobody.
  signOut: on('DELETE /session', 'open'),
  createSignInLink: on('POST /session/links', 'viewer'),
  // The other way round: the server proves that it has a token.
  proof: on('GET /proof', 'open'),

  listRepositories: on('GET /repositories', 'viewer', 'filtered'),
  addRepository: on('POST /repositories', 'admin'),
  getRepository: on('GET /repositories/:repository', 'viewer', 'repository'),
  changeRepository: on('PATCH /repositories/:repository', 'admin', 'repository'),
  removeRepository: on('DELETE /repositories/:repository', 'admin', 'repository'),
  renewWebhookSecret: on('POST /repositories/:repository/webhook-secret', 'admin', 'repository'),
  testDelivery: on('POST /repositories/:repository/test-delivery', 'admin', 'repository'),
  getForgeLink: on('GET /repositories/:repository/forge-link', 'viewer', 'repository'),
  linkForge: on('PUT /repositories/:repository/forge-link', 'admin', 'repository'),
  unlinkForge: on('DELETE /repositories/:repository/forge-link', 'admin', 'repository'),
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
  // Carries a join token.
  joinRunner: on('POST /runners/join', 'open'),
  leaveRunners: on('POST /runners/leave', 'admin'),
  listJoinTokens: on('GET /runners/tokens', 'viewer'),
  createJoinToken: on('POST /runners/tokens', 'admin'),
  removeJoinToken: on('DELETE /runners/tokens/:token', 'admin'),
  listDispatchers: on('GET /dispatchers', 'viewer'),

  listTokens: on('GET /tokens', 'viewer'),
  // The handlers look whose token it is.
  createToken: on('POST /tokens', 'viewer'),
  removeToken: on('DELETE /tokens/:token', 'viewer'),
  // Who holds a credential could use it: no more is asked of who takes it back.
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

/** What a runner's identity opens, besides people's tokens; nothing else. */
export const RUNNER_ROUTES = [
  'attachRunner',
  'leaveRunners',
  'listDispatchers',
] as const satisfies RouteName[]

/** What is read, and only a dispatcher can tell: other processes ask one. */
export const DISPATCHER_READS = [
  'listQueue',
  'listTokens',
  'getRetention',
  'previewRetention',
] as const satisfies RouteName[]

/** The whole path, as a router takes it. */
export function urlOf({ path }: Pick<Route<string>, 'path'>): string {
  return `${API}${path}`
}

/** What stands in the place of the parameters, and behind the path. */
export interface Named {
  readonly params?: Readonly<Record<string, string | number>>
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** The whole path to one thing, with its query. */
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
