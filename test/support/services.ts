import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** The services that `npm test` provides; each has its URL in NARWHAL_TEST_<NAME>. */
export type ServiceName = 'postgres' | 'rabbitmq' | 'docker'

export interface TestService {
  /** `postgres://…`, `amqp://…` or `unix:///…`; empty if the service is missing. */
  readonly url: string
  /** For node:test's `skip`: false if the service is running, else the reason. */
  readonly skip: string | false
}

/** `const postgres = testService('postgres')`, then `test('…', { skip: postgres.skip }, …)`. */
export function testService(name: ServiceName): TestService {
  const variable = `NARWHAL_TEST_${name.toUpperCase()}`
  const url = process.env[variable]
  if (url) return { url, skip: false }
  const reason = process.env[`NARWHAL_TEST_SKIP_${name.toUpperCase()}`]
  return { url: '', skip: `no ${name}: ${reason || `run npm test, or set ${variable}`}` }
}

/** A tiny image with a shell and BusyBox's commands, which the tests' Docker Engine has. */
export function testImage(): string {
  return process.env['NARWHAL_TEST_IMAGE'] || 'narwhal-test/busybox:latest'
}

/** A unique word of a-z and 0-9, to distinguish queues, tables or containers of tests. */
export function uniquePrefix(word = 't'): string {
  return `${word}${randomBytes(5).toString('hex')}`
}

/** A new database in the tests' PostgreSQL, dropped on disposal. */
export interface FreshDatabase extends AsyncDisposable {
  readonly url: string
}

/**
 * `await using database = await freshDatabase()`: empty, or a copy of one without connections. Throws if
 * there is no PostgreSQL.
 */
export async function freshDatabase(
  options: { readonly copyOf?: FreshDatabase } = {},
): Promise<FreshDatabase> {
  const server = testService('postgres')
  if (server.skip !== false) throw new Error(server.skip)
  const name = uniquePrefix('narwhal_')
  const { copyOf } = options
  const template = copyOf ? ` TEMPLATE "${new URL(copyOf.url).pathname.slice(1)}"` : ''
  await asServer(server.url, `CREATE DATABASE "${name}"${template}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  return {
    url: url.href,
    // FORCE: a failed test may have left a connection open.
    [Symbol.asyncDispose]: () => asServer(server.url, `DROP DATABASE "${name}" WITH (FORCE)`),
  }
}

async function asServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
