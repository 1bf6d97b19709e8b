import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAgent } from '../src/agent/agent.ts'
import { registerProofRoute } from '../src/api/auth/proof-route.ts'
import { registerSessionRoutes } from '../src/api/auth/session-routes.ts'
import { openBroker } from '../src/broker/open-broker.ts'
import { readGitEnv } from '../src/config/env.ts'
import { ENDPOINTS } from '../src/contract/rest/endpoints/endpoints.ts'
import { API, urlOf } from '../src/contract/rest/endpoints/routes.ts'
import { Dispatcher } from '../src/dispatcher/dispatcher.ts'
import { registerAttachRoute } from '../src/dispatcher/routes/attach-routes.ts'
import { registerCommandRoutes } from '../src/dispatcher/routes/command-routes.ts'
import { registerJoinRoutes } from '../src/dispatcher/routes/join-routes.ts'
import { registerLeaveRoute } from '../src/dispatcher/routes/leave-route.ts'
import { openMetrics } from '../src/http/metrics.ts'
import { createHttpServer } from '../src/http/server.ts'
import { silentLog } from '../src/lib/log.ts'
import { Vault } from '../src/vault/vault.ts'
import { startWeb } from '../src/web/web.ts'
import { startUp } from './support/installation.ts'
import { openTestStore } from './support/test-store.ts'
import { bearer } from './support/tokens.ts'

type Json = Record<string, unknown>

interface Operation {
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: Json }[]
  readonly requestBody?: { readonly required?: boolean; readonly content?: Content }
  readonly responses: Readonly<Record<string, { description?: string; content?: Content }>>
  readonly summary?: string
  readonly tags?: readonly string[]
}
type Content = Readonly<Record<string, { schema?: Json }>>

interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Json }
}

async function readDocument(): Promise<Document> {
  await using narwhal = await startUp()
  const response = await fetch(`${narwhal.url}/api/v1/openapi.json`, {
    headers: bearer(narwhal.token),
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Document
}

function operationsOf({ paths }: Document): { name: string; path: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      return { name: `${method.toUpperCase()} ${path}`, path, operation }
    }),
  )
}

test('the OpenAPI document is whole: each operation says what it takes and gives', async () => {
  const document = await readDocument()
  assert.match(document.openapi, /^3\.1\.\d+$/)
  assert.ok(document.info.title && document.info.version)
  for (const { name, path, operation } of operationsOf(document)) {
    assert.ok(operation.summary && (operation.tags?.length ?? 0) > 0, name)
    const parameters = operation.parameters ?? []
    for (const parameter of parameters) assert.ok(parameter.schema?.['type'], name)
    const inPath = parameters.filter((one) => one.in === 'path')
    const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map(([, word = '']) => word)
    assert.deepEqual(inPath.map((one) => one.name).sort(), placeholders.sort(), name)
    assert.ok(inPath.every(({ required }) => required === true))
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
      assert.ok(isSchema(schema), `the body of ${name}`)
    }
    const statuses = Object.keys(operation.responses)
    assert.ok(
      statuses.some((status) => status.startsWith('2')),
      name,
    )
    for (const status of ['4XX', '5XX'])
      assert.ok(statuses.includes(status), `${status} of ${name}`)
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      const schemas = Object.values(content ?? {}).map(({ schema }) => schema)
      assert.ok(description && schemas.length > 0, `${status} of ${name}`)
      assert.ok(schemas.every(isSchema), `${status} of ${name}`)
      const error = { $ref: '#/components/schemas/Error' }
      if (/^[45]/.test(status)) assert.deepEqual(schemas, [error], `${status} of ${name}`)
    }
  }
  const cancel = document.paths['/api/v1/jobs/{job}/cancel']?.['post']
  assert.notEqual(cancel?.requestBody?.required, true, 'a reason need not be given')
})

test('every reference in the OpenAPI document leads somewhere, and no schema is left over', async () => {
  const document = await readDocument()
  const wanted = new Set<string>()
  visit(document, (value) => {
    const { $ref } = value
    if (typeof $ref !== 'string') return
    wanted.add($ref)
    let at: unknown = document
    for (const word of $ref.replace(/^#\//, '').split('/')) at = (at as Json | undefined)?.[word]
    assert.ok(isSchema(at), $ref)
  })
  for (const name of Object.keys(document.components.schemas)) {
    assert.ok(wanted.has(`#/components/schemas/${name}`), name)
  }
})

test('the OpenAPI document names every route of the API', async () => {
  const document = await readDocument()
  const named = operationsOf(document).map(({ name }) => name)
  const routes = (await listRoutes()).filter((route) => / \/(api|webhooks)\//.test(route))
  assert.ok(routes.length > 25, routes.join('\n'))
  const notRest = ['GET /api/v1/live', 'GET /api/v1/runners/attach', 'GET /api/v1/openapi.json']
  assert.deepEqual(named.sort(), routes.filter((route) => !notRest.includes(route)).sort())
  // And whatever the table of endpoints has is answered.
  const inTable = Object.values(ENDPOINTS).map((endpoint) => {
    return `${endpoint.method} ${urlOf(endpoint).replaceAll(/:(\w+)/g, '{$1}')}`
  })
  assert.deepEqual(named.filter((name) => name.includes(` ${API}/`)).sort(), inTable.sort())
})

/** What a server of all services in one process is told to answer, as `POST /api/v1/jobs/{job}/rerun`. */
async function listRoutes(): Promise<string[]> {
  const log = silentLog()
  const gitEnv = readGitEnv()
  await using store = await openTestStore()
  const vault = await Vault.openInMemory(store)
  await using broker = await openBroker({ kind: 'embedded' }, log)
  const metrics = openMetrics()
  const ready = async (): Promise<void> => {}
  const server = await createHttpServer({ log, metrics, ready, version: 'test' })
  const routes: string[] = []
  server.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) {
      if (one !== 'HEAD') routes.push(`${one} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
    }
  })
  await using _agent = startAgent(server, { store, broker, vault, metrics, gitEnv, log })
  await using _web = await startWeb(server, { store, broker, log, uiFolder: '/nonexistent' })
  const options = { heuristic: 'least-loaded', jobTimeoutMs: 1000, maxAttempts: 1 } as const
  await using dispatcher = await Dispatcher.start({ store, broker, vault, gitEnv, log }, options)
  const statuses = { refresh: async () => {} }
  registerCommandRoutes(server, { dispatcher, store, vault, gitEnv, statuses })
  registerJoinRoutes(server, store)
  registerAttachRoute(server, { store, pool: dispatcher.pool, dispatcherId: () => '', log })
  registerLeaveRoute(server, { store, pool: dispatcher.pool })
  registerSessionRoutes(server, { store })
  registerProofRoute(server, '/nonexistent')
  await server.ready()
  await server.close()
  return routes
}

/** See https://spec.openapis.org/oas/v3.1.0#schema-object: says something about a value. */
function isSchema(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return ['type', '$ref', 'anyOf', 'oneOf', 'allOf', 'const', 'enum'].some((key) => key in value)
}

function visit(value: unknown, look: (value: Json) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) look(value as Json)
  for (const one of Object.values(value)) visit(one, look)
}
