import { Client } from 'pg'
import { type RunningServices, startServices } from '../../test/support/services/start-services.ts'
import { testService } from '../../test/support/services.ts'

/**
 * The services that the benchmarks share with the tests: those that NARWHAL_TEST_… names, and private
 * ones for the others, which keep what they acknowledge, stopped on disposal. Afterwards `testService` finds them in this process.
 */
export async function benchServices(
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<RunningServices> {
  const services = await startServices((line) => say(`  ${line}`), signal, { durable: true })
  Object.assign(process.env, services.env)
  return services
}

/** `PostgreSQL 15.4, fsync on`; one that does not wait for its disk makes figures look too good. */
export async function describePostgres(): Promise<string> {
  const { url, skip } = testService('postgres')
  if (skip !== false) return skip
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const ask = async (setting: string): Promise<string> => {
      const { rows } = await client.query<{ value: string }>(
        'select current_setting($1) as value',
        [setting],
      )
      return rows[0]?.value ?? ''
    }
    const [version = ''] = (await ask('server_version')).split(' ')
    const commits = await ask('synchronous_commit')
    return `PostgreSQL ${version}, fsync ${await ask('fsync')}, synchronous commits ${commits}`
  } finally {
    await client.end()
  }
}
