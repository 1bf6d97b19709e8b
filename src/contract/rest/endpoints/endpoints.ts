import { accessEndpoints } from './access.ts'
import type { Endpoint } from './endpoint.ts'
import { idTokensEndpoints } from './id-tokens.ts'
import { jobsEndpoints } from './jobs.ts'
import { logsEndpoints } from './logs.ts'
import { pipelinesEndpoints } from './pipelines.ts'
import { repositoriesEndpoints } from './repositories.ts'
import type { RouteName } from './routes.ts'
import { runnersEndpoints } from './runners.ts'
import { secretsEndpoints } from './secrets.ts'
import { upkeepEndpoints } from './upkeep.ts'

/** Two websockets, and the OpenAPI document itself. */
type Undescribed = 'live' | 'attachRunner' | 'openApi'

/**
 * The whole REST API: handlers are bound to it, the OpenAPI document is generated from it, and the clients of
 * the command line and the page are typed by it.
 */
export const ENDPOINTS = {
  ...accessEndpoints,
  ...repositoriesEndpoints,
  ...pipelinesEndpoints,
  ...jobsEndpoints,
  ...logsEndpoints,
  ...runnersEndpoints,
  ...secretsEndpoints,
  ...idTokensEndpoints,
  ...upkeepEndpoints,
} as const satisfies Readonly<Record<Exclude<RouteName, Undescribed>, Endpoint>>

export type Endpoints = typeof ENDPOINTS
export type EndpointName = keyof Endpoints
